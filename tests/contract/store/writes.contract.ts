import { describe, expect, test } from 'vitest';
import { InvalidInputError, NotFoundError } from '../../../src/errors/input-errors.ts';
import { draft } from '../../helpers/drafts.ts';
import { encodeVector, unitVector } from '../../helpers/vectors.ts';
import { STAMP, UNKNOWN_ID, useStore, type PrepareStore } from './use-store.ts';

/** What every store must do with writes. */
export function describeWrites(prepare: PrepareStore): void {
  const at = useStore(prepare);

  describe('add', () => {
    test('stores content, times and a first version', async () => {
      const [outcome] = await at.store.add([
        draft('The build needs Node 20', {
          tags: ['node', 'build', 'node'],
          source: 'chat/7',
          metadata: { project: 'alpha', depth: { list: [1, null, 'x'] } },
          createdAt: 1_000,
          updatedAt: 2_000,
        }),
      ]);
      expect(outcome?.outcome).toBe('added');
      expect(outcome?.memory).toMatchObject({
        text: 'The build needs Node 20',
        tags: ['build', 'node'],
        source: 'chat/7',
        metadata: { project: 'alpha', depth: { list: [1, null, 'x'] } },
        createdAt: 1_000,
        updatedAt: 2_000,
        state: 'live',
        versionCount: 1,
        conflict: false,
      });
      const id = outcome?.memory.id ?? '';
      expect(id).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-7/);
      expect(await at.store.getCurrent([id])).toEqual([outcome?.memory]);
    });

    test('reads memories in the order of the ids, without those that are unknown', async () => {
      const outcomes = await at.store.add(['red', 'green', 'blue'].map((text) => draft(text)));
      const [red = '', green = '', blue = ''] = outcomes.map(({ memory }) => memory.id);
      const read = await at.store.getCurrent([blue, red, UNKNOWN_ID, green, blue]);
      expect(read.map(({ text }) => text)).toEqual(['blue', 'red', 'green', 'blue']);
      expect(await at.store.getCurrent([])).toEqual([]);
    });

    test('returns the existing memory for an exact duplicate, also within one call', async () => {
      const [first] = await at.store.add([draft('caf\u00e9 opens at nine')]);
      const again = await at.store.add([
        draft('  cafe\u0301 opens at nine\n'),
        draft('something new'),
        draft('something new'),
      ]);
      expect(again.map(({ outcome }) => outcome)).toEqual(['existing', 'added', 'existing']);
      expect(again[0]?.memory).toEqual(first?.memory);
      expect(again[2]?.memory.id).toBe(again[1]?.memory.id);
      expect((await at.store.stats()).live).toBe(2);
    });

    test('lets the memory that is there take over tags, source and metadata', async () => {
      const id = await at.add('the door code changes', { tags: ['a'], metadata: { kind: 'x' } });
      const rest = {
        tags: ['b'],
        source: 'chat',
        metadata: { kind: 'x', owner: { name: 'Ada' } },
      };
      const [again] = await at.store.add([draft('the door code changes', rest)]);
      expect(again).toMatchObject({
        outcome: 'existing',
        gained: ['tags', 'source', 'metadata.owner'],
        memory: { id, tags: ['a', 'b'], source: 'chat', metadata: rest.metadata, versionCount: 2 },
      });
      const [third] = await at.store.add([draft('the door code changes')]);
      expect(third).toMatchObject({ outcome: 'existing', gained: [], memory: { id, versionCount: 2 } });
    });

    test('gives no project to a memory that holds in all, and takes none away', async () => {
      const global = await at.add('the door code changes', { metadata: { kind: 'x' } });
      const own = draft('the door code changes', { metadata: { kind: 'x', project: 'p' } });
      const [second] = await at.store.add([own]);
      expect(second).toMatchObject({ outcome: 'added', twin: { id: global, differs: ['project'] } });
      const [again, globally] = await at.store.add([own, draft('the door code changes')]);
      expect(again).toMatchObject({ outcome: 'existing', memory: { id: second?.memory.id } });
      expect(globally).toMatchObject({ outcome: 'existing', memory: { id: global, versionCount: 1 } });
    });

    test.each([
      ['source', { source: 'mail', metadata: { project: 'p' } }, 'source'],
      ['project', { metadata: { project: 'other' } }, 'project'],
      ['value of a member', { metadata: { project: 'p', owner: 'Bob' } }, 'metadata.owner'],
      ['nested value', { metadata: { project: 'p', list: [1, 3] } }, 'metadata.list'],
    ])('keeps a second memory with another %s', async (_, rest, name) => {
      const first = { source: 'chat', metadata: { project: 'p', owner: 'Ada', list: [1, 2] } };
      const id = await at.add('the door code changes', first);
      const [second] = await at.store.add([draft('the door code changes', rest)]);
      expect(second).toMatchObject({ outcome: 'added', twin: { id, differs: [name] } });
      const [again] = await at.store.add([draft('the door code changes', rest)]);
      expect(again).toMatchObject({ outcome: 'existing', gained: [], memory: { id: second?.memory.id } });
      expect((await at.store.stats()).live).toBe(2);
    });

    test('names the version of a new text, so that its vectors can be put at once', async () => {
      await at.add('waits for its vector');
      await at.store.claimPendingEmbeddings({ modelId: STAMP, limit: 9, leaseMs: 600_000 });
      const [added] = await at.store.add([draft('comes first')]);
      const put = (versionKey = 0, axis = 0): Promise<number> =>
        at.store.putEmbeddings(STAMP, [
          { versionKey, chunks: [{ start: 0, end: 11, vector: encodeVector(unitVector(8, axis)) }] },
        ]);
      expect(await put(added?.versionKey, 2)).toBe(1);
      expect(await at.nearest(2)).toEqual([added?.memory.id]);
      const changed = await at.store.update(added?.memory.id ?? '', { text: 'comes first again' });
      expect(await put(added?.versionKey, 2)).toBe(0);
      expect(await put(changed.versionKey, 3)).toBe(1);
      expect((await at.store.stats(STAMP)).embedded).toBe(1);
    });

    test('stores duplicates on demand, and texts that differ only in case', async () => {
      await at.store.add([draft('same'), draft('Same')]);
      const [outcome] = await at.store.add([draft('same')], { allowDuplicates: true });
      expect(outcome?.outcome).toBe('added');
      expect((await at.store.stats()).live).toBe(3);
    });

    test('does not take a deleted memory for a duplicate', async () => {
      const id = await at.add('gone and back');
      await at.store.delete([id]);
      expect(await at.add('gone and back')).not.toBe(id);
    });

    test('keeps an id that is given, and refuses one that is taken by another text', async () => {
      expect(await at.add('first', { id: UNKNOWN_ID })).toBe(UNKNOWN_ID);
      const again = await at.store.add([draft('first', { id: UNKNOWN_ID })]);
      expect(again[0]?.outcome).toBe('existing');
      await expect(at.store.add([draft('second', { id: UNKNOWN_ID })])).rejects.toThrow(InvalidInputError);
      await expect(at.store.add([draft('x', { id: 'no uuid' })])).rejects.toThrow(InvalidInputError);
    });

    test('stores all drafts or none', async () => {
      await expect(at.store.add([draft('good'), draft('bad\0text')])).rejects.toThrow(/drafts\[1\]\.text/);
      await expect(at.store.add([draft('good'), draft('lone \ud800')])).rejects.toThrow(InvalidInputError);
      expect((await at.store.stats()).live).toBe(0);
      expect(await at.byWords('good')).toEqual([]);
      await at.expectIntact();
    });

    test.each([
      ['full-text syntax', '"quoted" AND (NEAR/2 *)'],
      ['SQL', "'; DROP TABLE memory; --"],
      ['emoji', '🎉🎉'],
      ['a very long word', 'a'.repeat(50_000)],
      ['control characters and outer white space', ' 𝒳 \r\n\t x\u0001 '],
    ])('keeps a text of %s as it is', async (_, text) => {
      const id = await at.add(text);
      expect((await at.store.getCurrent([id]))[0]?.text).toBe(text);
      await at.byWords(text);
      await at.expectIntact();
    });
  });

  describe('update', () => {
    test('writes a version that replaces the one before', async () => {
      const id = await at.add('first text', { tags: ['a'], createdAt: 5, updatedAt: 5 });
      const { memory: updated } = await at.store.update(id, { text: 'second text' });
      expect(updated).toMatchObject({
        id,
        text: 'second text',
        tags: ['a'],
        createdAt: 5,
        versionCount: 2,
      });
      expect(updated.updatedAt).toBeGreaterThan(5);
      const [memory] = await at.store.get([id]);
      expect(memory?.history.map(({ role, text }) => [role, text])).toEqual([
        ['current', 'second text'],
        ['replaced', 'first text'],
      ]);
      expect(await at.byWords('first')).toEqual([]);
      expect(await at.byWords('second')).toEqual([id]);
      await at.expectIntact();
    });

    test('writes nothing when nothing changes', async () => {
      const id = await at.add('same', { tags: ['t'], metadata: { a: 1, b: 2 } });
      const before = await at.store.stats();
      await at.store.update(id, { text: 'same', tags: ['t'], metadata: { b: 2, a: 1 } });
      expect(await at.store.stats()).toMatchObject({
        sequence: before.sequence,
        stateDigest: before.stateDigest,
        contentDigest: before.contentDigest,
      });
    });

    test('refuses memories that are not live or not known', async () => {
      const id = await at.add('to the trash');
      await at.store.delete([id]);
      await expect(at.store.update(id, { text: 'x' })).rejects.toThrow(InvalidInputError);
      await expect(at.store.update(UNKNOWN_ID, { text: 'x' })).rejects.toThrow(NotFoundError);
    });

    test('keeps the newest 50 replaced versions', async () => {
      const id = await at.add('text 0');
      for (let index = 1; index <= 60; index += 1) await at.store.update(id, { text: `text ${index}` });
      const [memory] = await at.store.get([id]);
      expect(memory?.history).toHaveLength(51);
      expect(memory?.versionCount).toBe(51);
      expect(memory?.history[0]?.text).toBe('text 60');
      expect(memory?.history.at(-1)?.text).toBe('text 10');
      await at.expectIntact();
    });
  });

  describe('delete, restore, strip and purge', () => {
    test('moves to the trash and back', async () => {
      const [a, b] = [await at.add('alpha'), await at.add('beta')];
      expect(await at.store.delete([a, a, b])).toBe(2);
      expect(await at.store.delete([a])).toBe(0);
      expect(await at.byWords('alpha beta')).toEqual([]);
      expect((await at.store.getCurrent([a]))[0]).toMatchObject({ state: 'deleted', text: 'alpha' });
      expect(await at.store.stats()).toMatchObject({ live: 0, trash: 2 });
      const restored = await at.store.restore([b, a]);
      expect(restored.map(({ id, state }) => [id, state])).toEqual([
        [b, 'live'],
        [a, 'live'],
      ]);
      expect(await at.byWords('alpha')).toEqual([a]);
      await at.expectIntact();
    });

    test('names all unknown ids and changes nothing', async () => {
      const id = await at.add('stays');
      const other = UNKNOWN_ID.replace(/0$/, '1');
      const failure = at.store.delete([id, UNKNOWN_ID, other]);
      await expect(failure).rejects.toThrow(NotFoundError);
      await expect(failure).rejects.toMatchObject({ ids: [UNKNOWN_ID, other], code: 'NOT_FOUND' });
      expect((await at.store.getCurrent([id]))[0]?.state).toBe('live');
    });

    test('strips old trash and keeps its name for ever', async () => {
      const [old, live] = [await at.add('zanzibar'), await at.add('other')];
      await at.store.delete([old]);
      expect(await at.store.expireTrash(3_600_000)).toBe(0);
      expect(await at.store.expireTrash(0)).toBe(1);
      expect(await at.store.expireTrash(0)).toBe(0);
      const [memory] = await at.store.get([old]);
      expect(memory).toMatchObject({ state: 'stripped', text: '', tags: [], source: '', metadata: {} });
      expect(memory?.history).toHaveLength(1);
      await expect(at.store.restore([live, old])).rejects.toThrow(InvalidInputError);
      expect(await at.store.stats()).toMatchObject({ live: 1, trash: 0 });
      await at.expectIntact();
    });

    test('does not change the state digest by stripping', async () => {
      await at.store.delete([await at.add('content')]);
      const { stateDigest } = await at.store.stats();
      await at.store.expireTrash(0);
      expect((await at.store.stats()).stateDigest).toBe(stateDigest);
    });

    test('purges content and history of live and deleted memories', async () => {
      const [live, trash] = [await at.add('one'), await at.add('two')];
      await at.store.update(live, { text: 'one, changed' });
      await at.store.delete([trash]);
      expect(await at.store.purge([live, trash])).toBe(2);
      expect(await at.store.purge([live])).toBe(0);
      for (const memory of await at.store.get([live, trash])) {
        expect(memory).toMatchObject({ state: 'purged', text: '', versionCount: 1 });
      }
      await expect(at.store.restore([live])).rejects.toThrow(InvalidInputError);
      await expect(at.store.update(live, { text: 'x' })).rejects.toThrow(InvalidInputError);
      expect(await at.store.stats()).toMatchObject({ live: 0, trash: 0, tags: [] });
      await at.expectIntact();
    });
  });
}
