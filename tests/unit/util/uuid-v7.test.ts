import { describe, expect, test } from 'vitest';
import { createUuidV7Generator } from '../../../src/util/uuid-v7.ts';

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
