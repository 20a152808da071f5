import { describe, expect, test } from 'vitest';
import { hashPassword, isPassword, needsNewHash } from '../../../src/auth/embedded/passwords.ts';

describe('passwords', () => {
  test('have a salt each, and the same characters count in every form', async () => {
    const [one, two] = [await hashPassword('pässword long'), await hashPassword('pässword long')];
    expect(one).not.toBe(two);
    expect(await isPassword('pa\u0308ssword long', one)).toBe(true);
  });

  test('made with older costs still count, and are made anew', async () => {
    // scrypt('password', salt 'salt' × 4, N = 2^10, r = 8, p = 1)
    const { scryptSync } = await import('node:crypto');
    const salt = Buffer.from('saltsaltsaltsalt');
    const hash = scryptSync('old password', salt, 32, { N: 1_024, r: 8, p: 1 });
    const old = `scrypt$10$8$1$${salt.toString('base64url')}$${hash.toString('base64url')}`;
    expect(await isPassword('old password', old)).toBe(true);
    expect(await isPassword('another', old)).toBe(false);
    expect([needsNewHash(old), needsNewHash(await hashPassword('x'))]).toEqual([true, false]);
  });

  test.each([null, '', 'plain$1$2$3$4$5', 'scrypt$15$8$3$$'])('are never right for %j', async (stored) => {
    expect(await isPassword('', stored)).toBe(false);
    expect(await isPassword('x', stored)).toBe(false);
  });
});
