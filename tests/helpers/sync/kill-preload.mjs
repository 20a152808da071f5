// Kills its own process with SIGKILL at a step, loaded by NODE_OPTIONS=--import. A step is a change of a file, a
// message to the thread of the database, or a request of the network. KILL_AT is the number of the step, from 1;
// each step is also written to the file KILL_LOG.
import { appendFileSync } from 'node:fs';
import filePromises from 'node:fs/promises';
import http from 'node:http';
import { syncBuiltinESMExports } from 'node:module';
import { isMainThread, Worker } from 'node:worker_threads';

const killAt = Number(process.env.KILL_AT ?? 0);
const log = process.env.KILL_LOG;
const changes = ['open', 'writeFile', 'rename', 'link', 'unlink', 'mkdir', 'rmdir', 'rm'];
let step = 0;

function take(name) {
  step += 1;
  if (log !== undefined) appendFileSync(log, `${name}\n`);
  if (step === killAt) process.kill(process.pid, 'SIGKILL');
}

if (isMainThread) {
  for (const name of changes) {
    const original = filePromises[name];
    filePromises[name] = (...given) => {
      take(`file ${name}`);
      return original(...given);
    };
  }
  const send = Worker.prototype.postMessage;
  Worker.prototype.postMessage = function (message, ...rest) {
    // Sent first, so that the other thread may be in the middle of it when the process dies.
    send.call(this, message, ...rest);
    take(`message ${message?.method ?? ''}`);
  };
  const ask = http.request;
  http.request = (...given) => {
    take(`request ${given[0]?.method ?? ''}`);
    return ask(...given);
  };
  syncBuiltinESMExports();
}
