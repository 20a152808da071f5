import { errors } from 'oidc-provider';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { Accounts, allowedScopes } from '../../src/auth/embedded/accounts.ts';
import type { AuthStore } from '../../src/auth/embedded/auth-store.ts';
import { EntryAdapter } from '../../src/auth/embedded/entry-adapter.ts';
import { SecretSeal } from '../../src/auth/embedded/secret-seal.ts';
import { KeyRing } from '../../src/auth/embedded/signing-keys.ts';
import { secretDigest, SecretString } from '../../src/util/secret-string.ts';

export interface AuthStorePlace {
  /** The same accounts for each call, as for several processes. */
  open(): AuthStore;
  /** Everything that is kept, as text. */
  everything(): Promise<string>;
  clean(): Promise<void>;
}

const digestOf = (text: string): string => secretDigest(text).toString('base64url');
const PASSWORD = 'correct horse battery';
const SHORT_MS = 150;

/** What every store of the authorization server does, with the parts that stand on it. */
export function describeAuthStore(name: string, createPlace: () => AuthStorePlace): void {
  describe(name, () => {
    let place: AuthStorePlace;
    let stores: AuthStore[];
    const open = (): AuthStore => {
      const store = place.open();
      stores.push(store);
      return store;
    };
    beforeEach(() => {
      stores = [];
      place = createPlace();
    });
    afterEach(async () => {
      await Promise.all(stores.map((store) => store.close()));
      await place.clean();
    });
    describeAccounts(open, () => place);
    describeEntries(open);
    describeKeys(open, () => place);
    test('attempts are counted by rule and key, in a window', async () => {
      const store = open();
      const limit = store.attemptLimit({ name: 'login', most: 2, windowMs: 60_000 });
      const other = store.attemptLimit({ name: 'registration', most: 2, windowMs: 60_000 });
      expect([await limit.take('ada'), await limit.take('ada')]).toEqual([0, 0]);
      expect(await limit.take('ada')).toBeGreaterThan(50);
      expect([await limit.take('grace'), await other.take('ada'), await limit.take('\0')]).toEqual([0, 0, 0]);
      await limit.takeBack('ada');
      expect(await limit.take('ada')).toBe(0);
      expect(await limit.take('ada')).toBeGreaterThan(50);
      const short = store.attemptLimit({ name: 'short', most: 1, windowMs: SHORT_MS });
      expect([await short.take('ada'), await short.take('ada')]).toEqual([0, 1]);
      await expect.poll(() => short.take('ada')).toBe(0);
    });
  });
}

