import { createHash } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { createSecretScanner } from '../../src/secrets/create-secret-scanner.ts';
import { maskSecrets } from '../../src/secrets/secret-scanner.ts';
import { glue, secretSamples, seededRandomness } from '../helpers/secret-samples.ts';

const HEX = '0123456789abcdef';
const BASE64 = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/';

/** What people and programs write about secrets without telling one. */
const ABOUT_SECRETS: readonly string[] = [
  'The password must be at least 12 characters and contain 1 digit.',
  'Passwords are hashed with bcrypt, tokens with SHA-256.',
  'I forgot my password again, so I reset it yesterday.',
  'The password is stored in 1Password under "Router".',
  'The password is base64-encoded before it is sent.',
  'password: required, 8-64 characters',
  'Password: ********',
  'password = <your password>',
  'password=${DB_PASSWORD}',
  'password: "{{ vault_db_password }}"',
  'const password = process.env.DB_PASSWORD;',
  'const token = await getToken(user);',
  'let secret = config.get("session.secret");',
  'type Login = { user: string; password: string; token?: string };',
  '<input type="password" name="password" placeholder="Password">',
  'api_key: your-api-key-here',
  'OPENAI_API_KEY=sk-...',
  'Set ANTHROPIC_API_KEY to your key; it starts with sk-ant- and is found in the console.',
  'Use a token such as ghp_xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx.',
  'The example key is AKIAIOSFODNN7EXAMPLE.',
  'The access token expires after 3600 seconds; the refresh token after 30 days.',
  'max_tokens: 4096, token_count=18234',
  'The token is valid until 2026-12-31T23:59:59Z.',
  'Authorization: Bearer <token>',
  'Authorization: Bearer $TOKEN',
  'curl -u user:password https://example.org',
  'postgres://user:password@localhost:5432/db',
  'postgres://postgres:postgres@localhost/postgres',
  'mongodb+srv://app:${PASSWORD}@cluster0.example.net',
  'ssh://git@github.com:22/team/repo.git',
  'http://localhost:3000/@scope/package',
  '-----BEGIN PRIVATE KEY-----\n...\n-----END PRIVATE KEY-----',
  'The file starts with -----BEGIN RSA PRIVATE KEY----- and is 1.7 kB.',
  '-----BEGIN PUBLIC KEY-----\nMFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAE\n-----END PUBLIC KEY-----',
  'secret: projects/shop/secrets/db-password/versions/3',
  'secretKeyRef: { name: shop-db, key: password }',
  'The secret ingredient is cinnamon2go.',
  'Her password hint was the name of her first dog.',
  'csrf_token = form.data["csrf_token"]',
  'tokenizer = AutoTokenizer.from_pretrained("intfloat/e5-small-v2")',
  'credentials: "include"',
  'credentials=service_account.Credentials.from_service_account_file(path)',
  'The server IP is 10.0.0.5, the router 192.168.178.1.',
  'sk-learn and task-management-with-very-long-names are fine.',
  'api-key rotation: every 90 days, see docs/security/api-key-rotation.md',
  'Client secret: ask Ann, never in the wiki.',
  'Passwort: siehe Tresor',
  'パスワードは金庫にあります',
  'The account key was changed on 2026-01-31 by Ann.',
  'Token: see https://vault.example.org/ui/secrets/token',
  'Use op://Private/GitHub/token as the reference.',
  'password reset to be done by 12:30pm',
  'pass: 12 of 14 tests; password2 field is optional',
];

