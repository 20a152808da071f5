// Real-shaped secrets, made of parts and random characters when a test runs: no secret is in this repository.

const LOWER = 'abcdefghijklmnopqrstuvwxyz';
const UPPER = LOWER.toUpperCase();
const DIGITS = '0123456789';
const HEX = `${DIGITS}abcdef`;
const WORD = LOWER + UPPER + DIGITS;
const URL_SAFE = `${WORD}_-`;
const BASE64 = `${WORD}+/`;
const BASE32 = `${UPPER}234567`;

/** Joins the parts of a prefix, so that no file of the repository looks like it holds a secret. */
export function glue(parts: string): string {
  return parts.replaceAll('·', '');
}

export interface SecretSample {
  /** Kind the scanner is expected to name. */
  readonly kind: string;
  readonly text: string;
  /** The part of the text that must be gone after masking. */
  readonly secret: string;
}

export interface Randomness {
  /** Characters drawn from an alphabet, with at least one digit and one capital if it has them. */
  readonly draw: (alphabet: string, length: number) => string;
  readonly pick: (items: readonly string[]) => string;
}

/** Reproducible pseudo-random choices (mulberry32). */
export function seededRandomness(seed: number): Randomness {
  let state = seed;
  const below = (limit: number): number => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return Math.floor((((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296) * limit);
  };
  const isMixed = (value: string, alphabet: string): boolean =>
    [DIGITS.slice(2, 8), UPPER, LOWER].every(
      (set) => !alphabet.includes(set) || value.split('').some((character) => set.includes(character)),
    );
  const draw = (alphabet: string, length: number): string => {
    for (;;) {
      const value = Array.from({ length }, () => alphabet.charAt(below(alphabet.length))).join('');
      if (length < 8 || isMixed(value, alphabet)) return value;
    }
  };
  return { draw, pick: (items) => items[below(items.length)] ?? '' };
}

type Make = (random: Randomness) => string;

/** Token formats: kind and one value. */
const TOKENS: readonly (readonly [string, Make])[] = [
  ['AWS access key', (r) => r.pick(['AKIA', 'ASIA']) + r.draw(BASE32, 16)],
  ['GitHub token', (r) => `gh${r.pick(['p', 'o', 'u', 's', 'r'])}_${r.draw(WORD, 36)}`],
  ['GitHub token', (r) => `${glue('github_·pat_')}${r.draw(WORD, 22)}_${r.draw(WORD, 59)}`],
  ['GitLab token', (r) => `${glue('gl·pat-')}${r.draw(URL_SAFE, 19)}${r.draw(WORD, 1)}`],
  ['GitLab token', (r) => `${glue('gl·rt-')}${r.draw(WORD, 27)}.01.${r.draw(HEX, 9)}`],
  [
    'OpenAI API key',
    (r) => `${glue('sk-·proj-')}${r.draw(URL_SAFE, 74)}${glue('T3Blbk·FJ')}${r.draw(URL_SAFE, 73)}x`,
  ],
  ['OpenAI API key', (r) => `sk-${r.draw(WORD, 20)}${glue('T3Blbk·FJ')}${r.draw(WORD, 20)}`],
  ['Anthropic API key', (r) => `${glue('sk-·ant-api03-')}${r.draw(URL_SAFE, 93)}AA`],
  ['OpenRouter API key', (r) => `${glue('sk-·or-v1-')}${r.draw(HEX, 64)}`],
  ['API key', (r) => `sk-${r.draw(HEX, 32)}`],
  ['Slack token', (r) => `${glue('xox·b-')}${r.draw(DIGITS, 12)}-${r.draw(DIGITS, 13)}-${r.draw(WORD, 24)}`],
  ['Slack token', (r) => `xapp-1-A${r.draw(UPPER + DIGITS, 10)}-${r.draw(DIGITS, 13)}-${r.draw(HEX, 64)}`],
  [
    'Slack webhook',
    (r) =>
      `${glue('hooks.slack.com/·services')}/T${r.draw(UPPER + DIGITS, 8)}/B${r.draw(UPPER + DIGITS, 8)}/${r.draw(WORD, 24)}`,
  ],
  ['Stripe key', (r) => `${r.pick(['sk', 'rk'])}${glue('_·live_')}${r.draw(WORD, 24)}`],
  ['Stripe key', (r) => `${glue('sk_·test_51')}${r.draw(WORD, 97)}`],
  ['webhook signing secret', (r) => `${glue('wh·sec_')}${r.draw(WORD, 32)}`],
  ['Google API key', (r) => `${glue('AI·zaSy')}${r.draw(URL_SAFE, 33)}`],
  ['Google OAuth secret', (r) => `${glue('GOC·SPX-')}${r.draw(URL_SAFE, 28)}`],
  ['Google OAuth token', (r) => `ya29.${r.draw(URL_SAFE, 120)}`],
  ['Azure client secret', (r) => `${r.draw(WORD, 3)}8Q~${r.draw(WORD, 34)}`],
  ['npm token', (r) => `${glue('np·m_')}${r.draw(WORD, 36)}`],
  ['PyPI token', (r) => `${glue('py·pi-AgEIcHlwaS5vcmc')}${r.draw(URL_SAFE, 160)}`],
  ['Docker token', (r) => `${glue('dckr_·pat_')}${r.draw(URL_SAFE, 27)}`],
  ['Hugging Face token', (r) => `${glue('h·f_')}${r.draw(LOWER + UPPER, 34)}`],
  ['Groq API key', (r) => `${glue('gs·k_')}${r.draw(WORD, 52)}`],
  ['SendGrid API key', (r) => `SG.${r.draw(URL_SAFE, 22)}.${r.draw(URL_SAFE, 43)}`],
  ['DigitalOcean token', (r) => `${glue('dop_·v1_')}${r.draw(HEX, 64)}`],
  ['Shopify token', (r) => `${glue('shp·at_')}${r.draw(HEX, 32)}`],
  ['Telegram bot token', (r) => `${r.draw('123456789', 10)}:AA${r.draw(URL_SAFE, 33)}`],
  ['Databricks token', (r) => `${glue('da·pi')}${r.draw(HEX, 32)}`],
  ['HashiCorp Vault token', (r) => `${glue('hv·s')}.${r.draw(URL_SAFE, 95)}`],
  ['Linear API key', (r) => `${glue('lin_·api_')}${r.draw(WORD, 40)}`],
  ['Notion token', (r) => `${glue('nt·n_')}${r.draw(WORD, 46)}`],
  ['JSON web token', (r) => jwt(r)],
];

/** How a token turns up in what assistants are asked to remember. */
const TOKEN_TEXTS: readonly ((token: string) => string)[] = [
  (token) => token,
  (token) => `The key for the staging service is ${token}, rotate it in March.`,
  (token) => `export SERVICE_CREDENTIAL="${token}"`,
  (token) => `{"note":"line one\\n${token}\\nline three"}`,
  (token) => `ran it with (${token}) and it worked`,
  (token) => `https://example.org/callback?value=${token}&state=7`,
  (token) => `トークンは${token}です`,
];

/** Secrets that only their surroundings give away. */
const CONTEXTS: readonly ((r: Randomness) => SecretSample)[] = [
  (r) => around('AWS secret key', `AWS_SECRET_ACCESS_KEY=`, r.draw(WORD, 38) + 'Z9', ''),
  (r) =>
    around(
      'AWS secret key',
      `aws creds: ${glue('AK·IA')}${r.draw(BASE32, 16)} / `,
      r.draw(BASE64, 38) + 'q7',
      ' (prod)',
    ),
  (r) =>
    around(
      'Azure key',
      'DefaultEndpointsProtocol=https;AccountName=shop;AccountKey=',
      `${r.draw(BASE64, 86)}==`,
      ';EndpointSuffix=core.windows.net',
    ),
  (r) =>
    around(
      'Azure key',
      'Endpoint=sb://x.servicebus.windows.net/;SharedAccessKeyName=Root;SharedAccessKey=',
      `${r.draw(BASE64, 43)}=`,
      '',
    ),
  (r) =>
    around(
      'signature of a signed URL',
      'https://shop.blob.core.windows.net/a/b?sv=2024-01-01&se=2027&sig=',
      `${r.draw(WORD, 41)}%2F%3D`,
      '',
    ),
  (r) => around('password in URL', 'postgres://app:', r.draw(WORD, 14), '@db.internal:5432/shop'),
  (r) => around('password in URL', 'redis://:', r.draw(`${WORD}!$*`, 20), '@cache:6379'),
  (r) =>
    around(
      'password in URL',
      'clone https://deploy:',
      r.draw(LOWER + DIGITS, 20),
      '@git.example.org/team/repo.git',
    ),
  (r) => around('password', 'password = ', `${r.draw(WORD, 9)}!`, ''),
  (r) => around('password', 'DB_PASSWORD="', r.draw(WORD, 16), '"'),
  (r) => around('password', 'The wifi password is ', `Sunflower${r.draw(DIGITS, 2)}`, ' in the office.'),
  (r) => around('password', 'Password for the NAS: ', `${r.draw(LOWER, 6)}${r.draw(DIGITS, 3)}`, ''),
  (r) =>
    around(
      'password',
      '{"user":"ann","password":"',
      `${r.draw(LOWER, 5)}-${r.draw(WORD, 8)}`,
      '","active":true}',
    ),
  (r) => around('password', '<password>', r.draw(WORD, 12), '</password>'),
  (r) => around('password', 'Das Passwort lautet ', `Kaffee${r.draw(DIGITS, 4)}!`, ''),
  (r) => around('password', 'Server=db;User Id=sa;Password=', `${r.draw(WORD, 10)}#1`, ';Encrypt=true'),
  (r) => around('password', 'mysql --user ann --password ', r.draw(WORD, 12), ' shop'),
  (r) => around('password', 'curl -u admin:', r.draw(WORD, 12), ' https://example.org'),
  (r) => around('password', '**Password:** `', r.draw(WORD, 10), '`'),
  (r) =>
    around(
      'password',
      'passcode: ',
      r.draw('2468', 1) + r.draw('13579', 1) + r.draw('02', 1) + r.draw('86', 1) + '73',
      '',
    ),
  (r) => around('API key or token', 'api_key: ', r.draw(WORD, 32), ''),
  (r) => around('API key or token', 'const apiKey = "', r.draw(HEX, 32), '";'),
  (r) => around('API key or token', '"clientSecret": "', r.draw(URL_SAFE, 40), '",'),
  (r) => around('API key or token', 'The API key for the weather service is ', r.draw(HEX, 32), '.'),
  (r) => around('API key or token', '//registry.example.org/:_authToken=', r.draw(WORD, 40), ''),
  (r) => around('API key or token', 'secret: ', uuid(r), ''),
  (r) => around('API key or token', 'deploy --token ', r.draw(WORD, 24), ' --yes'),
  (r) => around('authorization header', 'Authorization: Bearer ', r.draw(WORD, 40), ''),
  (r) =>
    around(
      'authorization header',
      "-H 'Authorization: Basic ",
      Buffer.from(`ann:${r.draw(WORD, 12)}`).toString('base64'),
      "'",
    ),
  (r) => pem(r, '\n'),
  (r) => pem(r, '\\n'),
  (r) => {
    const begin = `-----BEGIN RSA ${glue('PRI·VATE')} KEY-----`;
    return around('private key', 'cut off: ', [begin, r.draw(BASE64, 64), r.draw(BASE64, 64)].join('\n'), '');
  },
];

function around(kind: string, before: string, secret: string, after: string): SecretSample {
  return { kind, text: `${before}${secret}${after}`, secret };
}

function jwt(r: Randomness): string {
  const part = (value: object): string => Buffer.from(JSON.stringify(value)).toString('base64url');
  return [part({ alg: 'HS256', typ: 'JWT' }), part({ sub: r.draw(DIGITS, 9) }), r.draw(URL_SAFE, 43)].join(
    '.',
  );
}

function uuid(r: Randomness): string {
  return [8, 4, 4, 4, 12].map((length) => r.draw(HEX, length)).join('-');
}

function pem(r: Randomness, lineEnd: string): SecretSample {
  const name = `${r.pick(['', 'RSA ', 'EC ', 'OPENSSH ', 'ENCRYPTED '])}${glue('PRI·VATE')} KEY`;
  const lines = Array.from({ length: 6 }, () => r.draw(BASE64, 64));
  const block = [`-----BEGIN ${name}-----`, ...lines, `-----END ${name}-----`].join(lineEnd);
  return around('private key', 'deploy key:\n', block, '\nkeep it safe');
}

/** About `rounds` samples of every format in every surrounding. */
export function secretSamples(seed: number, rounds: number): SecretSample[] {
  const random = seededRandomness(seed);
  const round = (): SecretSample[] => [
    ...TOKENS.flatMap(([kind, make]) =>
      TOKEN_TEXTS.map((write) => {
        const secret = make(random);
        return { kind, text: write(secret), secret };
      }),
    ),
    ...CONTEXTS.map((make) => make(random)),
  ];
  return Array.from({ length: rounds }, round).flat();
}
