// A short life of a process with a hosted store. Arguments: data folder, what to do.
import { syncBuiltinESMExports } from 'node:module';
import threads, { type WorkerOptions } from 'node:worker_threads';
import { draft } from './drafts.ts';

export type StoreLife = 'leave open' | 'do not await' | 'print in the worker' | 'kill the worker';

const [dataDir = '', how = ''] = process.argv.slice(2);
const workers: threads.Worker[] = [];

const PRINT_BEFORE_EACH_ANSWER = `
  import { parentPort } from 'node:worker_threads';
  const answer = parentPort.postMessage.bind(parentPort);
  parentPort.postMessage = (message) => {
    console.log('printed in the worker');
    answer(message);
  };
`;

/** Lets this program reach into worker threads that it does not start itself. */
class WatchedWorker extends threads.Worker {
  constructor(file: string | URL, options: WorkerOptions = {}) {
    const print = ['--import', `data:text/javascript,${encodeURIComponent(PRINT_BEFORE_EACH_ANSWER)}`];
    super(file, how === 'print in the worker' ? { ...options, execArgv: print } : options);
    workers.push(this);
  }
}

threads.Worker = WatchedWorker;
syncBuiltinESMExports();
const { startWorkerMemoryStore } = await import('../../src/store/worker/client.ts');
const store = startWorkerMemoryStore({ dataDir });

async function add(): Promise<void> {
  const outcomes = await store.add([draft('a memory')]);
  console.log('added', outcomes.length);
}

if (how === 'kill the worker') {
  const doomed = add().catch((error: unknown) => {
    console.log(error instanceof Error ? error.name : error);
  });
  await new Promise(setImmediate);
  await workers[0]?.terminate();
  await doomed;
}
const added = add();
if (how !== 'do not await') await added;
