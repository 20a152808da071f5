// A dependency that prints, in the process and in every worker thread of it: loaded by NODE_OPTIONS=--import.
import { isMainThread } from 'node:worker_threads';

function print() {
  console.log('noise from console.log');
  console.info({ noise: 'an object' });
  process.stdout.write('noise without an end of line');
  process.stdout.write(Buffer.from('noise in bytes\n'));
}

function startPrinting() {
  print();
  setInterval(print, 5).unref();
}

if (isMainThread) {
  // The server takes stdout for the protocol before it listens; what printed earlier would come before any code of it.
  const listen = process.stdin.on.bind(process.stdin);
  process.stdin.on = (event, listener) => {
    if (event === 'data') startPrinting();
    return listen(event, listener);
  };
} else {
  startPrinting();
}
