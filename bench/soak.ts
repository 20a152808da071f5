// Measures whether the memory of a server is flat: mixed requests over HTTP on 10,000 memories, with the real model.
//   npm run bench:soak -- [--minutes 60] [--program FOLDER] [--runtime wasm]      prints a line for each minute
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { randomNumbers } from './lib/filled-app.ts';
import { HttpProcess } from './lib/http-process.ts';

const { values } = parseArgs({
  options: {
    minutes: { type: 'string', default: '60' },
    program: { type: 'string', default: '.' },
    runtime: { type: 'string', default: 'wasm' },
  },
});
const MEMORIES = 10_000;
/** Between two requests: about 120 a minute, the pace of a few busy assistants. */
const PAUSE_MS = 500;
/** The model, the index and the caches are filled in the first minutes. */
const WARM_MINUTES = 5;

const random = randomNumbers(16);
const vocabulary = [
  ...new Set(
    readFileSync('README.md', 'utf8')
      .toLowerCase()
      .match(/[a-z]{3,}/g),
  ),
];
const words = (count: number): string =>
  Array.from({ length: count }, () => vocabulary[Math.floor(random() * vocabulary.length)]).join(' ');

const dataDir = mkdtempSync(join(tmpdir(), 'faiss-memory-soak-'));

async function run(args: readonly string[], env: Record<string, string> = {}): Promise<void> {
  const program = join(values.program, 'dist', 'bin', 'faiss-memory.js');
  const child = spawn(process.execPath, [program, ...args, '--data-dir', dataDir], {
    env: { ...process.env, ...env },
    stdio: ['ignore', 'ignore', 'inherit'],
  });
  await once(child, 'exit');
}

async function fill(): Promise<void> {
  const file = join(dataDir, 'memories.jsonl');
  const lines = Array.from({ length: MEMORIES }, (_, index) =>
    JSON.stringify({ text: words(20), tags: [`tag${index % 50}`] }),
  );
  writeFileSync(file, lines.join('\n'));
  await run(['import', file]);
  await run(['reembed']);
}

const added: string[] = [];

/** One request: half are searches, the rest adds, gets and deletes, so that the store keeps its size. */
async function request(address: string, round: number): Promise<void> {
  const post = async (path: string, body: object): Promise<unknown> => {
    const headers = { 'Content-Type': 'application/json' };
    return answer(await fetch(address + path, { method: 'POST', headers, body: JSON.stringify(body) }));
  };
  const kind = round % 8;
  if (kind < 3) await post('/search', { query: words(6), mode: 'hybrid' });
  else if (kind === 3) await post('/search', { query: words(3), mode: 'keyword' });
  else if (kind < 6) {
    const { id } = (await post('/memory/add', { text: words(25) })) as { id?: string };
    if (id !== undefined) added.push(id);
  } else if (kind === 6 && added[0] !== undefined) await answer(await fetch(`${address}/memory/${added[0]}`));
  else {
    for (const id of added.splice(0, 2))
      await answer(await fetch(`${address}/memory/${id}`, { method: 'DELETE' }));
  }
}

async function answer(response: Response): Promise<unknown> {
  if (!response.ok) throw new Error(`${response.url}: ${response.status} ${await response.text()}`);
  return response.json();
}

/** MB a hour, by least squares. */
function slope(points: readonly { minute: number; rss: number }[]): number {
  const mean = (of: (point: { minute: number; rss: number }) => number): number =>
    points.reduce((sum, point) => sum + of(point), 0) / points.length;
  const [x, y] = [mean(({ minute }) => minute), mean(({ rss }) => rss)];
  const covariance = mean(({ minute, rss }) => (minute - x) * (rss - y));
  return (60 * covariance) / mean(({ minute }) => (minute - x) ** 2);
}

await fill();
process.env['MEMORY_EMBEDDING_RUNTIME'] = values.runtime;
const server = await HttpProcess.start(dataDir, values.program);
const points: { minute: number; rss: number }[] = [];
const start = performance.now();
let round = 0;
for (let minute = 1; minute <= Number(values.minutes); minute += 1) {
  while (performance.now() - start < minute * 60_000) {
    await request(server.address, round);
    round += 1;
    await sleep(PAUSE_MS);
  }
  points.push({ minute, rss: server.rss });
  console.log(`minute ${minute}: ${server.rss.toFixed(0)} MB after ${round} requests`);
}
const steady = points.slice(WARM_MINUTES);
if (steady.length > 1)
  console.log(`slope ${slope(steady).toFixed(1)} MB an hour, after minute ${WARM_MINUTES}`);
await server.stop();
rmSync(dataDir, { recursive: true });
