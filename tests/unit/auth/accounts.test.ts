import { mkdtempSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { Accounts, allowedScopes } from '../../../src/auth/embedded/accounts.ts';
import { AttemptLimit } from '../../../src/auth/embedded/attempt-limit.ts';
import { AuthStore } from '../../../src/auth/embedded/auth-store.ts';
import { EntryAdapter } from '../../../src/auth/embedded/entry-adapter.ts';
import { hashPassword, isPassword, needsNewHash } from '../../../src/auth/embedded/passwords.ts';
import { rotateSigningKey, signingKeys } from '../../../src/auth/embedded/signing-keys.ts';

const PASSWORD = 'correct horse battery';
let folder: string;
let store: AuthStore;
let accounts: Accounts;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'faiss-memory-accounts-'));
  store = new AuthStore(folder);
  accounts = new Accounts(store);
});
afterEach(() => {
  vi.useRealTimers();
  store.close();
  rmSync(folder, { recursive: true });
});

describe('accounts', () => {
  test('are found by their name in any case, and only with their password', async () => {
    const ada = await accounts.add('Ada', { password: PASSWORD, scope: 'memory:write' });
    expect((await accounts.check(' ADA ', PASSWORD))?.id).toBe(ada.id);
    expect(await accounts.check('Ada', `${PASSWORD}!`)).toBeUndefined();
    expect(await accounts.check('Ada', '')).toBeUndefined();
    expect(await accounts.check('Grace', PASSWORD)).toBeUndefined();
    expect(allowedScopes(ada, ['memory:read', 'memory:write', 'memory:admin'])).toEqual([
      'memory:read',
      'memory:write',
    ]);
  });

  test.each([
    ['', PASSWORD, 'cannot be a name'],
    ['a b', PASSWORD, 'cannot be a name'],
    ['<b>', PASSWORD, 'cannot be a name'],
    ['x'.repeat(65), PASSWORD, 'cannot be a name'],
    ['ada', 'short', 'has 5 characters; 12 is the least'],
    ['ada', 'x'.repeat(257), 'has 257 characters; 256 is the most'],
  ])('are not made as %j with %j', async (name, password, problem) => {
    await expect(accounts.add(name, { password, scope: 'memory:write' })).rejects.toThrow(problem);
    expect(accounts.list()).toEqual([]);
  });

  test('have names of their own', async () => {
    await accounts.add('Ada', { password: PASSWORD, scope: 'memory:write' });
    expect(() => accounts.invite('ADA', 'memory:write')).toThrow('has an account already');
  });

  test('that are invited cannot sign in before they have chosen a password, once, within three days', async () => {
    const { account, invitation } = accounts.invite('Ada', 'memory:read');
    expect(await accounts.check('Ada', '')).toBeUndefined();
    expect(accounts.invited(`${invitation}x`)).toBeUndefined();
    expect(accounts.invited(invitation)?.id).toBe(account.id);
    vi.useFakeTimers({ toFake: ['Date'], now: Date.now() + 3 * 86_400_000 + 1 });
    expect(accounts.invited(invitation)).toBeUndefined();
    vi.useRealTimers();
    await accounts.setPassword(account.id, PASSWORD);
    expect(accounts.invited(invitation)).toBeUndefined();
    expect((await accounts.check('Ada', PASSWORD))?.hasPassword).toBe(true);
  });

  test('keep no password and no invitation in the file, which only this user can read', async () => {
    await accounts.add('Ada', { password: PASSWORD, scope: 'memory:write' });
    const { invitation } = accounts.invite('Grace', 'memory:write');
    const rows = JSON.stringify(store.statement('SELECT * FROM account').all());
    expect(rows).toContain('scrypt$15$8$3$');
    expect(rows).not.toContain(PASSWORD);
    expect(rows).not.toContain(invitation);
    for (const name of ['auth.db', 'auth.db-wal'])
      expect(statSync(join(folder, name)).mode & 0o777).toBe(0o600);
  });

  test('end their sign-ins with a new password', async () => {
    const ada = await accounts.add('Ada', { password: PASSWORD, scope: 'memory:write' });
    const grants = new EntryAdapter(store, 'Grant');
    await grants.upsert('g1', { accountId: ada.id }, 60);
    await grants.upsert('g2', { accountId: 'another' }, 60);
    await accounts.setPassword(ada.id, `${PASSWORD} staple`);
    expect(await grants.find('g1')).toBeUndefined();
    expect(await grants.find('g2')).toBeDefined();
    expect(accounts.find(ada.id)?.validFrom).toBeGreaterThanOrEqual(ada.validFrom);
  });

  test('of people have their ids, and begin without the sign-ins of an older one', async () => {
    vi.useFakeTimers({ toFake: ['Date'], now: 1_800_000_000_500 });
    const first = accounts.invitePerson('Ada@example.org', 60_000);
    expect(accounts.find('Ada@example.org')).toMatchObject({
      name: 'Ada@example.org',
      scope: 'memory:admin',
    });
    const second = accounts.invitePerson('Ada@example.org', 60_000);
    expect([accounts.invited(first), accounts.invited(second)?.id]).toEqual([undefined, 'Ada@example.org']);
    expect(accounts.list()).toHaveLength(1);
    expect(() => accounts.invitePerson('ada@example.org', 60_000)).toThrow('has an account already');
    accounts.remove('Ada@example.org');
    const grants = new EntryAdapter(store, 'Grant');
    await grants.upsert('late', { accountId: 'Ada@example.org' }, 60);
    accounts.invitePerson('Ada@example.org', 60_000);
    expect(await grants.find('late')).toBeUndefined();
    // A token of the same second is of the older account.
    expect(accounts.find('Ada@example.org')?.validFrom).toBe(1_800_000_001);
    vi.setSystemTime(1_800_000_000_500 + 60_001);
    expect(accounts.invited(second)).toBeUndefined();
  });
});

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

