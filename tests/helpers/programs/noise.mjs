// Preloaded into a server (NODE_OPTIONS=--import): prints like a careless dependency, in the main thread once
// SIGUSR2 has come, in workers from the start.
import { isMainThread } from 'node:worker_threads';

function makeNoise() {
  console.log('noise by console.log');
  process.stdout.write('noise by stdout.write\n');
}

if (isMainThread) process.on('SIGUSR2', () => setInterval(makeNoise, 5).unref());
else setInterval(makeNoise, 5).unref();
