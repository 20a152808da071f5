import type { Writable } from 'node:stream';

const PARENT_CHECK_MS = 500;
const SIGNALS = ['SIGTERM', 'SIGINT', 'SIGHUP'] as const;

/** Two ways in which a client leaves. Each promise resolves once; a killed process may never see the end of input. */
export interface Departure {
  /** The client sends nothing more, and may still read: the end of stdin, or any of `killed`. */
  readonly silent: Promise<void>;
  /**
   * Nobody waits any more: a signal, a pipe that nobody reads, or the death of the parent, which alone would not show
   * where somebody else holds our pipes open. A second signal ends the process at once.
   */
  readonly killed: Promise<void>;
}

/** Watches from now on. */
export function watchClient(output: Writable): Departure {
  const killed = new Promise<void>((resolve) => {
    const done = (): void => {
      clearInterval(watch);
      resolve();
    };
    const parent = process.ppid;
    const watch = setInterval(() => {
      if (process.ppid !== parent) done();
    }, PARENT_CHECK_MS).unref();
    output.once('error', done);
    for (const signal of SIGNALS) process.once(signal, done);
  });
  const ended = new Promise<void>((resolve) => {
    for (const event of ['end', 'close', 'error']) {
      process.stdin.once(event, () => {
        resolve();
      });
    }
  });
  return { silent: Promise.race([ended, killed]), killed };
}
