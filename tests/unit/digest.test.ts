import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  addHash,
  contentHash,
  emptySum,
  siblingsHash,
  storeDigests,
  subtractHash,
  toHex,
} from '../../src/memory/digest.ts';

const bytes = fc.uint8Array({ minLength: 32, maxLength: 32 });
const MODULUS = 2n ** 256n;

function toNumber(sum: Uint8Array): bigint {
  return BigInt(`0x${toHex(sum)}`);
}

const content = {
  text: 'The build needs Node 20',
  tags: ['build', 'node'],
  source: 'chat/7',
  metadata: { project: 'alpha', level: 1 },
  createdAt: 1_000,
  updatedAt: 2_000,
};

describe('sums of hashes', () => {
  test('add modulo 2^256', () => {
    fc.assert(
      fc.property(bytes, bytes, (a, b) => {
        expect(toNumber(addHash(a, b))).toBe((toNumber(a) + toNumber(b)) % MODULUS);
      }),
    );
  });

  test('subtract what was added, in any order', () => {
    fc.assert(
      fc.property(fc.array(bytes), (terms) => {
        const sum = terms.reduce(addHash, emptySum());
        expect([...terms].reverse().reduce(subtractHash, sum)).toEqual(emptySum());
      }),
    );
  });

  test('carry through all bytes', () => {
    const one = Uint8Array.from({ length: 32 }, (_, index) => (index === 31 ? 1 : 0));
    const ones = new Uint8Array(32).fill(255);
    expect(addHash(ones, one)).toEqual(emptySum());
    expect(subtractHash(emptySum(), one)).toEqual(ones);
  });
});

describe('fingerprints', () => {
  test('are the same in every release', () => {
    expect(toHex(contentHash('id', content))).toBe(
      '27755464fdbd45fe65069a7fa20880070ae4dfdc33c5d1127ebd232f0fd20f53',
    );
    expect(toHex(siblingsHash('id', [{ machine: 'a', n: 1 }]))).toBe(
      '08908e6c4a383102f37c7c75e1b29a04e7ed5e046f33b32f15b04d60f0c0edd7',
    );
    expect(storeDigests({ content: emptySum(), state: emptySum() }, { a: 1 })).toEqual({
      clock: { a: 1 },
      contentDigest: '0'.repeat(64),
      stateDigest: '330bf1780972aa7459ea8cea1e666ef453e7f6681ccaa146a03e9ed3e36c46f6',
    });
  });

  test('change with every field that a user sees, and with nothing else', () => {
    const original = toHex(contentHash('id', content));
    expect(toHex(contentHash('id', { ...content, metadata: { level: 1, project: 'alpha' } }))).toBe(original);
    const extended = { ...content, state: 'live', dot: { machine: 'a', n: 1 } };
    expect(toHex(contentHash('id', extended))).toBe(original);
    const changes = [
      { text: 'other' },
      { tags: ['node'] },
      { source: '' },
      { metadata: {} },
      { createdAt: 1 },
      { updatedAt: 1 },
    ];
    for (const change of changes)
      expect(toHex(contentHash('id', { ...content, ...change }))).not.toBe(original);
    expect(toHex(contentHash('other', content))).not.toBe(original);
  });

  test('do not depend on the order of siblings', () => {
    const a = { machine: 'a', n: 10 };
    const b = { machine: 'a', n: 9 };
    const c = { machine: 'b', n: 1 };
    expect(siblingsHash('id', [a, b, c])).toEqual(siblingsHash('id', [c, b, a]));
    expect(siblingsHash('id', [a, b])).not.toEqual(siblingsHash('id', [a, c]));
  });

  test('include the clock in the state', () => {
    const sums = { content: emptySum(), state: emptySum() };
    expect(storeDigests(sums, { a: 1 }).stateDigest).not.toBe(storeDigests(sums, { a: 2 }).stateDigest);
    expect(storeDigests(sums, { a: 1, b: 2 })).toEqual(storeDigests(sums, { b: 2, a: 1 }));
  });
});
