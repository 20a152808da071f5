import { Writable } from 'node:stream';

/**
 * Keeps stdout for the protocol: whatever else prints, a dependency or a forgotten console.log, goes to stderr
 * from now on.
 * @returns the one way to the real stdout; its `error` tells that nobody reads any more
 */
export function guardStdout(): Writable {
  const { stdout, stderr } = process;
  const writeReally = stdout.write.bind(stdout);
  const guarded = new Writable({
    decodeStrings: false,
    write(chunk: string | Uint8Array, _encoding, callback) {
      writeReally(chunk, (error) => {
        callback(error);
      });
    },
  });
  stdout.write = stderr.write.bind(stderr);
  // Without listeners, a pipe that was closed on the other side would end the process in the middle of its work.
  stdout.on('error', (error: Error) => guarded.destroy(error));
  stderr.on('error', () => undefined);
  return guarded;
}
