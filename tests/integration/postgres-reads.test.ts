import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { beforeEach, expect, test } from 'vitest';
import type { EmbeddingModelId } from '../../src/embedding/embedder.ts';
import { encodeVector } from '../../src/embedding/quantization.ts';
import { INDEX_NAME } from '../../src/store/memory-store.ts';
import { PostgresLog } from '../../src/store/postgres/postgres-log.ts';
import type { SqliteMemoryStore } from '../../src/store/sqlite/sqlite-memory-store.ts';
import { draft } from '../helpers/drafts.ts';
import { HookedLog } from '../helpers/hooked-log.ts';
import { openSqliteStore, temporaryFolder } from '../helpers/sqlite-store.ts';
import { textsOf } from '../helpers/stores-behind-proxy.ts';
import { describeWithPostgres } from '../helpers/with-postgres.ts';

const MODEL: EmbeddingModelId = { modelId: 'made-up', dimension: 4, weightsHash: '0'.repeat(64) };
const VECTOR = encodeVector({ scale: 0.01, data: Int8Array.of(100, 0, 0, 0) });

interface Opened {
  readonly store: SqliteMemoryStore;
  readonly log: HookedLog;
}

/** A promise that a test keeps open. */
function gate(): { readonly passed: Promise<void>; readonly open: () => void } {
  let open = (): void => undefined;
  const passed = new Promise<void>((resolve) => (open = resolve));
  return { passed, open };
}

await describeWithPostgres(
  'a read that is not said to be old has all that was acknowledged before it',
  (server) => {
    let url: string;
    let dataDir: string;
    let elsewhere: SqliteMemoryStore;
    const open = (folder: string): Opened => {
      const log = new HookedLog(new PostgresLog({ url, schema: 'faiss_memory', space: 'team' }));
      return { log, store: openSqliteStore(folder, { log }) };
    };
    const throwAway = (): void => {
      for (const suffix of ['', '-wal', '-shm']) rmSync(join(dataDir, INDEX_NAME + suffix), { force: true });
    };
    const listed = async ({
      store,
    }: Opened): Promise<{ readonly texts: string[]; readonly stale?: string }> => {
      const { memories, stale } = await store.list({ filter: {}, which: 'live', order: 'oldest', limit: 99 });
      return { texts: memories.map(({ text }) => text), ...(stale === undefined ? {} : { stale }) };
    };

    beforeEach(async () => {
      url = await server().createDatabase();
      dataDir = temporaryFolder();
      elsewhere = open(temporaryFolder()).store;
      await elsewhere.add([draft('one')]);
    });

    test('when another thread of its folder read less at the same moment', async () => {
      const [ours, theirs] = [open(dataDir), open(dataDir)];
      expect([await textsOf(ours.store), await textsOf(theirs.store)]).toEqual([['one'], ['one']]);
      await elsewhere.add([draft('two')]);
      const [theirsReads, theirsGoesOn] = [gate(), gate()];
      theirs.log.hooks.pageRead = () => {
        theirsReads.open();
        return theirsGoesOn.passed;
      };
      const theirRead = textsOf(theirs.store);
      await theirsReads.passed;
      await elsewhere.add([draft('three')]);
      // Their page, which has only two of the memories, is applied while ours is on its way.
      ours.log.hooks.pageRead = async () => {
        ours.log.hooks.pageRead = () => undefined;
        theirsGoesOn.open();
        await theirRead;
      };
      expect(await listed(ours)).toEqual({ texts: ['one', 'two', 'three'] });
    });

    test('when another process throws its index away after the log was asked', async () => {
      const ours = open(dataDir);
      expect(await listed(ours)).toEqual({ texts: ['one'] });
      ours.log.hooks.headRead = () => {
        ours.log.hooks.headRead = () => undefined;
        throwAway();
      };
      expect(await listed(ours)).toEqual({ texts: ['one'] });
    });

    test('when another process throws its index away while newer entries are read', async () => {
      const ours = open(dataDir);
      await textsOf(ours.store);
      await elsewhere.add([draft('two')]);
      ours.log.hooks.pageRead = () => {
        ours.log.hooks.pageRead = () => undefined;
        throwAway();
      };
      expect(await listed(ours)).toEqual({ texts: ['one', 'two'] });
    });

    test('by meaning too, when the index is thrown away and filled again', async () => {
      await elsewhere.claimPendingEmbeddings({ modelId: MODEL, limit: 9, leaseMs: 1 }).then((pending) =>
        elsewhere.putEmbeddings(
          MODEL,
          pending.map(({ versionKey }) => ({ versionKey, chunks: [{ start: 0, end: 3, vector: VECTOR }] })),
        ),
      );
      const ours = open(dataDir);
      const found = async (): Promise<number> => {
        const vector = { modelId: MODEL, vector: Float32Array.of(1, 0, 0, 0) };
        return (await ours.store.candidates({ filter: {}, limit: 9, vector })).vectors.length;
      };
      expect(await found()).toBe(1);
      for (const moment of ['headRead', 'pageRead', 'vectorsRead'] as const) {
        // The second and the third moment come only while the file is filled.
        if (moment !== 'headRead') throwAway();
        ours.log.hooks[moment] = () => {
          ours.log.hooks[moment] = () => undefined;
          throwAway();
        };
        expect([moment, await found()]).toEqual([moment, 1]);
      }
    });

    test('when only a part of the files of its index is removed', async () => {
      const ours = open(dataDir);
      await textsOf(ours.store);
      rmSync(join(dataDir, `${INDEX_NAME}-wal`));
      expect(await listed(ours)).toEqual({ texts: ['one'] });
      await ours.store.add([draft('two')]);
      expect(await listed(ours)).toEqual({ texts: ['one', 'two'] });
    });

    test('when an earlier question is answered after the read gave up waiting', async () => {
      const ours = open(dataDir);
      expect(await listed(ours)).toEqual({ texts: ['one'] });
      const [appending, append] = [gate(), gate()];
      ours.log.hooks.appending = () => {
        appending.open();
        return append.passed;
      };
      const writing = ours.store.add([draft('ours')]);
      await appending.passed;
      const [asked, answered] = [gate(), gate()];
      ours.log.hooks.headRead = () => {
        asked.open();
        return answered.passed;
      };
      const earlier = listed(ours);
      await asked.passed;
      await elsewhere.add([draft('two')]);
      // The read waits for the file, which the write holds. Meanwhile the earlier question is answered, and the write loses its race.
      ours.log.isSilent = true;
      ours.log.hooks.silenceNoted = () => {
        ours.log.hooks.headRead = () => undefined;
        answered.open();
        setImmediate(append.open);
      };
      const later = await listed(ours);
      expect(later.stale === undefined ? later.texts : ['it says that it is old']).not.toEqual(['one']);
      await Promise.all([earlier, writing]);
      expect(await listed(ours)).toEqual({ texts: ['one', 'two', 'ours'] });
    });
  },
);
