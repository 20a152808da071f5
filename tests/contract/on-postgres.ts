import { randomUUID } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll } from 'vitest';
import { PostgresLog } from '../../src/store/postgres/postgres-log.ts';
import {
  SqliteMemoryStore,
  type SqliteMemoryStoreSettings,
} from '../../src/store/sqlite/sqlite-memory-store.ts';
import { assembleReplica } from '../../src/store/worker/client.ts';
import { ExactIndex } from '../../src/vector/exact-index.ts';
import { replicaUnderTest } from '../helpers/replica-under-test.ts';
import type { PostgresServer } from '../helpers/servers/postgres.ts';
import { describeWithPostgres } from '../helpers/with-postgres.ts';
import { describeMemoryStore } from './memory-store.contract.ts';
import { describeReplicaStore } from './replica-store.contract.ts';

export interface PostgresKind {
  /** True gives each store of a test a folder of its own, so that all they share is the database. */
  readonly ownFolders: boolean;
  readonly settings?: Partial<SqliteMemoryStoreSettings>;
  /** A program between the stores and the server. */
  readonly pooler?: PoolerUnderTest;
}

export interface PoolerUnderTest {
  start(server: PostgresServer): Promise<void>;
  stop(): Promise<void>;
  /** The address through it. */
  url(address: string): string;
}

/** Runs the contracts of both ports on PostgreSQL. */
export async function describeOnPostgres(
  name: string,
  { ownFolders, settings, pooler }: PostgresKind,
): Promise<void> {
  await describeWithPostgres(name, (server) => {
    beforeAll(() => pooler?.start(server()));
    afterAll(() => pooler?.stop());
    const address = (): string => pooler?.url(server().url()) ?? server().url();
    const open = (dataDir: string, space: string): SqliteMemoryStore =>
      new SqliteMemoryStore({
        dataDir,
        now: () => Date.now(),
        createVectorIndex: (dimension) => Promise.resolve(new ExactIndex(dimension)),
        log: new PostgresLog({ url: address(), schema: 'faiss_memory', space }),
        ...settings,
      });
    describeMemoryStore(name, () => {
      const folder = mkdtempSync(join(tmpdir(), 'faiss-memory-postgres-store-'));
      const space = randomUUID();
      let opened = 0;
      return {
        open: () => open(ownFolders ? join(folder, String(++opened)) : folder, space),
        clean: () => {
          rmSync(folder, { recursive: true, force: true });
        },
        ...(ownFolders ? { ownFolders } : {}),
      };
    });
    describeReplicaStore(name, () =>
      replicaUnderTest((dataDir) => {
        const memory = open(dataDir, randomUUID());
        return { memory, replica: assembleReplica(memory.replica) };
      }),
    );
  });
}