function describeAccounts(open: () => AuthStore, place: () => AuthStorePlace): void {
  test('accounts are found by their name in any case, and only with their password', async () => {
    const accounts = new Accounts(open());
    const ada = await accounts.add('Ada', { password: PASSWORD, scope: 'memory:write' });
    const elsewhere = new Accounts(open());
    expect(await elsewhere.check(' ADA ', PASSWORD)).toEqual(ada);
    expect(await elsewhere.find(ada.id)).toEqual(ada);
    for (const [wrongName, password] of [
      ['Ada', `${PASSWORD}!`],
      ['Ada', ''],
      ['Grace', PASSWORD],
      ['Grace\0', PASSWORD],
    ] as const)
      expect(await accounts.check(wrongName, password)).toBeUndefined();
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
  ])('accounts are not made as %j with %j', async (wrongName, password, problem) => {
    const accounts = new Accounts(open());
    await expect(accounts.add(wrongName, { password, scope: 'memory:write' })).rejects.toThrow(problem);
    expect(await accounts.list()).toEqual([]);
  });

  test('accounts have names of their own, also when several are made at once', async () => {
    const [one, two] = [new Accounts(open()), new Accounts(open())];
    await one.invite('Ada', 'memory:write');
    await expect(two.invite('ADA', 'memory:write')).rejects.toThrow('has an account already');
    const made = await Promise.allSettled(
      [one, two, one, two].map((accounts) => accounts.invite('grace', 'memory:write')),
    );
    expect(made.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
    expect((await one.list()).map(({ name }) => name)).toEqual(['Ada', 'grace']);
    const account = { id: 'x', name: 'x', foldedName: 'x', scope: 'memory:read', password: null } as const;
    expect(await open().addAccount(account, 2)).toBe('full');
  });

  test('somebody invited chooses a password once, before the invitation ends', async () => {
    const [store, accounts] = [open(), new Accounts(open())];
    const { account, invitation } = await accounts.invite('Ada', 'memory:read');
    expect(await accounts.check('Ada', '')).toBeUndefined();
    expect(await accounts.invited(`${invitation}x`)).toBeUndefined();
    expect((await accounts.invited(invitation))?.id).toBe(account.id);
    const chosen = await Promise.all(
      [PASSWORD, `${PASSWORD} 2`].map((password) => accounts.setInvitedPassword(invitation, password)),
    );
    expect(chosen.filter(Boolean)).toHaveLength(1);
    expect(await accounts.invited(invitation)).toBeUndefined();
    const known = chosen[0] === true ? PASSWORD : `${PASSWORD} 2`;
    expect((await accounts.check('Ada', known))?.hasPassword).toBe(true);
    await store.invite(account.id, { digest: 'digest', lifeMs: SHORT_MS });
    expect((await store.account('invitation', 'digest'))?.id).toBe(account.id);
    await expect.poll(() => store.account('invitation', 'digest')).toBeUndefined();
    expect(await store.setPassword(account.id, { hash: 'x', invitation: 'digest' })).toBe(false);
  });

  test('no password and no invitation is kept', async () => {
    const accounts = new Accounts(open());
    await accounts.add('Ada', { password: PASSWORD, scope: 'memory:write' });
    const { invitation } = await accounts.invite('Grace', 'memory:write');
    const rows = await place().everything();
    expect(rows).toContain('scrypt$15$8$3$');
    expect(rows).not.toContain(PASSWORD);
    expect(rows).not.toContain(invitation);
  });

  test('a new password ends sign-ins, and tokens of before by another version, however often', async () => {
    const store = open();
    const accounts = new Accounts(store);
    const ada = await accounts.add('Ada', { password: PASSWORD, scope: 'memory:write' });
    const grants = new EntryAdapter(store, 'Grant', errors);
    await grants.upsert('g1', { accountId: ada.id }, 60);
    await grants.upsert('g2', { accountId: 'another' }, 60);
    const versions = [ada.version];
    for (const hash of ['one', 'two']) {
      await store.setPassword(ada.id, { hash });
      versions.push((await accounts.find(ada.id))?.version ?? '');
    }
    expect(new Set(versions).size).toBe(3);
    expect([await grants.find('g1'), await grants.find('g2')]).toEqual([
      undefined,
      expect.objectContaining({ accountId: 'another' }),
    ]);
    await store.replaceHash(ada.id, { from: 'one', to: 'wrong' });
    await store.replaceHash(ada.id, { from: 'two', to: 'three' });
    expect(await store.account('id', ada.id)).toMatchObject({ password: 'three' });
    expect((await accounts.find(ada.id))?.version).toBe(versions[2]);
  });

  test('accounts of people have their ids, and begin without the sign-ins of an older one', async () => {
    const store = open();
    const accounts = new Accounts(store);
    const first = await accounts.invitePerson('Ada@example.org', 60_000);
    const older = await accounts.find('Ada@example.org');
    expect(older).toMatchObject({ name: 'Ada@example.org', scope: 'memory:admin' });
    const second = await accounts.invitePerson('Ada@example.org', 60_000);
    expect([await accounts.invited(first), (await accounts.invited(second))?.id]).toEqual([
      undefined,
      'Ada@example.org',
    ]);
    expect(await accounts.list()).toHaveLength(1);
    await expect(accounts.invitePerson('ada@example.org', 60_000)).rejects.toThrow('has an account already');
    await accounts.remove('Ada@example.org');
    const grants = new EntryAdapter(store, 'Grant', errors);
    await grants.upsert('late', { accountId: 'Ada@example.org' }, 60);
    await accounts.invitePerson('Ada@example.org', 60_000);
    expect(await grants.find('late')).toBeUndefined();
    expect((await accounts.find('Ada@example.org'))?.version).not.toBe(older?.version);
  });
}

function describeEntries(open: () => AuthStore): void {
  test('entries end with their time, and are then removed', async () => {
    const store = open();
    const entry = { kind: 'Session', content: '{"uid":"u1"}', accountId: undefined, grantId: undefined };
    await store.putEntry({ ...entry, key: 'one', uid: 'u1', lifeMs: SHORT_MS });
    await store.putEntry({ ...entry, key: 'two', uid: 'u2', lifeMs: undefined });
    const sessions = new EntryAdapter(open(), 'Session', errors);
    expect(await sessions.findByUid('u1')).toEqual({ uid: 'u1' });
    await expect.poll(() => sessions.find('one')).toBeUndefined();
    expect(await sessions.findByUid('u1')).toBeUndefined();
    await store.sweep('Session', 10);
    expect(await sessions.find('two')).toEqual({ uid: 'u1' });
    await store.putEntry({ ...entry, key: 'three', uid: undefined, lifeMs: 60_000 });
    await store.sweep('Session', 1);
    expect([await sessions.find('two'), await sessions.find('three')]).toEqual([undefined, { uid: 'u1' }]);
  });

  test('entries with any id and text are kept as they are', async () => {
    const clients = new EntryAdapter(open(), 'Client', errors);
    for (const id of ['a\0b', `https://example.org/${'x'.repeat(9_000)}`, "'; DROP TABLE entry; --", '']) {
      expect(await clients.find(id)).toBeUndefined();
      expect(await clients.findByUid(id)).toBeUndefined();
      await clients.upsert(id, { client_name: 'a\0b\ud800', client_id: id });
      expect(await clients.find(id)).toEqual({ client_name: 'a\0b\ud800', client_id: id });
      await clients.destroy(id);
      expect(await clients.find(id)).toBeUndefined();
    }
  });

  test('entries of one grant go together', async () => {
    const store = open();
    const tokens = new EntryAdapter(store, 'RefreshToken', errors);
    const grants = new EntryAdapter(store, 'Grant', errors);
    await grants.upsert('g', {}, 60);
    await tokens.upsert('a', { jti: 'a', grantId: 'g' }, 60);
    await tokens.upsert('b', { jti: 'b', grantId: 'h' }, 60);
    await tokens.consume('a');
    expect(await tokens.find('a')).toMatchObject({ jti: 'a', consumed: expect.any(Number) as number });
    await tokens.revokeByGrantId('g');
    expect([await tokens.find('a'), await grants.find('g'), (await tokens.find('b'))?.jti]).toEqual([
      undefined,
      undefined,
      'b',
    ]);
  });

  test('of many who use a refresh token at once, in several processes, one may go on, and the grant ends', async () => {
    const [one, two] = [open(), open()];
    const adapters = [one, two].map((store) => new EntryAdapter(store, 'RefreshToken', errors));
    const grants = new EntryAdapter(one, 'Grant', errors);
    for (let round = 0; round < 5; round += 1) {
      const [token, grantId] = [`token-${round}`, `grant-${round}`];
      await grants.upsert(grantId, {}, 60);
      await adapters[0]?.upsert(token, { jti: token, grantId }, 60);
      const uses = await Promise.allSettled(
        Array.from({ length: 8 }, () => adapters)
          .flat()
          .map((adapter) => adapter.consume(token)),
      );
      expect(uses.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
      for (const use of uses)
        if (use.status === 'rejected') expect(use.reason).toMatchObject({ error: 'invalid_grant' });
      expect([await adapters[1]?.find(token), await grants.find(grantId)]).toEqual([undefined, undefined]);
    }
  });

  test('an end is by the clock of this machine, whatever clock wrote it', async () => {
    const store = open();
    const now = Math.floor(Date.now() / 1_000);
    const codes = new EntryAdapter(store, 'AuthorizationCode', errors);
    await codes.upsert('code', { jti: 'code', exp: now + 60 }, 60);
    expect((await codes.find('code'))?.exp).toBe(now + 60);
    // Five minutes behind, where the code was written.
    await codes.upsert('late', { jti: 'late', exp: now - 240 }, 60);
    const end = (await codes.find('late'))?.exp ?? 0;
    const { leftMs } = (await store.entry('AuthorizationCode', digestOf('late'))) ?? {};
    // A file is used on one machine.
    if (leftMs === undefined) expect(end).toBe(now - 240);
    else expect(Math.abs(end - now - 60)).toBeLessThan(5);
  });
}

function describeKeys(open: () => AuthStore, place: () => AuthStorePlace): void {
  const plain = new SecretSeal(undefined);
  const secret = new SecretString('0123456789abcdef0123456789abcdef');

  test('processes that start at the same moment on an empty store have one set of keys', async () => {
    const opened = Array.from({ length: 6 }, () => open());
    // Connected, so that they ask at the same moment.
    await Promise.all(opened.map((store) => store.secrets('signing')));
    const rings = opened.map((store) => new KeyRing(store, plain));
    const sets = await Promise.all(rings.map((ring) => ring.current()));
    expect(new Set(sets.map((keys) => JSON.stringify(keys))).size).toBe(1);
    expect([sets[0]?.signing.length, sets[0]?.cookies.length]).toEqual([1, 1]);
  });

  test('a first secret is only added where there is none, and a later one is the newest', async () => {
    const [one, two] = [open(), open()];
    await one.addSecret('kind', { id: '1', content: 'a' }, 'none');
    await two.addSecret('kind', { id: '2', content: 'b' }, 'none');
    await two.addSecret('another kind', { id: '3', content: 'c' }, 'none');
    expect((await one.secrets('kind')).map(({ id }) => id)).toEqual(['1']);
    await two.addSecret('kind', { id: '4', content: 'd' }, 'always');
    expect((await one.secrets('kind')).map(({ id }) => id)).toEqual(['4', '1']);
    await one.replaceSecret('1', { from: 'wrong', to: 'e' });
    await one.replaceSecret('4', { from: 'd', to: 'f' });
    await one.removeSecret('3');
    expect((await two.secrets('kind')).map(({ content }) => content)).toEqual(['f', 'a']);
    expect(await two.secrets('another kind')).toEqual([]);
  });

  test('a new key signs while the old one counts, and others find it when they meet it', async () => {
    const [one, two] = [new KeyRing(open(), plain), new KeyRing(open(), plain)];
    const [[first], known] = [(await one.current()).signing, await two.current()];
    expect(await two.current()).toBe(known);
    await one.rotate();
    const [second, old] = (await one.current()).signing;
    expect([second?.kid === first?.kid, old]).toEqual([false, first]);
    await expect.poll(async () => (await two.knowing(second?.kid)).signing[0]?.kid).toBe(second?.kid);
    expect(await new KeyRing(open(), plain).current()).toEqual(await one.current());
  });

  test('keys are encrypted with a secret, also those that were there before, and opened with no other', async () => {
    const before = await new KeyRing(open(), plain).current();
    const written = JSON.stringify(before.signing[0]?.['d']).slice(1, -1);
    expect(await place().everything()).toContain(written);
    const sealed = await new KeyRing(open(), new SecretSeal(secret)).current();
    expect(sealed).toEqual(before);
    expect(await place().everything()).not.toContain(written);
    expect(await place().everything()).not.toContain(before.cookies[0]);
    expect(await new KeyRing(open(), new SecretSeal(secret)).current()).toEqual(before);
    const other = new SecretSeal(new SecretString('another secret of thirty-two characters'));
    await expect(new KeyRing(open(), other).current()).rejects.toThrow('is not the one');
    await expect(new KeyRing(open(), plain).current()).rejects.toThrow('is missing');
  });
}
