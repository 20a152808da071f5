import { parentPort, workerData } from 'node:worker_threads';
import { encodeError } from '../../errors/error-codec.ts';
import { StoreUnavailableError } from '../../errors/store-errors.ts';
// eslint-disable-next-line import-x/no-restricted-paths -- this file composes the store of the worker thread
import { createVectorIndex } from '../../vector/create-vector-index.ts';
import { SqliteMemoryStore } from '../sqlite/sqlite-memory-store.ts';
import { isReplicaMethod, type StoreCall, type StoreReply, type StoreWorkerSettings } from './protocol.ts';

if (parentPort === null) throw new StoreUnavailableError('The store worker runs only as a worker thread');
const port = parentPort;
// Only `StoreWorkerClient` starts this file, with these settings.
const { dataDir, vectorIndex = 'auto' } = workerData as StoreWorkerSettings;

process.stdout.write = process.stderr.write.bind(process.stderr);

const store = new SqliteMemoryStore({
  dataDir,
  now: () => Date.now(),
  createVectorIndex: (dimension) => createVectorIndex({ dimension, preferred: vectorIndex }),
});

port.on('message', (call: StoreCall) => {
  void answer(call).then((reply) => {
    port.postMessage(reply);
    if (call.method === 'close') port.close();
  });
});

async function answer({ id, method, parameters }: StoreCall): Promise<StoreReply> {
  try {
    // The client's methods have the types of the port, which a message cannot carry.
    const bound = isReplicaMethod(method)
      ? store.replica[method].bind(store.replica)
      : store[method].bind(store);
    const run = bound as (...all: readonly unknown[]) => Promise<unknown>;
    return { id, value: await run(...parameters) };
  } catch (error) {
    return { id, error: encodeError(error) };
  }
}
