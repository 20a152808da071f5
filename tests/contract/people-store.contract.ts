import { randomBytes } from 'node:crypto';
import { afterEach, describe, expect, test } from 'vitest';
import type { AuditLine, PeopleStore, Person, Space, TokenFacts } from '../../src/people/people-store.ts';

export interface PeopleStoreUnderTest {
  /** Opens a store on the same people as the one before. */
  open(): PeopleStore;
  /** Everything that is kept, as text. */
  everything(): Promise<string>;
  clean(): Promise<void>;
}

const NOW = Date.UTC(2026, 10, 29);

function personalSpace(id: string): Space {
  return { id, name: id, kind: 'personal', created: NOW, removed: null };
}

function sharedSpace(id: string): Space {
  return { ...personalSpace(id), kind: 'shared' };
}

function personOf(id: string): Person {
  return { id, name: `${id} ☕`, space: id, created: NOW };
}

function line(action: string, more: Partial<AuditLine> = {}): AuditLine {
  return { at: NOW, person: 'ada', space: 'ada', action, count: 1, refused: '', about: '', ...more };
}

function token(person: string, more: Partial<TokenFacts> = {}): TokenFacts {
  const id = `fm_${randomBytes(5).toString('hex')}`;
  return {
    ...{ id, person, name: 'laptop', scope: 'write', created: NOW, expires: null, lastUsed: null },
    ...more,
  };
}

