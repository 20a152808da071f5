// Prints the size of the part of the main thread's heap for new objects, as `new objects: 8 MiB`, each time that it has
// changed. Loaded by NODE_OPTIONS=--import.
import { getHeapSpaceStatistics } from 'node:v8';
import { isMainThread } from 'node:worker_threads';

let before = 0;
function look() {
  const { space_size: size } = getHeapSpaceStatistics().find(({ space_name: name }) => name === 'new_space');
  if (size !== before) process.stderr.write(`new objects: ${size / 1024 ** 2} MiB\n`);
  before = size;
}

if (isMainThread) setInterval(look, 10).unref();
