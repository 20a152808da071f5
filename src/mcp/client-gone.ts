import type { Writable } from 'node:stream';

const PARENT_CHECK_MS = 500;
const SIGNALS = ['SIGTERM', 'SIGINT', 'SIGHUP'] as const;

/**
 * Resolves when the client is gone: end of stdin, a pipe that nobody reads, a signal, or the death of the parent,
 * which alone would not show where somebody else holds our pipes open. A second signal ends the process at once.
 */
export function clientGone(output: Writable): Promise<void> {
  return new Promise((resolve) => {
    const done = (): void => {
      clearInterval(watch);
      resolve();
    };
    const parent = process.ppid;
    const watch = setInterval(() => {
      if (process.ppid !== parent) done();
    }, PARENT_CHECK_MS).unref();
    process.stdin.once('end', done).once('close', done).once('error', done);
    output.once('error', done);
    for (const signal of SIGNALS) process.once(signal, done);
  });
}
