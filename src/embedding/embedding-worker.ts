import { parentPort, workerData } from 'node:worker_threads';
import { FaissMemoryError } from '../errors/faiss-memory-error.ts';
import { E5Model } from './e5-model.ts';
import {
  END,
  LOADED,
  PHASE,
  type WorkerFailure,
  type WorkerReply,
  type WorkerRequest,
  type WorkerSettings,
} from './embedding-protocol.ts';

const port = parentPort;
if (port === null) throw new Error('embedding-worker runs only as a worker thread');

// The output of a runtime must not reach the process's stdout, which may carry a protocol.
process.stdout.write = process.stderr.write.bind(process.stderr);

// `BundledEmbedder` passes exactly these settings.
const settings = workerData as WorkerSettings;
const model = E5Model.load({ ...settings, enterNative });
model.then(
  (loaded) => {
    port.postMessage({ id: LOADED, runtime: loaded.runtimeName } satisfies WorkerReply);
  },
  () => undefined, // Every request reports this failure.
);

port.on('message', (request: WorkerRequest | typeof END) => {
  // This message arrives between two runs, never during one.
  if (request === END) process.exit();
  answer(request).then(
    (reply) => {
      port.postMessage(reply);
    },
    (error: unknown) => {
      port.postMessage({ id: request.id, failure: toFailure(error) } satisfies WorkerReply);
    },
  );
});

/** @returns false when this thread is about to be terminated */
function enterNative(): boolean {
  const before = Atomics.compareExchange(settings.phase, 0, PHASE.plain, PHASE.native);
  return before !== PHASE.ending;
}

async function answer({ id, task, text }: WorkerRequest): Promise<WorkerReply> {
  const loaded = await model;
  switch (task) {
    case 'load':
      return { id, runtime: loaded.runtimeName };
    case 'query':
      return { id, vector: await loaded.embedQuery(text) };
    case 'passage':
      return { id, vector: await loaded.embedPassage(text) };
    case 'split':
      return { id, chunks: loaded.split(text) };
  }
}

function toFailure(error: unknown): WorkerFailure {
  const message = error instanceof Error ? error.message : String(error);
  if (!(error instanceof FaissMemoryError))
    return { code: 'EMBEDDING_UNAVAILABLE', message, retryable: true };
  const { code, fix, retryable } = error;
  return { code, message, retryable, ...(fix === undefined ? {} : { fix }) };
}