/** Random-looking values that are no credentials. */
function innocentValues(seed: number, rounds: number): string[] {
  const random = seededRandomness(seed);
  const round = (): string[] => {
    const bytes = Buffer.from(random.draw(BASE64, 64));
    const digest = (name: string): string => createHash(name).update(bytes).digest('hex');
    const uuid = [8, 4, 4, 4, 12].map((length) => random.draw(HEX, length)).join('-');
    return [
      `The request id was ${uuid}.`,
      `Fixed in commit ${digest('sha1')}, released the same day.`,
      `git cherry-pick ${digest('sha1').slice(0, 9)}`,
      `sha256:${digest('sha256')}`,
      `"integrity": "sha512-${createHash('sha512').update(bytes).digest('base64')}"`,
      `<img src="data:image/png;base64,iVBORw0KGgo${random.draw(BASE64, 400)}==">`,
      `etag: "${digest('md5')}"`,
      `ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAI${random.draw(BASE64, 43)} ann@laptop`,
      `https://www.example.org/watch?v=${random.draw(BASE64, 11)}&list=PL${random.draw(HEX, 32)}`,
      `docker pull registry.example.org/app@sha256:${digest('sha256')}`,
      `arn:aws:iam::${random.draw('123456789', 12)}:role/deploy`,
      `${glue('pk_·live_')}${random.draw(HEX, 24)} is the publishable key.`,
      `trace ${random.draw(HEX, 32)}-${random.draw(HEX, 16)}-01`,
    ];
  };
  return Array.from({ length: rounds }, round).flat();
}

/** All innocent texts: fixed ones and generated ones. */
function innocentTexts(seed: number, rounds: number): string[] {
  return [...ABOUT_SECRETS, ...innocentValues(seed, rounds)];
}

const scanner = createSecretScanner();
const mask = (text: string): string => maskSecrets(text, scanner.scan(text));

describe('secret scanner', () => {
  const samples = secretSamples(20_260_131, 5);

  test('finds every sample, names its kind and leaves nothing of it', () => {
    const problems = samples.flatMap(({ kind, text, secret }) => {
      const kinds = scanner.scan(text).map((finding) => finding.kind);
      const masked = mask(text);
      const left = pieces(secret).filter((piece) => masked.includes(piece));
      return kinds.includes(kind) && left.length === 0 ? [] : [{ kind, kinds, masked }];
    });
    expect(samples.length).toBeGreaterThan(1_000);
    expect(problems).toEqual([]);
  });

  test('keeps what surrounds a secret', () => {
    const { draw } = seededRandomness(7);
    const token = `${glue('gh·p_')}${draw('abcXYZ0123456789', 36)}`;
    expect(mask(`Deploy with ${token}, then rotate it.`)).toBe(
      'Deploy with [masked GitHub token], then rotate it.',
    );
    expect(mask(`{"password":"${draw('abcXYZ23456789', 12)}","port":5432}`)).toBe(
      '{"password":"[masked password]","port":5432}',
    );
    expect(mask(`postgres://app:${draw('abcXYZ23456789', 12)}@db:5432/shop`)).toBe(
      'postgres://app:[masked password in URL]@db:5432/shop',
    );
    expect(mask(`Server=db;Password=${draw('abcXYZ23456789', 12)};Encrypt=true`)).toBe(
      'Server=db;Password=[masked password];Encrypt=true',
    );
  });

  test('finds several secrets in one text, in order', () => {
    const { draw } = seededRandomness(8);
    const text = `api_key: ${draw('abcXYZ0123456789', 32)}\npassword: ${draw('abcXYZ23456789', 10)}\nnpm_${draw('abcXYZ0123456789', 36)}`;
    expect(scanner.scan(text).map(({ kind }) => kind)).toEqual(['API key or token', 'password', 'npm token']);
  });

  test('finds a secret inside a value that was rejected', () => {
    const { draw } = seededRandomness(9);
    const password = `${draw('abcXYZ23456789', 10)}!`;
    expect(mask(`password: /login?password=${password}`)).toBe('password: /login?password=[masked password]');
  });

  test('says nothing about innocent texts', () => {
    const found = innocentTexts(20_260_131, 40).flatMap((text) =>
      scanner.scan(text).map(({ kind, start, end }) => `${kind}: ${text.slice(start, end)} in ${text}`),
    );
    expect(found).toEqual([]);
  });

  test('does not find its own masks', () => {
    for (const { text } of samples) {
      const once = mask(text);
      expect(mask(once)).toBe(once);
    }
  });

  test('returns ordered, disjoint ranges inside any text', () => {
    const fragment = fc.oneof(
      fc.string({ unit: 'binary', maxLength: 20 }),
      fc.constantFrom(
        'password: ',
        'token=',
        '"',
        '://a:',
        '@b',
        'sk-',
        '\n',
        'AKIA',
        'Abc123!x',
        '-----BEGIN PRIVATE KEY-----',
      ),
      fc.constantFrom(...secretSamples(3, 1).map(({ text }) => text)),
    );
    fc.assert(
      fc.property(fc.array(fragment, { maxLength: 12 }), (fragments) => {
        const text = fragments.join('');
        let position = 0;
        for (const { start, end } of scanner.scan(text)) {
          expect(start).toBeGreaterThanOrEqual(position);
          expect(end).toBeGreaterThan(start);
          position = end;
        }
        expect(position).toBeLessThanOrEqual(text.length);
      }),
    );
  });

  test('masks a long secret whole', () => {
    const { draw } = seededRandomness(10);
    const tail = 'Qz7';
    const long = draw('abcdefXYZ0123456789', 50_000) + tail;
    for (const lead of ['password=', 'api_key: ', glue('sk-·ant-api03-'), glue('gh·p_')]) {
      expect(mask(`${lead}${long} end`)).toMatch(/^.{0,30}\[masked [\w ]+\] end$/);
    }
  });
});

