import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { IntegerMap } from '../../../src/util/integer-map.ts';

describe('IntegerMap', () => {
  test('does what Map does, in any order of changes', () => {
    // Few keys, some of them far apart, so that entries meet and gaps must be closed.
    const key = fc.oneof(
      fc.nat(40),
      fc.nat(40).map((low) => low * 2 ** 25 + 5),
      fc.constant(2 ** 31 - 1),
    );
    const change = fc.record({ key, value: fc.option(fc.nat(2 ** 31 - 1)) });
    fc.assert(
      fc.property(fc.array(change, { maxLength: 200 }), (changes) => {
        const [map, expected] = [new IntegerMap(), new Map<number, number>()];
        for (const { key: changed, value } of changes) {
          if (value === null) expect(map.delete(changed)).toBe(expected.delete(changed));
          else {
            map.set(changed, value);
            expected.set(changed, value);
          }
          expect(map.size).toBe(expected.size);
        }
        for (const { key: each } of changes) expect(map.get(each)).toBe(expected.get(each));
      }),
      { numRuns: 300 },
    );
  });

  test('keeps a hundred thousand entries apart, and closes the gaps of those that go', () => {
    const map = new IntegerMap();
    for (let key = 0; key < 100_000; key += 1) map.set(key * 3, key);
    for (let key = 0; key < 100_000; key += 2) map.delete(key * 3);
    expect(map.size).toBe(50_000);
    const wrong = Array.from({ length: 300_000 }, (_, key) => key).filter(
      (key) => map.get(key) !== (key % 6 === 3 ? key / 3 : undefined),
    );
    expect(wrong).toEqual([]);
  });

  test.each([-1, 2 ** 31, 0.5, NaN])('refuses %d as a key and as a value', (number) => {
    const map = new IntegerMap();
    expect(() => {
      map.set(number, 1);
    }).toThrow(RangeError);
    expect(() => {
      map.set(1, number);
    }).toThrow(RangeError);
    expect([map.size, map.get(number), map.delete(number)]).toEqual([0, undefined, false]);
  });
});
