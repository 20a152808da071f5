import { workerData } from 'node:worker_threads';
import { answerCalls } from '../../util/worker-client.ts';
// eslint-disable-next-line import-x/no-restricted-paths -- this file composes the store of the worker thread
import { createVectorIndex } from '../../vector/create-vector-index.ts';
import { SqliteMemoryStore } from '../sqlite/sqlite-memory-store.ts';
import type { PostgresLog } from '../postgres/postgres-log.ts';
import type { PreparedDatabase } from '../postgres/prepared-database.ts';
import type { SharedLog } from '../shared-log.ts';
import {
  isReplicaMethod,
  type SharedDatabase,
  type StoreMethod,
  type StoreWorkerSettings,
} from './protocol.ts';

// Only `store/worker/client.ts` starts this file, and calls only the methods of the protocol: with the settings of the one
// store of this thread, or with null for a thread of many stores, whose calls have the settings as their first parameter.
const own = workerData as StoreWorkerSettings | null;
const stores = new Map<string, SqliteMemoryStore>();

/** Of the spaces of a thread of many stores. One pool for all of them: see docs/decisions/0047-a-team-on-postgresql.md. */
const TEAM_POOL = { reads: 4, writes: 6 };
const pools = new Map<string, PreparedDatabase>();

// Loaded only for those who share a database.
const loadPostgres = async (): Promise<{
  PostgresLog: typeof PostgresLog;
  PreparedDatabase: typeof PreparedDatabase;
}> => ({
  ...(await import('../postgres/postgres-log.ts')),
  ...(await import('../postgres/prepared-database.ts')),
});
let loading: ReturnType<typeof loadPostgres> | undefined;

async function logOf(database: SharedDatabase | undefined): Promise<SharedLog | undefined> {
  if (database === undefined) return undefined;
  const postgres = await (loading ??= loadPostgres());
  if (own !== null) return new postgres.PostgresLog(database);
  const key = JSON.stringify([database.url, database.schema, database.asIs]);
  const pool = pools.get(key) ?? new postgres.PreparedDatabase(database, { ...database, sizes: TEAM_POOL });
  pools.set(key, pool);
  return new postgres.PostgresLog(database, pool);
}

/** Of the one store of this thread. A wrong address is the answer to each call, and does not end the thread. */
const ownLog = await logOf(own?.database).then(
  (log) => () => log,
  (error: unknown) => (): never => {
    throw error;
  },
);

function storeOf(
  { dataDir, vectorIndex = 'auto', mustExist = false }: StoreWorkerSettings,
  log: SharedLog | undefined,
): SqliteMemoryStore {
  const known = stores.get(dataDir);
  if (known !== undefined) return known;
  const store = new SqliteMemoryStore({
    dataDir,
    mustExist,
    log,
    now: () => Date.now(),
    createVectorIndex: (dimension) => createVectorIndex({ dimension, preferred: vectorIndex }),
  });
  stores.set(dataDir, store);
  return store;
}

answerCalls({
  begin: () => {
    if (own === null) return;
    // The first call is on its way, or soon will be. It reports faults of the file or the address.
    const opening = async (): Promise<void> => storeOf(own, ownLog()).openExisting();
    opening().catch(() => undefined);
  },
  call: async (name, parameters) => {
    const method = name as StoreMethod;
    const [settings, ...rest] = own === null ? (parameters as [StoreWorkerSettings]) : [own, ...parameters];
    const isOpen = own !== null || stores.has(settings.dataDir);
    const store = storeOf(settings, isOpen ? ownLog() : await logOf(settings.database));
    if (method === 'close') stores.delete(settings.dataDir);
    // The methods have the types of the port, which a message cannot carry.
    const bound = isReplicaMethod(method)
      ? store.replica[method].bind(store.replica)
      : store[method].bind(store);
    const run = bound as (...all: readonly unknown[]) => Promise<unknown>;
    return run(...rest);
  },
  isLast: (method) => own !== null && method === 'close',
});