describe('hostile texts', () => {
  const LENGTH = 100_000;
  const words = [
    ...[
      'a',
      'A',
      '0',
      '-',
      '=',
      '/',
      ':',
      '"',
      "'",
      '\\',
      ' ',
      '\n',
      '@',
      '.',
      '_',
      'a.',
      'a-',
      'aB3+',
      '\\n',
      '%0A',
    ],
    ...[
      '://',
      '://a:',
      '://:',
      'https://u:p',
      'eyJ',
      'eyJa.',
      'AKIA',
      'sk-',
      'sk-a',
      'sk-proj-',
      'glpat-',
      'ghp_',
      'SG.',
      'hvs.',
    ],
    ...[
      'password',
      'password=',
      'password: ',
      'password for ',
      'password is ',
      'password (',
      'token token ',
      'secret: "',
      '--password ',
    ],
    ...[
      'api_key=',
      'Bearer ',
      'Authorization: ',
      'AccountKey=',
      '?sig=',
      ' -u a:',
      'dp.pt.',
      'atlasv1.',
      'JQQJ9',
      '12345678:AA',
    ],
    ...[
      '-----BEGIN PRIVATE KEY-----',
      '-----BEGIN PRIVATE KEY-----\n',
      '-----BEGIN ',
      '-----',
      'Private-Lines: 9\nab\n',
      'xox',
      'pat-na1-',
    ],
  ];
  const hostile = [
    ...words.map((word) => word.repeat(Math.ceil(LENGTH / word.length))),
    ...words.map((word) => `${word}${'a'.repeat(LENGTH)}`),
    ...words.map((word) => `${word}${'aA1-'.repeat(LENGTH / 4)}`),
    ...words.map((word) => `password=${word.repeat(Math.ceil(LENGTH / word.length))}`),
  ];

  // A quadratic pattern takes 10^10 steps for one of these, and the test ends at its time limit.
  test('are scanned to the end', () => {
    for (const text of hostile) {
      const end = scanner.scan(text).at(-1)?.end ?? 0;
      expect(end).toBeLessThanOrEqual(text.length);
    }
  });
});

/** Every 8 characters of the secret, so that a part that is left over is noticed; short secrets as they are. */
function pieces(secret: string): string[] {
  const plain = secret.replace(/-----[A-Z ]+-----/g, '');
  if (plain.length <= 8) return [plain];
  return Array.from({ length: plain.length - 7 }, (_, start) => plain.slice(start, start + 8));
}
