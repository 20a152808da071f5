/** Starts the worker program of its first parameter, and neither ends it nor waits for it longer than it must. */
import { WorkerClient } from '../../src/util/worker-client.ts';

const client = new WorkerClient({
  program: process.argv[2] ?? '',
  data: undefined,
  onEnd: () => undefined,
  toError: (reason) => new Error(reason),
});
await client.call('print', ['printed in the thread']);
console.log('answered');
