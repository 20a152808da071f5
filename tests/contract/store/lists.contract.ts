import { describe, expect, test } from 'vitest';
import { InvalidInputError } from '../../../src/errors/input-errors.ts';
import type { ListRequest } from '../../../src/store/memory-store.ts';
import { draft } from '../../helpers/drafts.ts';
import { useStore, type PrepareStore } from './use-store.ts';

/** What every store must do with lists and filters. */
export function describeLists(prepare: PrepareStore): void {
  const at = useStore(prepare);

  describe('list and filters', () => {
    const base: ListRequest = { filter: {}, which: 'live', order: 'newest', limit: 100 };

    test('pages through every order without gaps or repetitions', async () => {
      await at.store.add(
        Array.from({ length: 25 }, (_, index) =>
          draft(`memory ${index}`, { createdAt: Math.floor(index / 3) }),
        ),
      );
      for (const order of ['newest', 'oldest', 'updated'] as const) {
        const seen: string[] = [];
        let cursor: string | undefined;
        do {
          const page = await at.store.list({
            ...base,
            order,
            limit: 4,
            ...(cursor === undefined ? {} : { cursor }),
          });
          expect(page.total).toBe(25);
          seen.push(...page.memories.map(({ text }) => text));
          cursor = page.nextCursor;
        } while (cursor !== undefined);
        const expected = Array.from({ length: 25 }, (_, index) => `memory ${index}`);
        expect(seen).toEqual(order === 'oldest' ? expected : expected.reverse());
      }
    });

    test.each(['', 'x', 'e30', Buffer.from('["oldest",1,2]').toString('base64url')])(
      'refuses the cursor %j',
      async (cursor) => {
        await expect(at.store.list({ ...base, cursor })).rejects.toThrow(InvalidInputError);
      },
    );

    test('finds a live memory by its whole text', async () => {
      const gone = await at.add('the text', { createdAt: 1 });
      const [older, newer] = await at.store.add(
        [draft('the text', { createdAt: 3 }), draft('the text', { createdAt: 2 })],
        { allowDuplicates: true },
      );
      await at.store.delete([gone]);
      expect(await at.store.findByText('the text')).toEqual(older?.memory);
      await at.store.update(older?.memory.id ?? '', { text: 'another text' });
      expect(await at.store.findByText(' the text\n')).toEqual(newer?.memory);
      for (const text of ['the', 'THE TEXT', '']) {
        expect(await at.store.findByText(text)).toBeNull();
      }
    });

    test('parts live memories, trash and conflicts', async () => {
      const [a, b] = [await at.add('a', { tags: ['t'] }), await at.add('b', { tags: ['t'] })];
      await at.store.delete([b]);
      const ids = async (request: Partial<ListRequest>) =>
        (await at.store.list({ ...base, ...request })).memories.map(({ id }) => id);
      expect(await ids({})).toEqual([a]);
      expect(await ids({ which: 'trash' })).toEqual([b]);
      expect(await ids({ which: 'trash', filter: { tagsAny: ['t'] } })).toEqual([b]);
      expect(await ids({ which: 'conflict' })).toEqual([]);
      expect(await at.store.list({ ...base, which: 'conflict', filter: { tagsAny: ['t'] } })).toMatchObject({
        total: 0,
      });
    });

    test('applies every kind of filter to lists, words and vectors alike', async () => {
      const a = await at.add('shared alpha', {
        tags: ['red', 'big'],
        source: 'notes/2024',
        metadata: { project: 'p1', level: 1, nested: { x: [1] } },
        createdAt: 100,
        updatedAt: 1_000,
      });
      const b = await at.add('shared beta', {
        tags: ['red'],
        source: 'Notes/2024',
        metadata: { project: 'p2', level: '1', long: 'y'.repeat(500) },
        createdAt: 200,
        updatedAt: 900,
      });
      const c = await at.add('shared gamma', {
        tags: ['blue'],
        source: 'notes_2024',
        createdAt: 300,
        updatedAt: 800,
      });
      await at.embed({ [a]: [0], [b]: [1, 2], [c]: [3] });
      const cases: [filter: ListRequest['filter'], expected: string[]][] = [
        [{}, [a, b, c]],
        [{ tagsAny: ['red'] }, [a, b]],
        [{ tagsAny: ['big', 'blue'] }, [a, c]],
        [{ tagsAll: ['big', 'red'] }, [a]],
        [{ tagsAll: ['big', 'blue'] }, []],
        [{ tagsAny: [] }, []],
        [{ sourcePrefix: 'notes' }, [a, c]],
        [{ sourcePrefix: 'notes/' }, [a]],
        [{ sourcePrefix: 'notes%' }, []],
        [{ sourcePrefix: '' }, [a, b, c]],
        [{ metadata: { project: 'p1' } }, [a]],
        [{ metadata: { level: 1 } }, [a]],
        [{ metadata: { level: '1' } }, [b]],
        [{ metadata: { nested: { x: [1] } } }, [a]],
        [{ metadata: { long: 'y'.repeat(500) } }, [b]],
        [{ metadata: { long: 'y'.repeat(499) } }, []],
        [{ createdAfter: 200 }, [b, c]],
        [{ createdBefore: 200 }, [a, b]],
        [{ updatedAfter: 900, updatedBefore: 900 }, [b]],
        [{ tagsAny: ['red'], createdAfter: 150, metadata: { project: 'p2' } }, [b]],
      ];
      for (const [filter, expected] of cases) {
        const page = await at.store.list({ ...base, order: 'oldest', filter });
        expect(
          page.memories.map(({ id }) => id),
          JSON.stringify(filter),
        ).toEqual(expected);
        expect(page.total).toBe(expected.length);
        expect(await at.store.matching(filter)).toEqual(expected);
        expect((await at.byWords('shared', filter)).sort()).toEqual([...expected].sort());
        expect((await at.nearest(0, filter)).sort()).toEqual([...expected].sort());
      }
    });

    test('filters by what the metadata says a memory is, also after a change and in the trash', async () => {
      const said = { kind: 'conversation', session: 's1', position: 0, role: 'user', client: 'codex' };
      const fact = await at.add('shared fact', { metadata: { occurred_at: '2026-03-01' }, createdAt: 1 });
      const pinned = await at.add('shared pin', { metadata: { pinned: true }, createdAt: 2 });
      const expired = await at.add('shared end', { metadata: { expires: '2026-02-01' }, createdAt: 3 });
      const first = await at.add('shared hello', { metadata: said, createdAt: 4 });
      const second = await at.add('shared hello', {
        metadata: { ...said, position: 1, role: 'assistant', client: 'claude-code' },
        createdAt: 5,
      });
      const all = [fact, pinned, expired, first, second];
      await at.embed(Object.fromEntries(all.map((id, axis) => [id, [axis]])));
      const at2026 = (month: number): number => Date.UTC(2026, month - 1, 1);
      const cases: [filter: ListRequest['filter'], expected: string[]][] = [
        [{ kind: 'fact' }, [fact, pinned, expired]],
        [{ kind: 'conversation' }, [first, second]],
        [{ session: 's1' }, [first, second]],
        [{ session: 's1', client: 'codex' }, [first]],
        [{ session: 's' }, []],
        [{ client: 'claude-code' }, [second]],
        [{ occurredAfter: at2026(3), occurredBefore: at2026(3) }, [fact]],
        [{ occurredAfter: at2026(3) + 1 }, []],
        [{ unexpiredAt: at2026(2) - 1 }, all],
        [{ unexpiredAt: at2026(2) }, [fact, pinned, first, second]],
        [{ expiredAt: at2026(2) }, [expired]],
        [{ expiredAt: at2026(2) - 1 }, []],
        [{ pinned: true }, [pinned]],
        [{ pinned: false, kind: 'fact' }, [fact, expired]],
      ];
      for (const [filter, expected] of cases) {
        expect(await at.store.matching(filter), JSON.stringify(filter)).toEqual(expected);
        expect((await at.byWords('shared', filter)).sort()).toEqual([...expected].sort());
        expect((await at.nearest(0, filter)).sort()).toEqual([...expected].sort());
      }
      await at.store.update(first, { metadata: { pinned: true } });
      await at.store.delete([second]);
      expect(await at.store.matching({ kind: 'conversation' })).toEqual([]);
      expect(await at.store.matching({ pinned: true })).toEqual([pinned, first]);
      const trash = await at.store.list({ ...base, which: 'trash', filter: { session: 's1' } });
      expect(trash.memories.map(({ id }) => id)).toEqual([second]);
      expect((await at.store.checkIntegrity()).problems).toEqual([]);
    });

    test('says which live memory replaces another', async () => {
      const older = await at.add('older');
      const newer = await at.add('newer', { metadata: { supersedes: older } });
      expect((await at.store.getCurrent([older]))[0]?.supersededBy).toBe(newer);
      expect((await at.store.getCurrent([newer]))[0]).not.toHaveProperty('supersededBy');
      await at.store.delete([newer]);
      expect((await at.store.getCurrent([older]))[0]).not.toHaveProperty('supersededBy');
      await at.store.update(older, { mergeMetadata: { supersedes: older } });
      expect((await at.store.getCurrent([older]))[0]).not.toHaveProperty('supersededBy');
    });

    test('joins a part of a conversation with nothing', async () => {
      const part = { kind: 'conversation', session: 's1', position: 0, role: 'user' };
      const fact = await at.add('yes');
      const first = await at.add('yes', { metadata: part });
      const second = await at.add('yes', { metadata: part });
      expect(new Set([fact, first, second]).size).toBe(3);
      expect((await at.store.findByText('yes'))?.id).toBe(fact);
      expect(await at.store.add([draft('yes', { tags: ['t'] })])).toMatchObject([
        { outcome: 'existing', memory: { id: fact } },
      ]);
    });

    test('counts the live memories of each day of a zone', async () => {
      const day = 86_400_000;
      const at2026 = Date.UTC(2026, 0, 31);
      await at.add('last moment', { createdAt: at2026 - 1 });
      await at.add('first moment', { createdAt: at2026 });
      await at.add('same day', { createdAt: at2026 + day - 1 });
      for (const far of [8_640_000_000_000_000, -8_640_000_000_000_000, -100_000_000_000_000]) {
        await at.add('of no calendar', { createdAt: far });
      }
      const gone = await at.add('deleted', { createdAt: at2026 + day });
      await at.store.delete([gone]);
      expect(await at.store.growth('UTC')).toEqual([
        { day: '2026-01-30', count: 1 },
        { day: '2026-01-31', count: 2 },
      ]);
      expect(await at.store.growth('Asia/Tokyo')).toEqual([
        { day: '2026-01-31', count: 2 },
        { day: '2026-02-01', count: 1 },
      ]);
      expect(await at.store.growth('America/St_Johns')).toEqual([
        { day: '2026-01-30', count: 2 },
        { day: '2026-01-31', count: 1 },
      ]);
    });
  });
}
