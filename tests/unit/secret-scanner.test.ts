import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createSecretScanner } from '../../src/secrets/create-secret-scanner.ts';
import { maskSecrets } from '../../src/secrets/mask-secrets.ts';
import { innocentTexts } from '../helpers/innocent-texts.ts';
import { glue, secretSamples, seededRandomness } from '../helpers/secret-samples.ts';

const scanner = createSecretScanner();
const mask = (text: string): string => maskSecrets(text, scanner.scan(text));

describe('secret scanner', () => {
  const samples = secretSamples(20_260_131, 5);

  it('finds every sample, names its kind and leaves nothing of it', () => {
    const problems = samples.flatMap(({ kind, text, secret }) => {
      const kinds = scanner.scan(text).map((finding) => finding.kind);
      const masked = mask(text);
      const left = pieces(secret).filter((piece) => masked.includes(piece));
      return kinds.includes(kind) && left.length === 0 ? [] : [{ kind, kinds, masked }];
    });
    expect(samples.length).toBeGreaterThan(1_000);
    expect(problems).toEqual([]);
  });

  it('keeps what surrounds a secret', () => {
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

  it('finds several secrets in one text, in order', () => {
    const { draw } = seededRandomness(8);
    const text = `api_key: ${draw('abcXYZ0123456789', 32)}\npassword: ${draw('abcXYZ23456789', 10)}\nnpm_${draw('abcXYZ0123456789', 36)}`;
    expect(scanner.scan(text).map(({ kind }) => kind)).toEqual(['API key or token', 'password', 'npm token']);
  });

  it('finds a secret inside a value that was rejected', () => {
    const { draw } = seededRandomness(9);
    const password = `${draw('abcXYZ23456789', 10)}!`;
    expect(mask(`password: /login?password=${password}`)).toBe('password: /login?password=[masked password]');
  });

  it('says nothing about innocent texts', () => {
    const found = innocentTexts(20_260_131, 40).flatMap((text) =>
      scanner.scan(text).map(({ kind, start, end }) => `${kind}: ${text.slice(start, end)} in ${text}`),
    );
    expect(found).toEqual([]);
  });

  it('does not find its own masks', () => {
    for (const { text } of samples) {
      const once = mask(text);
      expect(mask(once)).toBe(once);
    }
  });

  it('returns ordered, disjoint ranges inside any text', () => {
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

  it('masks a long secret whole', () => {
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
  it('are scanned to the end', () => {
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
