import { randomUUID } from 'node:crypto';
import { beforeEach, describe, expect, onTestFinished, test } from 'vitest';
import { PostgresLog } from '../../src/store/postgres/postgres-log.ts';
import type { SqliteMemoryStore } from '../../src/store/sqlite/sqlite-memory-store.ts';
import { draft } from '../helpers/drafts.ts';
import type { WireProxy } from '../helpers/servers/wire-proxy.ts';
import {
  expectEqualDigests,
  openSharedStore,
  openTwoStores,
  textsOf,
} from '../helpers/stores-behind-proxy.ts';
import { describeWithPostgres } from '../helpers/with-postgres.ts';

/** In the statement that appends an entry, in the one that looks for it, and in the end of a transaction. */
const APPEND = 'FOR UPDATE SKIP LOCKED';
const COMMIT = 'COMMIT';

await describeWithPostgres('a write to PostgreSQL', (server) => {
  let url: string;
  let proxy: WireProxy;
  let near: SqliteMemoryStore;
  let far: SqliteMemoryStore;

  beforeEach(async () => {
    ({ url, proxy, near, far } = await openTwoStores(server()));
  });

  async function expectEqual(all: readonly string[]): Promise<void> {
    expect([await textsOf(near), await textsOf(far), await textsOf(openSharedStore(url))]).toEqual([
      all,
      all,
      all,
    ]);
    await expectEqualDigests([near, far]);
  }

  /** Too large for one statement, so it is a transaction that ends with COMMIT. */
  const large = (): ReturnType<typeof draft>[] =>
    Array.from({ length: 6 }, (_, number) => draft(`${number} ${randomUUID()} ${'x'.repeat(1_000_000)}`));

  describe('whose connection is cut', () => {
    test('after the server did it, and before the answer, is acknowledged once', async () => {
      proxy.harm({ kind: 'cut-after', text: APPEND });
      const [outcome] = await far.add([draft('second')]);
      expect([proxy.hits, outcome?.outcome]).toEqual([1, 'added']);
      await expectEqual(['first', 'second']);
    });

    test('before the server saw it, is done again', async () => {
      proxy.harm({ kind: 'cut-before', text: APPEND });
      await far.add([draft('second')]);
      expect(proxy.hits).toBe(1);
      await expectEqual(['first', 'second']);
    });

    test('and that reaches the server long after, has no effect then', async () => {
      let arrive = (): void => undefined;
      const until = new Promise<void>((resolve) => (arrive = resolve));
      proxy.harm({ kind: 'late', text: APPEND, until });
      await far.add([draft('second')]);
      arrive();
      await near.add([draft('third')]);
      await expectEqual(['first', 'second', 'third']);
      expect(proxy.hits).toBe(1);
    });

    test.each(['cut-after', 'cut-before'] as const)('at its COMMIT (%s), is stored once', async (kind) => {
      const drafts = large();
      proxy.harm({ kind, text: COMMIT });
      await far.add(drafts);
      expect(proxy.hits).toBe(1);
      await expectEqual(['first', ...drafts.map(({ text }) => text)]);
    });
  });

  test('of a slow database only takes longer', async () => {
    proxy.harm({ kind: 'delay', milliseconds: 150 });
    await Promise.all(['a', 'b', 'c'].map((text) => far.add([draft(text)])));
    expect(await far.stats()).not.toHaveProperty('stale');
    proxy.harm(null);
    await expectEqual(['first', 'a', 'b', 'c']);
  });

  test('is not taken by a database that was set back meanwhile, whatever its entries count', async () => {
    const log = new PostgresLog({ url, schema: 'faiss_memory', space: 'team' });
    onTestFinished(() => log.close());
    const { head } = await log.head();
    const page = await log.page({ after: 0, afterChange: 0 });
    if (head === null || page === null) throw new Error('the space is there');
    const { machine, change, clock } = page;
    const entry = { machine, change, clock, memories: [], notes: [], commit: randomUUID() };
    const after = { after: head.sequence, afterCommit: randomUUID() };
    expect(await log.append({ ...entry, ...after })).toBe(false);
    expect(await log.append({ ...entry, after: head.sequence, afterCommit: head.commit })).toBe(true);
  });
});
