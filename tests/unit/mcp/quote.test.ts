import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { quote, quoteInline } from '../../../src/mcp/render.ts';

const LINE_ENDS = /\r\n|[\n\v\f\r\u0085\u2028\u2029]/;
const anyText = fc.oneof(
  fc.string({ unit: 'binary' }),
  fc.string({
    unit: fc.constantFrom(
      '\n',
      '\r',
      '\u2028',
      '\u2029',
      '\u0085',
      '\v',
      '\f',
      '>',
      ' ',
      '"',
      '\\',
      'a',
      '\u202e',
    ),
  }),
);

describe('quote', () => {
  test('marks every line of every text', () => {
    fc.assert(
      fc.property(anyText, (text) => {
        const lines = quote(text).split(LINE_ENDS);
        expect(lines.every((line) => line.startsWith('> '))).toBe(true);
        expect(lines).toHaveLength(text.split(LINE_ENDS).length);
      }),
    );
  });

  test('leaves readable text as it is', () => {
    expect(quote('Grüße aus 東京 🙂\n\n> quoted\tbefore')).toBe(
      '> Grüße aus 東京 🙂\n> \n> > quoted\tbefore',
    );
  });

  test('leaves out what a user would not see, and what a terminal would obey', () => {
    expect(quote('a\u001b[2Kb\u202ec')).toBe('> a[2Kbc');
  });
});

describe('quoteInline', () => {
  test('keeps plain names', () => {
    for (const name of ['ops', 'c++', 'docs/readme.md', 'https://example.org', 'ünïcode', '東京', 'a_b-c'])
      expect(quoteInline(name)).toBe(name);
  });

  test('is one line, and ends where it says, for every name', () => {
    fc.assert(
      fc.property(anyText, (name) => {
        const quoted = quoteInline(name);
        expect(quoted).not.toMatch(LINE_ENDS);
        const isPlain = /^[\p{L}\p{N}_./:@+-]+$/u.test(quoted);
        if (!isPlain) expect(quoted).toBe(JSON.stringify(JSON.parse(quoted)));
      }),
    );
  });
});
