import { randomUUID } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PostgresLog } from '../../src/store/postgres/postgres-log.ts';
import { SqliteMemoryStore } from '../../src/store/sqlite/sqlite-memory-store.ts';
import { assembleReplica } from '../../src/store/worker/client.ts';
import { ExactIndex } from '../../src/vector/exact-index.ts';
import { replicaUnderTest } from '../helpers/replica-under-test.ts';
import { describeWithPostgres } from '../helpers/with-postgres.ts';
import { describeMemoryStore } from './memory-store.contract.ts';
import { describeReplicaStore } from './replica-store.contract.ts';

await describeWithPostgres('PostgreSQL', (server) => {
  const open = (dataDir: string, space: string, sizes?: object): SqliteMemoryStore =>
    new SqliteMemoryStore({
      dataDir,
      now: () => Date.now(),
      createVectorIndex: (dimension) => Promise.resolve(new ExactIndex(dimension)),
      log: new PostgresLog({ url: server().url(), schema: 'faiss_memory', space }),
      ...(sizes === undefined ? {} : { stepSizes: { memories: 0, bytes: 0, milliseconds: 0 } }),
    });

  // Each store of a test has a folder of its own, so that all they share is the database.
  describeMemoryStore('replicas', () => {
    const folder = mkdtempSync(join(tmpdir(), 'faiss-memory-postgres-store-'));
    const space = randomUUID();
    let opened = 0;
    return {
      ownFolders: true,
      open: () => open(join(folder, String(++opened)), space),
      clean: () => {
        rmSync(folder, { recursive: true, force: true });
      },
    };
  });

  describeMemoryStore('one folder', () => {
    const folder = mkdtempSync(join(tmpdir(), 'faiss-memory-postgres-store-'));
    const space = randomUUID();
    return {
      open: () => open(folder, space),
      clean: () => {
        rmSync(folder, { recursive: true, force: true });
      },
    };
  });

  for (const [name, sizes] of [
    ['replica', undefined],
    ['replica that merges memory by memory', {}],
  ] as const) {
    describeReplicaStore(name, () =>
      replicaUnderTest((dataDir) => {
        const memory = open(dataDir, randomUUID(), sizes);
        return { memory, replica: assembleReplica(memory.replica) };
      }),
    );
  }
});
