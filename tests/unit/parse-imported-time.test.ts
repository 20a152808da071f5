import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { parseImportedTime } from '../../src/import-export/parse-memory-line.ts';

const NOON = Date.parse('2026-01-31T12:00:00.000Z');

describe('times of imported memories', () => {
  test.each([
    ['2026-01-31T12:00:00Z', NOON],
    ['2026-01-31T12:00:00.123456+00:00', NOON + 123],
    ['2026-01-31 12:00:00', NOON],
    ['2026-01-31T12:00', NOON],
    ['2026-01-31T14:00:00+02', NOON],
    ['2026-01-31T07:00:00-0500', NOON],
    ['2026-01-31t12:00:00z', NOON],
    ['2026-01-31', NOON - 12 * 3_600_000],
    ['+010000-01-01T00:00:00Z', 253_402_300_800_000],
    [NOON, NOON],
    [NOON / 1000, NOON],
    [NOON / 1000 + 0.5, NOON + 500],
    [String(NOON / 1000), NOON],
    [String(NOON), NOON],
    [NOON * 1_000, NOON],
    [NOON * 1_000_000, NOON],
    [String(NOON * 1_000), NOON],
    [0, 0],
  ])('reads %j', (value, expected) => {
    expect(parseImportedTime('created_at', value)).toBe(expected);
  });

  test.each([
    ['yesterday'],
    ['2026-02-30'],
    ['2026-13-01'],
    ['2026-01-31T25:00Z'],
    ['31.01.2026'],
    [''],
    [true],
    [{}],
    [1e300],
  ])('refuses %j', (value) => {
    expect(() => parseImportedTime('created_at', value)).toThrow('created_at is');
  });

  test('gives back every time that an export writes', () => {
    fc.assert(
      fc.property(fc.integer({ min: -8_640_000_000_000_000, max: 8_640_000_000_000_000 }), (time) => {
        expect(parseImportedTime('created_at', new Date(time).toISOString())).toBe(time);
      }),
    );
  });
});
