import { describe, expect, test } from 'vitest';
import { lasting, type PrepareStore, UNKNOWN_ID, useStore } from './use-store.ts';

const DAY_MS = 86_400_000;
const RULE = { searches: 3, days: 14 };

/** The record of what searches found. */
export function describeFound(prepare: PrepareStore): void {
  describe('what searches found', () => {
    const under = useStore(prepare);
    const daysAgo = (days: number): number => Date.now() - days * DAY_MS;
    const old = { createdAt: daysAgo(40), updatedAt: daysAgo(40) };
    const search = (days: number, searches: number, ...found: string[]): Promise<void> =>
      under.store.noteFound({ at: daysAgo(days), searches, times: found.map((id) => [id, 1]) });

    test('makes facts unused that none of many searches found', async () => {
      const [found, other] = [await under.add('found', old), await under.add('other', old)];
      expect(await under.store.unused(RULE)).toEqual({ since: null, searches: 0, ids: null });
      await search(20, 1, found, UNKNOWN_ID);
      await search(10, 2, found);
      expect((await under.store.unused(RULE)).ids).toBeNull();
      await search(9, 1);
      const first = Math.floor(daysAgo(20) / DAY_MS) * DAY_MS;
      expect(await under.store.unused(RULE)).toEqual({ since: first, searches: 4, ids: [other] });
      await search(0, 0, other);
      expect(await under.store.unused(RULE)).toMatchObject({ searches: 4, ids: [] });
    });

    test('says nothing about facts that came or changed later, are pinned, or are turns', async () => {
      const unused = await under.add('unused', old);
      const changed = await under.add('changed', old);
      await under.add('pinned', { ...old, metadata: { pinned: true } });
      const turn = { kind: 'conversation', session: 's', role: 'user', client: 'c', position: 1 };
      await under.add('said', { ...old, metadata: turn });
      await search(20, 1);
      await search(10, 3);
      await under.add('came with an old time', old);
      expect((await under.store.unused(RULE)).ids).toEqual([unused, changed]);
      await under.store.update(changed, { text: 'changed now' });
      expect((await under.store.unused(RULE)).ids).toEqual([unused]);
    });

    test('is no change of the store', async () => {
      const id = await under.add('found', old);
      const before = await under.store.stats();
      await search(20, 1, id);
      await search(10, 3);
      const after = await under.store.stats();
      expect(lasting(after)).toEqual(lasting(before));
      await under.expectIntact();
    });
  });
}
