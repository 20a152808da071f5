import { describe, expect, test } from 'vitest';
import { createUuidV7Generator, isUuid } from '../../../src/util/uuid.ts';

const UUID_V7 = /^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/;

describe('UUIDv7', () => {
  test('begins with the time and has version and variant', () => {
    const id = createUuidV7Generator(() => 0x0190_1234_5678)();
    expect(id).toMatch(UUID_V7);
    expect(id.startsWith('01901234-5678-7')).toBe(true);
  });

  test('sorts by making, within one millisecond and when the clock goes back', () => {
    let time = 1_000_000;
    const next = createUuidV7Generator(() => time);
    const ids = Array.from({ length: 20_000 }, (_, index) => {
      if (index % 7_000 === 6_999) time -= 500;
      return next();
    });
    expect([...ids].sort()).toEqual(ids);
    expect(new Set(ids).size).toBe(ids.length);
    expect(ids.every((id) => UUID_V7.test(id))).toBe(true);
  });

  test('differs between generators at the same time', () => {
    const now = () => 5;
    expect(createUuidV7Generator(now)()).not.toBe(createUuidV7Generator(now)());
  });
});

test.each([
  ['01890000-0000-7000-8000-000000000000', true],
  ['f81d4fae-7dec-11d0-a765-00a0c91e6bf6', true],
  ['F81D4FAE-7DEC-11D0-A765-00A0C91E6BF6', false],
  ['f81d4fae7dec11d0a76500a0c91e6bf6', false],
  ['f81d4fae-7dec-11d0-a765-00a0c91e6bf', false],
  ['{f81d4fae-7dec-11d0-a765-00a0c91e6bf6}', false],
  ['f81d4fae-7dec-11d0-a765-00a0c91e6bf6\n', false],
  ['', false],
])('%j is a UUID in lower case: %s', (text, expected) => {
  expect(isUuid(text)).toBe(expected);
});
