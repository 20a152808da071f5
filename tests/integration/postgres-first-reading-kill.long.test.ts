import { spawnSync } from 'node:child_process';
import { beforeAll, expect, test } from 'vitest';
import { encodeVector } from '../../src/embedding/quantization.ts';
import { StoreUnavailableError } from '../../src/errors/store-errors.ts';
import { PostgresLog } from '../../src/store/postgres/postgres-log.ts';
import type { SqliteMemoryStore } from '../../src/store/sqlite/sqlite-memory-store.ts';
import { idOf } from '../contract/replica/use-replicas.ts';
import { bundleProgram } from '../helpers/bundle.ts';
import { draft } from '../helpers/drafts.ts';
import { openSqliteStore, temporaryFolder } from '../helpers/sqlite-store.ts';
import { describeWithPostgres } from '../helpers/with-postgres.ts';

/** Evenly spread over all statements, the first and the last among them. */
const KILLS = 12;
const MEMORIES = 40;
const ROWS = 6;
const modelId = { modelId: 'one', dimension: 4, weightsHash: '0'.repeat(64) };

let program: string;

beforeAll(async () => {
  program = await bundleProgram('helpers/killed-reader.ts');
});

async function fill(store: SqliteMemoryStore): Promise<void> {
  await store.import(
    Array.from({ length: MEMORIES }, (_, number) =>
      draft(`lantern ${number}`, { id: idOf(number), tags: [`tag${number % 3}`] }),
    ),
  );
  await store.update(idOf(3), { text: 'lantern changed' });
  await store.purge([idOf(4)]);
  const pending = await store.claimPendingEmbeddings({ modelId, limit: MEMORIES, leaseMs: 1 });
  const vector = encodeVector({ scale: 0.01, data: Int8Array.of(1, 2, 3, 4) });
  await store.putEmbeddings(
    modelId,
    pending.slice(3).map(({ versionKey }) => ({ versionKey, chunks: [{ start: 0, end: 7, vector }] })),
  );
}

await describeWithPostgres('a reader that is killed', (server) => {
  const logOf = (url: string): PostgresLog =>
    new PostgresLog({ url, schema: 'faiss_memory', space: 'team' }, undefined, {
      memories: ROWS,
      texts: ROWS,
      vectors: ROWS,
    });
  const run = (
    dataDir: string,
    url: string,
    killAt: number,
  ): { signal: string | null; statements: number } => {
    const { signal, stdout } = spawnSync(
      process.execPath,
      [program, dataDir, url, 'team', String(ROWS), String(killAt)],
      { stdio: ['ignore', 'pipe', 'inherit'], encoding: 'utf8' },
    );
    return { signal, statements: Number(stdout) };
  };

  test('is followed by one that goes on, and says of no half that it is whole', async () => {
    const url = await server().createDatabase();
    const writer = openSqliteStore(temporaryFolder(), { log: logOf(url) });
    await fill(writer);
    const expected = await writer.replica.identity();
    const { statements } = run(temporaryFolder(), url, 0);
    let halves = 0;
    for (let kill = 0; kill < KILLS; kill += 1) {
      const dataDir = temporaryFolder();
      const killAt = 1 + Math.round((kill * (statements - 1)) / (KILLS - 1));
      expect(run(dataDir, url, killAt).signal).toBe('SIGKILL');
      const silent = logOf(url);
      silent.head = () => Promise.reject(new StoreUnavailableError('It is silent', { retryable: true }));
      const alone = openSqliteStore(dataDir, { log: silent });
      const claimed = await alone.replica.identity().catch(() => null);
      if (claimed === null) halves += 1;
      else expect(claimed).toEqual(expected);
      await alone.close();
      const next = openSqliteStore(dataDir, { log: logOf(url) });
      expect(await next.replica.identity()).toEqual(expected);
      expect(await next.stats(modelId)).toMatchObject({ live: MEMORIES - 1, embedded: MEMORIES - 4 });
      expect((await next.checkIntegrity(modelId)).problems).toEqual([]);
      await next.close();
    }
    // Otherwise nothing was interrupted.
    expect(halves).toBeGreaterThan(KILLS / 2);
  });
});
