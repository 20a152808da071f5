// Builds the program and starts the HTTP server with its own data folder. Repeats both after each change in src.
//   node scripts/dev.mjs [arguments of faiss-memory instead of "serve --http"]
import { spawn, spawnSync } from 'node:child_process';
import { mkdirSync, watch } from 'node:fs';
import { join } from 'node:path';

const SETTLE_MS = 200;
const parameters = process.argv.length > 2 ? process.argv.slice(2) : ['serve', '--http'];
const dataDir = process.env.MEMORY_DATA_DIR ?? join(process.cwd(), '.cache', 'debug-data');
mkdirSync(dataDir, { recursive: true });

let server;
let timer;

function stop() {
  return new Promise((resolve) => {
    if (server === undefined || server.exitCode !== null || server.signalCode !== null) return resolve();
    server.once('exit', resolve);
    server.kill('SIGTERM');
  });
}

async function restart() {
  const build = spawnSync(process.execPath, ['scripts/build.mjs', '--no-types', '--source-maps'], {
    stdio: 'inherit',
  });
  if (build.status !== 0) return;
  await stop();
  server = spawn(process.execPath, ['--enable-source-maps', 'dist/bin/faiss-memory.js', ...parameters], {
    stdio: 'inherit',
    env: { ...process.env, MEMORY_DATA_DIR: dataDir },
  });
}

let work = restart();
const watcher = watch('src', { recursive: true }, () => {
  clearTimeout(timer);
  timer = setTimeout(() => {
    work = work.then(restart);
  }, SETTLE_MS);
});
for (const signal of ['SIGINT', 'SIGTERM']) {
  process.once(signal, () => {
    clearTimeout(timer);
    watcher.close();
    void work.then(stop);
  });
}