describe('entries', () => {
  test('end with their time, and are then removed', async () => {
    const sessions = new EntryAdapter(store, 'Session');
    await sessions.upsert('one', { uid: 'u1' }, 60);
    expect(await sessions.findByUid('u1')).toEqual({ uid: 'u1' });
    vi.useFakeTimers({ toFake: ['Date'], now: Date.now() + 61_000 });
    expect([await sessions.find('one'), await sessions.findByUid('u1')]).toEqual([undefined, undefined]);
    await new EntryAdapter(store, 'Session').upsert('two', {}, 60);
    expect(store.statement('SELECT id FROM entry').all()).toEqual([{ id: 'two' }]);
  });

  test('that strangers can cause are bounded, and the least used ones go', async () => {
    const clients = new EntryAdapter(store, 'Client');
    // Two thousand commits would wait for the disk.
    store.statement('PRAGMA synchronous = OFF').run();
    for (let number = 0; number < 2_060; number += 1)
      await clients.upsert(`client-${number}`, { client_id: 'x' });
    const { count } = store.statement('SELECT count(*) AS count FROM entry').get() as { count: number };
    expect(count).toBeLessThanOrEqual(2_051);
    expect(await clients.find('client-2059')).toBeDefined();
  });

  test('of one grant go together', async () => {
    const tokens = new EntryAdapter(store, 'RefreshToken');
    await tokens.upsert('a', { jti: 'a', grantId: 'g' }, 60);
    await tokens.upsert('b', { jti: 'b', grantId: 'h' }, 60);
    await tokens.consume('a');
    expect(await tokens.find('a')).toMatchObject({ jti: 'a', consumed: expect.any(Number) as number });
    await tokens.revokeByGrantId('g');
    expect([await tokens.find('a'), (await tokens.find('b'))?.jti]).toEqual([undefined, 'b']);
  });
});

test('signing keys stay, and a new one signs while the old one counts for a day', () => {
  const [first] = signingKeys(store);
  expect(signingKeys(store)).toEqual([first]);
  rotateSigningKey(store);
  const [second, old] = signingKeys(store);
  expect([second?.kid === first?.kid, old]).toEqual([false, first]);
  vi.useFakeTimers({ toFake: ['Date'], now: Date.now() + 86_400_000 + 10_000 });
  expect(signingKeys(store)).toEqual([second]);
});

test('attempts are counted by key, in a window', () => {
  vi.useFakeTimers({ toFake: ['Date'] });
  const limit = new AttemptLimit({ most: 2, windowMs: 60_000 });
  for (const wait of [0, 0]) {
    expect(limit.waitFor('ada')).toBe(wait);
    limit.count('ada');
  }
  expect([limit.waitFor('ada'), limit.waitFor('grace')]).toEqual([60, 0]);
  limit.takeBack('ada');
  expect(limit.waitFor('ada')).toBe(0);
  limit.count('ada');
  vi.setSystemTime(Date.now() + 61_000);
  expect(limit.waitFor('ada')).toBe(0);
});
