import { workerData } from 'node:worker_threads';
import { answerCalls } from '../../util/worker-client.ts';
// eslint-disable-next-line import-x/no-restricted-paths -- this file composes the store of the worker thread
import { createVectorIndex } from '../../vector/create-vector-index.ts';
import { SqliteMemoryStore } from '../sqlite/sqlite-memory-store.ts';
import { isReplicaMethod, type StoreMethod, type StoreWorkerSettings } from './protocol.ts';

// Only `startWorkerStore` starts this file, with these settings, and calls only the methods of the protocol.
const { dataDir, vectorIndex = 'auto', database } = workerData as StoreWorkerSettings;

// Loaded only for those who share a database.
const log = database && new (await import('../postgres/postgres-log.ts')).PostgresLog(database);

const store = new SqliteMemoryStore({
  dataDir,
  now: () => Date.now(),
  log,
  createVectorIndex: (dimension) => createVectorIndex({ dimension, preferred: vectorIndex }),
});

// The first call is on its way, or soon will be. It tells what is wrong with the file, if anything is.
store.openExisting().catch(() => undefined);

answerCalls({
  call: async (name, parameters) => {
    const method = name as StoreMethod;
    // The methods have the types of the port, which a message cannot carry.
    const bound = isReplicaMethod(method)
      ? store.replica[method].bind(store.replica)
      : store[method].bind(store);
    const run = bound as (...all: readonly unknown[]) => Promise<unknown>;
    return run(...parameters);
  },
  isLast: (method) => method === 'close',
});
