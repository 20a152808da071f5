import { describe, expect, test } from 'vitest';
import { InvalidInputError } from '../../../src/errors/input-errors.ts';
import type { MemoryDraft } from '../../../src/memory/memory.ts';
import type { ConversationSummary } from '../../../src/store/memory-store.ts';
import { draft } from '../../helpers/drafts.ts';
import { unitVector } from '../../helpers/vectors.ts';
import { type PrepareStore, STAMP, useStore } from './use-store.ts';

function turn(session: string, position: number, rest: Partial<MemoryDraft> = {}): MemoryDraft {
  const role = position % 2 === 0 ? 'user' : 'assistant';
  const metadata = { kind: 'conversation', client: 'codex', session, position, role, ...rest.metadata };
  return draft(`${session} turn ${position}`, { createdAt: position, ...rest, metadata });
}

/** What every store must do with conversations. */
export function describeConversations(prepare: PrepareStore): void {
  const at = useStore(prepare);

  describe('conversations', () => {
    test('are listed with what they are about, the newest first, page by page', async () => {
      await at.store.add([draft('a fact', { createdAt: 1_000 })]);
      for (let session = 0; session < 7; session += 1) {
        await at.store.add([
          turn(`s${session}`, 1, { createdAt: 10 * session + 1 }),
          turn(`s${session}`, 0, { createdAt: 10 * session, metadata: { project: 'p' } }),
        ]);
      }
      await at.store.add([turn('s3', 0, { createdAt: 200, metadata: { client: 'claude-code' } })]);
      const found: ConversationSummary[] = [];
      let cursor: string | undefined;
      do {
        const more = cursor === undefined ? {} : { cursor };
        const page = await at.store.conversations({ filter: {}, limit: 3, ...more });
        expect(page.total).toBe(8);
        found.push(...page.conversations);
        cursor = page.nextCursor;
      } while (cursor !== undefined);
      expect(found.map(({ session }) => session)).toEqual(['s3', 's6', 's5', 's4', 's3', 's2', 's1', 's0']);
      expect(found[1]).toEqual({
        ...{ client: 'codex', session: 's6', turns: 2, first: 60, last: 61 },
        ...{ project: 'p', beginning: 's6 turn 0' },
      });
      const claude = await at.store.conversations({ filter: { client: 'claude-code' }, limit: 3 });
      expect(claude).toMatchObject({ total: 1, conversations: [{ session: 's3', turns: 1 }] });
      expect(await at.store.stats()).toMatchObject({ live: 16, turns: 15, conversations: 8 });
    });

    test.each(['', 'x', Buffer.from('["a",1,2]').toString('base64url')])(
      'refuse the cursor %j',
      async (cursor) => {
        await expect(at.store.conversations({ filter: {}, limit: 1, cursor })).rejects.toThrow(
          InvalidInputError,
        );
      },
    );

    test('have an order of their own, whatever the times', async () => {
      await at.store.add([draft('a fact')]);
      await at.store.add([2, 0, 3, 1, 4].map((position) => turn('s', position, { createdAt: -position })));
      const seen: string[] = [];
      let cursor: string | undefined;
      do {
        const more = cursor === undefined ? {} : { cursor };
        const page = await at.store.list({ filter: {}, which: 'live', order: 'position', limit: 2, ...more });
        expect(page.total).toBe(5);
        seen.push(...page.memories.map(({ text }) => text));
        cursor = page.nextCursor;
      } while (cursor !== undefined);
      expect(seen).toEqual([0, 1, 2, 3, 4].map((position) => `s turn ${position}`));
    });

    test('get their vectors after all facts', async () => {
      await at.store.add([turn('s', 0), turn('s', 1)]);
      await at.store.add([draft('first fact'), draft('second fact')]);
      const texts = async (limit: number): Promise<string[]> => {
        const claimed = await at.store.claimPendingEmbeddings({ modelId: STAMP, limit, leaseMs: 60_000 });
        return claimed.map(({ text }) => text);
      };
      expect(await texts(1)).toEqual(['first fact']);
      await at.store.add([turn('s', 2), draft('third fact')]);
      expect(await texts(3)).toEqual(['second fact', 'third fact', 's turn 0']);
      expect(await texts(9)).toEqual(['s turn 1', 's turn 2']);
    });

    test('do not keep facts out of the candidates', async () => {
      const said = Array.from({ length: 60 }, (_, position) =>
        turn('s', position, { text: `shared shared ${position}` }),
      );
      const turns = (await at.store.add(said)).map(({ memory }) => memory.id);
      const facts = (
        await at.store.add([draft('shared fact of many other words'), draft('shared other fact')])
      ).map(({ memory }) => memory.id);
      const axes: Record<string, number[]> = {};
      for (const id of turns) axes[id] = [0];
      for (const id of facts) axes[id] = [1];
      await at.embed(axes);
      const vector = { modelId: STAMP, vector: unitVector(STAMP.dimension, 0) };
      const { words, vectors } = await at.store.candidates({
        filter: {},
        limit: 10,
        words: 'shared',
        vector,
      });
      for (const list of [words, vectors]) {
        expect(list).toHaveLength(12);
        expect(
          list
            .filter(({ isTurn }) => isTurn !== true)
            .map(({ id }) => id)
            .sort(),
        ).toEqual([...facts].sort());
        expect(list.map(({ score }) => score)).toEqual(
          list.map(({ score }) => score).toSorted((a, b) => b - a),
        );
      }
      const only = await at.store.candidates({
        filter: { kind: 'conversation' },
        limit: 10,
        words: 'shared',
      });
      expect(only.words).toHaveLength(10);
    });

    test('move to the trash as a whole when the last turn is old enough', async () => {
      const now = Date.now();
      await at.store.add([draft('an old fact', { createdAt: 0 })]);
      await at.store.add(Array.from({ length: 450 }, (_, position) => turn('old', position)));
      await at.store.add([turn('new', 0), turn('new', 1, { createdAt: now })]);
      expect(await at.store.expireConversations(86_400_000)).toBe(450);
      expect(await at.store.expireConversations(86_400_000)).toBe(0);
      expect(await at.store.stats()).toMatchObject({ live: 3, turns: 2, trash: 450, conversations: 1 });
      expect((await at.store.checkIntegrity()).problems).toEqual([]);
    });
  });
}