/** Every store of people keeps these promises. */
export function describePeopleStore(name: string, make: () => Promise<PeopleStoreUnderTest>): void {
  describe(name, () => {
    let under: PeopleStoreUnderTest;
    const opened: PeopleStore[] = [];
    const open = (): PeopleStore => {
      const store = under.open();
      opened.push(store);
      return store;
    };
    const begin = async (...people: string[]): Promise<PeopleStore> => {
      under = await make();
      const store = open();
      for (const id of people) expect(await store.addPerson(personOf(id), personalSpace(id))).toBe(true);
      return store;
    };
    afterEach(async () => {
      await Promise.all(opened.splice(0).map((store) => store.close()));
      await under.clean();
    });

    test('a new one has the space default, which the server owns', async () => {
      const store = await begin();
      expect(await store.space('default')).toEqual({
        ...{ id: 'default', name: 'default', kind: 'shared', created: 0, removed: null },
      });
      expect(await store.memberships({})).toEqual([{ space: 'default', person: 'server', role: 'owner' }]);
      expect(await store.role('default', 'server')).toBe('owner');
      expect([await store.people(), await store.person('ada'), await store.space('ada')]).toEqual([
        [],
        null,
        null,
      ]);
    });

    test('adds a person with a space, and neither when one of them is taken', async () => {
      const store = await begin('ada');
      expect(await store.person('ada')).toEqual(personOf('ada'));
      expect(await store.role('ada', 'ada')).toBe('owner');
      expect(await store.personalSpaces('ada')).toEqual([personalSpace('ada')]);
      expect(await store.addPerson(personOf('ada'), personalSpace('other'))).toBe(false);
      expect(await store.addPerson({ ...personOf('eve'), space: 'ada' }, personalSpace('ada'))).toBe(false);
      expect(await store.person('eve')).toBeNull();
      expect(await store.space('other')).toBeNull();
      expect(await store.addPerson(personOf('Äbel|x@y'), personalSpace('aebel'))).toBe(true);
      expect((await store.people()).map(({ id }) => id)).toEqual(['ada', 'Äbel|x@y']);
    });

    test('of two that add the same person at once, one does', async () => {
      const [a, b] = [await begin(), open()];
      const added = await Promise.all([
        a.addPerson(personOf('ada'), personalSpace('ada')),
        b.addPerson({ ...personOf('ada'), space: 'ada-2' }, personalSpace('ada-2')),
        a.addSpace(sharedSpace('kitchen'), 'ada'),
        b.addSpace(sharedSpace('kitchen'), 'bob'),
      ]);
      expect(added.filter(Boolean)).toHaveLength(2);
      expect((await a.spaces()).map(({ id }) => id)).toHaveLength(3);
      expect(await a.memberships({ space: 'kitchen' })).toHaveLength(1);
    });

    test('removes a person with tokens, invitations and roles, and leaves the spaces', async () => {
      const store = await begin('ada', 'bob');
      await store.addSpace(sharedSpace('kitchen'), 'bob');
      await store.setRole({ space: 'kitchen', person: 'ada' }, 'writer');
      await store.addToken(token('ada', { id: 'fm_ada' }), randomBytes(32));
      await store.addInvitation(Buffer.from('code'), { person: 'ada', expires: NOW + 1 });
      await store.removePerson('ada');
      expect([await store.person('ada'), await store.token('fm_ada'), await store.tokens('ada')]).toEqual([
        null,
        null,
        [],
      ]);
      expect(await store.takeInvitation(Buffer.from('code'), NOW)).toBeNull();
      expect(await store.memberships({ space: 'kitchen' })).toEqual([
        { space: 'kitchen', person: 'bob', role: 'owner' },
      ]);
      expect(await store.personalSpaces('ada')).toEqual([personalSpace('ada')]);
      expect(await store.role('ada', 'ada')).toBe('owner');
    });

    test('keeps one owner of a shared space, also when two take a role at once', async () => {
      const [store, other] = [await begin('ada', 'bob'), open()];
      await store.addSpace(sharedSpace('kitchen'), 'ada');
      const role = (person: string) => ({ space: 'kitchen', person });
      expect(await store.setRole(role('ada'), null)).toBe(false);
      expect(await store.setRole(role('ada'), 'reader')).toBe(false);
      expect(await store.setRole(role('bob'), 'owner')).toBe(true);
      const taken = await Promise.all([
        store.setRole(role('ada'), null),
        other.setRole(role('bob'), 'reader'),
      ]);
      expect(taken.filter(Boolean)).toHaveLength(1);
      const owners = (await store.memberships({ space: 'kitchen' })).filter((one) => one.role === 'owner');
      expect(owners).toHaveLength(1);
    });

    test('removes a space, takes it back, and forgets it', async () => {
      const store = await begin('ada');
      await store.addSpace(sharedSpace('kitchen'), 'ada');
      expect(await store.addSpace(sharedSpace('kitchen'), 'ada')).toBe(false);
      expect(await store.setRemoved('kitchen', NOW, null)).toBe(true);
      expect(await store.setRemoved('kitchen', NOW + 1, null)).toBe(false);
      expect((await store.space('kitchen'))?.removed).toBe(NOW);
      expect((await store.spaces()).find(({ id }) => id === 'kitchen')?.removed).toBe(NOW);
      expect(await store.memberships({ person: 'ada' })).toEqual([
        { space: 'ada', person: 'ada', role: 'owner' },
      ]);
      expect(await store.addSpace(sharedSpace('kitchen'), 'ada')).toBe(false);
      expect(await store.setRemoved('kitchen', null, NOW - 1)).toBe(false);
      expect(await store.setRemoved('kitchen', null, NOW)).toBe(true);
      expect(await store.memberships({ space: 'kitchen' })).toHaveLength(1);
      const removed = { id: 'kitchen', removed: NOW + 2 };
      // A space that was taken back, or is another one of the same id, is kept with its roles.
      await store.dropSpace(removed);
      await store.setRemoved('kitchen', NOW + 3, null);
      await store.dropSpace(removed);
      expect([(await store.space('kitchen'))?.removed, await store.role('kitchen', 'ada')]).toEqual([
        NOW + 3,
        'owner',
      ]);
      await store.dropSpace({ ...removed, removed: NOW + 3 });
      expect([await store.space('kitchen'), await store.role('kitchen', 'ada')]).toEqual([null, null]);
      expect(await store.addSpace(sharedSpace('kitchen'), 'ada')).toBe(true);
    });

    test('keeps facts and hash of a token, and the day of its use', async () => {
      const store = await begin('ada');
      const facts = token('ada', { scope: 'admin', expires: NOW + 5 });
      const hash = randomBytes(32);
      await store.addToken(facts, hash);
      const found = await store.token(facts.id);
      expect(found?.facts).toEqual(facts);
      expect(Buffer.from(found?.hash ?? []).equals(hash)).toBe(true);
      await store.noteUse(facts.id, '2026-11-29');
      expect((await store.token(facts.id))?.facts.lastUsed).toBe('2026-11-29');
      expect(await store.tokens('ada')).toEqual([{ ...facts, lastUsed: '2026-11-29' }]);
      expect(await store.removeToken('bob', facts.id)).toBe(false);
      expect(await store.removeToken('ada', facts.id)).toBe(true);
      expect(await store.token(facts.id)).toBeNull();
      expect(await store.token('fm_\0')).toBeNull();
      expect(await store.role('nowhere\0', 'ada')).toBeNull();
    });

    test('lets an invitation count once, and not after its end', async () => {
      const [store, other] = [await begin('ada'), open()];
      await store.addInvitation(Buffer.from('a'), { person: 'ada', expires: NOW + 10 });
      await store.addInvitation(Buffer.from('b'), { person: 'ada', expires: NOW + 1 });
      const taken = await Promise.all([
        store.takeInvitation(Buffer.from('a'), NOW + 5),
        other.takeInvitation(Buffer.from('a'), NOW + 5),
      ]);
      expect(taken.filter((person) => person === 'ada')).toHaveLength(1);
      expect(await store.takeInvitation(Buffer.from('b'), NOW + 5)).toBeNull();
    });

    test('what one process takes counts in another one within about a second', async () => {
      const [store, other] = [await begin('ada', 'bob'), open()];
      const facts = token('bob');
      await store.addToken(facts, randomBytes(32));
      await store.addSpace(sharedSpace('kitchen'), 'ada');
      expect(await other.role('kitchen', 'bob')).toBeNull();
      await store.setRole({ space: 'kitchen', person: 'bob' }, 'writer');
      expect(await other.role('kitchen', 'bob')).toBe('writer');
      expect(await other.token(facts.id)).not.toBeNull();
      const begun = performance.now();
      await store.setRole({ space: 'kitchen', person: 'bob' }, null);
      await store.removeToken('bob', facts.id);
      await store.setRemoved('kitchen', NOW, null);
      expect([await store.role('kitchen', 'bob'), await store.token(facts.id)]).toEqual([null, null]);
      const seen = async (): Promise<unknown[]> => [
        await other.role('kitchen', 'bob'),
        await other.token(facts.id),
        (await other.space('kitchen'))?.removed,
      ];
      await expect.poll(seen, { timeout: 5_000, interval: 20 }).toEqual([null, null, NOW]);
      expect(performance.now() - begun).toBeLessThan(2_500);
      // What is given, or given back, counts at once.
      await store.setRemoved('kitchen', null, NOW);
      expect((await other.space('kitchen'))?.removed).toBeNull();
    });

    test('reads the audit log by space and person, newest first, page by page', async () => {
      const store = await begin('ada', 'bob');
      await store.appendAudit([
        line('memory.add'),
        line('memory.search', { person: 'bob', space: 'bob', refused: 'FORBIDDEN' }),
        line('member.reader', { space: 'default', person: 'console', about: 'bob' }),
        line('member.reader', { space: 'nowhere', person: 'nobody', about: 'nobody' }),
      ]);
      const actions = async (query: object): Promise<string[]> =>
        (await store.audit({ limit: 10, ...query })).lines.map(({ action, person }) => `${person} ${action}`);
      expect(await actions({})).toEqual([
        'removed member.reader',
        'console member.reader',
        'bob memory.search',
        'ada memory.add',
      ]);
      expect(await actions({ space: 'ada' })).toEqual(['ada memory.add']);
      expect(await actions({ person: 'bob' })).toEqual(['bob memory.search']);
      const first = await store.audit({ limit: 3 });
      expect(first.lines[0]).toMatchObject({ space: '', about: 'removed', count: 1 });
      const second = await store.audit({ limit: 3, before: first.next ?? 0 });
      expect([second.lines.length, second.next]).toEqual([1, null]);
    });

    test('drops old lines, and puts a pseudonym into those of an erased person', async () => {
      const store = await begin('ada', 'bob');
      await store.appendAudit([
        line('memory.add', { at: NOW - 10 }),
        line('token.create', { about: 'fm_1' }),
        line('token.revoke', { about: 'fm_gone' }),
        line('member.reader', { person: 'bob', space: 'default', about: 'ada' }),
      ]);
      expect(await store.dropAudit(NOW)).toBe(1);
      const ids = { person: 'ada', spaces: ['ada'], tokens: ['fm_1'] };
      await store.removePerson('ada');
      await store.setRemoved('ada', NOW, null);
      await store.dropSpace({ id: 'ada', removed: NOW });
      expect(await store.renameInAudit(ids, 'erased-1')).toBe(2);
      const kept = await under.everything();
      expect(kept).not.toMatch(/\bada\b|fm_1|fm_gone/);
      expect(kept).toContain('erased-1');
    });
  });
}
