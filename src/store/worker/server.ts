import { workerData } from 'node:worker_threads';
import { answerCalls } from '../../util/worker-client.ts';
// eslint-disable-next-line import-x/no-restricted-paths -- this file composes the store of the worker thread
import { createVectorIndex } from '../../vector/create-vector-index.ts';
import { SqliteMemoryStore } from '../sqlite/sqlite-memory-store.ts';
import { isReplicaMethod, type StoreMethod, type StoreWorkerSettings } from './protocol.ts';

// Only `store/worker/client.ts` starts this file, and calls only the methods of the protocol: with the settings of the one
// store of this thread, or with null for a thread of many stores, whose calls have the settings as their first parameter.
const own = workerData as StoreWorkerSettings | null;
const stores = new Map<string, SqliteMemoryStore>();

// Loaded only for those who share a database.
const log = own?.database && new (await import('../postgres/postgres-log.ts')).PostgresLog(own.database);

function storeOf({
  dataDir,
  vectorIndex = 'auto',
  mustExist = false,
}: StoreWorkerSettings): SqliteMemoryStore {
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
    // The first call is on its way, or soon will be. It tells what is wrong with the file, if anything is.
    if (own !== null)
      storeOf(own)
        .openExisting()
        .catch(() => undefined);
  },
  call: async (name, parameters) => {
    const method = name as StoreMethod;
    const [settings, ...rest] = own === null ? (parameters as [StoreWorkerSettings]) : [own, ...parameters];
    const store = storeOf(settings);
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
