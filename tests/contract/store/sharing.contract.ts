import { describe, expect, test } from 'vitest';
import { StoreUnavailableError } from '../../../src/errors/store-errors.ts';
import { draft } from '../../helpers/drafts.ts';
import { unitVector } from '../../helpers/vectors.ts';
import { lasting, STAMP, useStore, type PrepareStore } from './use-store.ts';

/** What every store must do when several openers use it, and when it is closed. */
export function describeSharing(prepare: PrepareStore): void {
  const at = useStore(prepare);

  describe('several openers of one store', () => {
    test('finds at once what another one wrote, changed or deleted', async () => {
      const other = at.open();
      const id = await at.add('from the first');
      await at.embed({ [id]: [4] });
      const vector = { modelId: STAMP, vector: unitVector(8, 4) };
      const seen = async () => {
        const { words, vectors } = await other.candidates({ filter: {}, limit: 9, words: 'first', vector });
        return [words.length, vectors.length];
      };
      expect(await seen()).toEqual([1, 1]);
      await at.store.delete([id]);
      expect(await seen()).toEqual([0, 0]);
      await at.store.restore([id]);
      expect(await seen()).toEqual([1, 1]);
      await at.store.purge([id]);
      expect(await seen()).toEqual([0, 0]);
    });

    test('shares machine id, clock and digests', async () => {
      const other = at.open();
      await Promise.all([at.store.add([draft('a')]), other.add([draft('b')]), at.store.add([draft('c')])]);
      const [mine, theirs] = [await at.store.stats(), await other.stats()];
      expect(lasting(mine)).toEqual(lasting(theirs));
      expect(mine.clock).toEqual({ [mine.machineId]: 3 });
      expect(mine.machineId).toMatch(/^[0-9a-f]{16}$/);
      await at.expectIntact();
    });

    test('keeps everything over closing and opening', async () => {
      const id = await at.add('durable', { tags: ['x'] });
      await at.embed({ [id]: [5] });
      const before = await at.store.stats(STAMP);
      await at.store.close();
      at.reopen();
      expect(lasting(await at.store.stats(STAMP))).toEqual(lasting(before));
      expect(await at.nearest(5)).toEqual([id]);
      expect(await at.byWords('durable')).toEqual([id]);
    });
  });

  describe('closing', () => {
    test('finishes writes that were asked for, then refuses calls; closing twice is fine', async () => {
      const writes = Array.from({ length: 20 }, (_, index) => at.store.add([draft(`write ${index}`)]));
      await at.store.close();
      await Promise.all(writes);
      await expect(at.store.add([draft('late')])).rejects.toThrow(StoreUnavailableError);
      await expect(at.store.stats()).rejects.toThrow(StoreUnavailableError);
      await at.store.close();
      expect((await at.open().stats()).live).toBe(20);
    });

    test('can be closed without having been used', async () => {
      await at.open().close();
    });
  });
}
