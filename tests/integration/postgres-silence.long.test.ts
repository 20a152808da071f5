import { beforeEach, expect, test } from 'vitest';
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

await describeWithPostgres('a PostgreSQL server that is silent', (server) => {
  let url: string;
  let proxy: WireProxy;
  let near: SqliteMemoryStore;
  let far: SqliteMemoryStore;

  beforeEach(async () => {
    ({ url, proxy, near, far } = await openTwoStores(server()));
  });

  async function expectEqual(all: readonly string[]): Promise<void> {
    expect([await textsOf(near), await textsOf(far)]).toEqual([all, all]);
    await expectEqualDigests([near, far]);
  }

  test('after a write has an unknown outcome, and the write is there once if it took place', async () => {
    proxy.harm({ kind: 'cut-after', text: 'FOR UPDATE SKIP LOCKED', next: { kind: 'swallow' } });
    await expect(far.add([draft('second')])).rejects.toMatchObject({
      code: 'STORE_UNAVAILABLE',
      retryable: true,
      fix: expect.stringContaining('Check whether the change was stored') as string,
    });
    proxy.harm(null);
    proxy.cut();
    expect((await far.add([draft('second')]))[0]?.outcome).toBe('existing');
    await expectEqual(['first', 'second']);
  }, 40_000);
  test('lets writes end in bounded time, also those that wait behind others, and reads go on', async () => {
    proxy.harm({ kind: 'swallow' });
    const begun = performance.now();
    const writes = Array.from({ length: 8 }, (_, number) => far.add([draft(`waits ${number}`)]));
    const failed = await Promise.allSettled(writes);
    expect(failed.map(({ status }) => status)).toEqual(writes.map(() => 'rejected'));
    expect(performance.now() - begun).toBeLessThan(15_000);
    const read = performance.now();
    expect(await textsOf(far)).toEqual(['first']);
    expect(performance.now() - read).toBeLessThan(2_500);
    expect((await far.stats()).stale).toMatch(/last answered \d+ s ago/);
    proxy.harm(null);
    proxy.cut();
    await far.add([draft('second')]);
    await expectEqual(['first', 'second']);
    expect(await far.stats()).not.toHaveProperty('stale');
  }, 40_000);

  test('in the middle of a write lets reads go on', async () => {
    // The statement arrives, and its answer never leaves.
    proxy.harm({ kind: 'hold-answer', text: 'FOR UPDATE SKIP LOCKED' });
    const adding = far.add([draft('second')]);
    await expect.poll(() => proxy.hits).toBe(1);
    const begun = performance.now();
    expect(await textsOf(far)).toEqual(['first']);
    expect(performance.now() - begun).toBeLessThan(5_000);
    proxy.harm(null);
    proxy.cut();
    await adding;
    await expectEqual(['first', 'second']);
  });

  test('that is stopped and goes on again loses nothing', async () => {
    server().freeze(true);
    try {
      await expect(near.add([draft('second')])).rejects.toMatchObject({
        code: 'STORE_UNAVAILABLE',
        retryable: true,
      });
      expect(await textsOf(near)).toEqual(['first']);
      // A store that has read nothing yet has nothing to show.
      await expect(openSharedStore(url).stats()).rejects.toMatchObject({
        code: 'STORE_UNAVAILABLE',
        retryable: true,
      });
    } finally {
      server().freeze(false);
    }
    await near.add([draft('third')]);
    await expectEqual(['first', 'third']);
  }, 60_000);
});
