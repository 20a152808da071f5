import { Writable } from 'node:stream';
import { serveStdio, StdioServerTransport } from '@modelcontextprotocol/server/stdio';
import { settleWithin } from '../util/settle-within.ts';
import type { McpServices } from './define-tool.ts';
import { buildServer } from './server.ts';

/** How long calls that are under way may still take after the client has gone. */
const FINISH_LIMIT_MS = 1_500;
const PARENT_CHECK_MS = 1_000;

/**
 * Serves one client until it is gone: end of stdin, a closed pipe, SIGTERM, SIGINT, SIGHUP, or the death of the
 * parent. Calls under way get a moment to finish; what they wrote is kept in any case.
 */
export async function serveOverStdio(services: McpServices): Promise<void> {
  const stdout = takeStdout();
  const running = new Set<Promise<unknown>>();
  const hooks = {
    track: <T>(call: Promise<T>): Promise<T> => {
      const forget = (): void => {
        running.delete(call);
      };
      running.add(call);
      call.then(forget, forget);
      return call;
    },
    onUnexpected: (error: unknown): void => {
      process.stderr.write(`${error instanceof Error ? (error.stack ?? error.message) : String(error)}\n`);
    },
  };
  const gone = clientGone(stdout);
  const transport = new StdioServerTransport(process.stdin, stdout);
  const handle = serveStdio(() => buildServer(services, hooks), { transport, onerror: hooks.onUnexpected });
  await gone;
  await settleWithin(Promise.allSettled(running), FINISH_LIMIT_MS);
  await settleWithin(handle.close(), 100);
}

/**
 * Keeps stdout for the protocol: whatever else prints, a dependency or a forgotten console.log, goes to stderr.
 * @returns the one way to the real stdout
 */
function takeStdout(): Writable {
  const write = process.stdout.write.bind(process.stdout);
  const protocol = new Writable({
    decodeStrings: false,
    write(chunk: string | Uint8Array, _encoding, callback) {
      write(chunk, (error) => {
        callback(error);
      });
    },
  });
  process.stdout.write = process.stderr.write.bind(process.stderr);
  return protocol;
}

function clientGone(stdout: Writable): Promise<void> {
  return new Promise((resolve) => {
    const done = (): void => {
      resolve();
    };
    process.stdin.once('end', done).once('close', done).once('error', done);
    // A pipe that nobody reads any more. Without a listener the error would end the process at once.
    process.stdout.on('error', done);
    stdout.on('error', done);
    for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP'] as const) process.once(signal, done);
    const parent = process.ppid;
    setInterval(() => {
      if (process.ppid !== parent) done();
    }, PARENT_CHECK_MS).unref();
  });
}
