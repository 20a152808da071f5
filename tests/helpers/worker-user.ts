/**
 * Starts the worker program of its first parameter, and does not end it. Waits for the answer and for what the thread
 * printed, which comes on a way of its own and would be lost at the end of the process.
 */
import { WorkerClient } from '../../src/util/worker-client.ts';

const client = new WorkerClient({
  program: process.argv[2] ?? '',
  data: undefined,
  onEnd: () => undefined,
  toError: (reason) => new Error(reason),
});
const write = process.stderr.write.bind(process.stderr);
const printed = new Promise<void>((resolve) => {
  process.stderr.write = (text: string | Uint8Array, ...rest: never[]): boolean => {
    const isAccepted = write(text, ...rest);
    resolve();
    return isAccepted;
  };
});
await client.call('print', ['printed in the thread']);
// Waiting for output keeps no process alive.
const alive = setTimeout(() => undefined, 30_000);
await printed;
clearTimeout(alive);
console.log('answered');
