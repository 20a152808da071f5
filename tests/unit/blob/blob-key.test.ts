import { posix, win32 } from 'node:path';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { assertBlobKey, assertBlobPrefix, isBlobKey } from '../../../src/blob/arguments.ts';

const anyPath = fc.array(
  fc.oneof(
    fc.constantFrom('..', '.', 'a', 'con', 'A', ''),
    fc.string({ maxLength: 4 }),
    fc.string({ unit: 'binary' }),
  ),
  { maxLength: 4 },
);

describe('isBlobKey', () => {
  test('accepts only what stays inside its folder on every system', () => {
    fc.assert(
      fc.property(anyPath, fc.constantFrom('/', '\\'), (parts, separator) => {
        const key = parts.join(separator);
        fc.pre(isBlobKey(key));
        expect(posix.join('/root', key)).toBe(`/root/${key}`);
        expect(win32.join('C:\\root', key)).toBe(`C:\\root\\${key.replaceAll('/', '\\')}`);
        expect(encodeURI(key)).toBe(key);
        expect(key.toLowerCase()).toBe(key);
      }),
      { numRuns: 2000 },
    );
  });

  test.each(['con', 'nul.txt', 'a/aux', 'com1', 'lpt9.log', 'a'.repeat(201), `${'a/'.repeat(256)}b`])(
    'refuses %s, which some file system does not know or cannot hold',
    (key) => {
      expect(isBlobKey(key)).toBe(false);
    },
  );

  test.each(['console', 'v1/0f3e/segments/9a', 'comma', '20250101t101010123z-0a1b2c3d'])(
    'accepts %s',
    (key) => {
      expect(isBlobKey(key)).toBe(true);
    },
  );
});

test('names the key and the rule, and cuts long ones', () => {
  expect(() => {
    assertBlobKey('../../etc/passwd');
  }).toThrow(/key is "\.\.\/\.\.\/etc\/passwd".*lower-case segments/);
  expect(() => {
    assertBlobKey('X'.repeat(10_000));
  }).toThrow(/^.{0,250}$/);
});

test('takes any start of a key for a list prefix', () => {
  fc.assert(
    fc.property(fc.nat(20), (length) => {
      expect(() => {
        assertBlobPrefix('v1/machine/snapshot'.slice(0, length));
      }).not.toThrow();
    }),
  );
});
