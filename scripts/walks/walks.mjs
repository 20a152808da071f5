// Lists the files of src/ of which a function runs in each of five steps of a life of a memory; docs/architecture.md shows them.
// It runs the real program, compiled one module a file, worker threads included. Each step is done once before, so opening the
// store and loading the model do not count.
//   node scripts/build.mjs --no-types && node scripts/walks/walks.mjs
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import {
  copyFileSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, dirname, join, resolve } from 'node:path';
import process from 'node:process';
import { createInterface } from 'node:readline';
import { setTimeout as pause } from 'node:timers/promises';
import { instrument } from './instrument.mjs';

const root = mkdtempSync(join(tmpdir(), 'faiss-memory-walks-'));
const program = join(root, 'program');
for (const folder of ['program', 'bucket', 'home']) mkdirSync(join(root, folder));
for (const name of ['node_modules', 'models', 'vendor', 'package.json'])
  symlinkSync(resolve(name), join(program, name));
copyFileSync(resolve('scripts/walks/follow.mjs'), join(program, 'follow.mjs'));
instrument({ source: resolve('src'), target: program, follow: join(program, 'follow.mjs') });
for (const name of ['runtime', 'ui']) symlinkSync(resolve('dist', name), join(program, 'dist', name));

const environment = {
  PATH: process.env.PATH,
  HOME: join(root, 'home'),
  WALK_FOLDER: root,
  MEMORY_DATA_DIR: join(root, 'data'),
};
const remote = {
  CLOUD_SYNC_ENABLED: 'true',
  CLOUD_SYNC_PROVIDER: 'folder',
  CLOUD_SYNC_BUCKET: join(root, 'bucket'),
};
const results = [];

/** Runs the step once to warm everything up, and once noted under the name. */
async function walk(name, step) {
  await step(1);
  const file = `step-${results.length}`;
  writeFileSync(join(root, 'step'), file);
  await step(2);
  writeFileSync(join(root, 'step'), '');
  const files = readFileSync(join(root, `files-${file}`), 'utf8')
    .trim()
    .split('\n');
  results.push([name, [...new Set(files)].toSorted()]);
}

function start(parameters, added = {}) {
  return spawn(process.execPath, [join(program, 'dist', 'bin', 'faiss-memory.js'), ...parameters], {
    env: { ...environment, ...added },
    stdio: 'pipe',
  });
}

/** Runs `use` with a function that calls a tool of a stdio server. */
async function withTools(added, use) {
  const child = start(['serve'], added);
  child.stderr.resume();
  const waiting = new Map();
  createInterface({ input: child.stdout }).on('line', (line) => {
    const message = JSON.parse(line);
    waiting.get(message.id)?.(message);
  });
  const request = (method, params) =>
    new Promise((done) => {
      const id = waiting.size + 1;
      waiting.set(id, done);
      child.stdin.write(`${JSON.stringify({ jsonrpc: '2.0', id, method, params })}\n`);
    });
  const clientInfo = { name: 'walks', version: '1' };
  await request('initialize', { protocolVersion: '2025-06-18', capabilities: {}, clientInfo });
  await use(async (name, parameters) => {
    const { result, error } = await request('tools/call', { name, arguments: parameters });
    if (error !== undefined || result.isError) throw new Error(JSON.stringify(error ?? result));
    return result.structuredContent;
  });
  child.stdin.end();
  await once(child, 'exit');
}

/** Waits for the vectors of all memories. */
async function embedded(call) {
  for (let tries = 0; tries < 300; tries++) {
    const { embedding } = await call('memory_stats', {});
    if (embedding.pending === 0) return;
    await pause(100);
  }
  throw new Error('The vectors took more than 30 s.');
}

await withTools({}, async (call) => {
  const texts = [
    '',
    'Ada repairs the harbour lantern on Mondays',
    'The orchard beside the mill opens at nine',
  ];
  await walk("a memory's text", async (round) => {
    await call('memory_add', { text: texts[round] });
    // Its vectors are made in the background; asking for them would be another step.
    await pause(3_000);
  });
  await embedded(call);
  await walk('a query', async (round) => {
    await call('memory_search', { query: round === 1 ? 'harbour lantern' : 'when does the orchard open' });
  });
});
await withTools(remote, async (call) => {
  await walk('a change to the bucket', async (round) => {
    writeFileSync(join(root, 'step'), '');
    await call('memory_add', { text: `Change ${round} travels to the bucket` });
    await embedded(call);
    if (round === 2) writeFileSync(join(root, 'step'), `step-${results.length}`);
    await call('sync_upload', {});
  });
});
{
  const child = start(['serve', '--http', '--port', '0']);
  child.stdout.resume();
  const url = await new Promise((done) => {
    createInterface({ input: child.stderr }).on('line', (line) => {
      const found = /http:\/\/[\w.:[\]]+/.exec(line)?.[0];
      if (found !== undefined) done(found);
    });
  });
  const send = async (method, path, body) => {
    const headers = { 'content-type': 'application/json' };
    const answer = await fetch(new URL(path, url), { method, headers, body: JSON.stringify(body) });
    const text = await answer.text();
    if (!answer.ok) throw new Error(text);
    return text;
  };
  const [id] = /[0-9a-f]{8}-[0-9a-f-]{27}/.exec(await send('POST', '/memory/add', { text: 'To be changed' }));
  await walk('PATCH /memory/{id}', (round) => send('PATCH', `/memory/${id}`, { source: `place ${round}` }));
  child.kill('SIGTERM');
  await once(child, 'exit');
}
{
  // A command begins and ends with its step, so the files count that run more often than for a command without settings.
  const counts = [];
  for (const command of ['--version', 'config']) {
    const file = join(root, 'counts');
    const child = start([command], { MEMORY_TRASH_DAYS: '20', WALK_COUNTS: file });
    child.stdout.resume();
    await once(child, 'exit');
    counts.push(JSON.parse(readFileSync(file, 'utf8')));
  }
  const [before, shown] = counts;
  const files = Object.keys(shown).filter((file) => shown[file] > (before[file] ?? 0));
  results.push(['a setting', files.toSorted()]);
}
rmSync(root, { recursive: true, force: true });

for (const [name, files] of results) console.log(`| ${name} | ${files.length} |`);
for (const [name, files] of results) {
  const folders = new Map();
  for (const file of files)
    folders.set(dirname(file), [...(folders.get(dirname(file)) ?? []), basename(file, '.ts')]);
  const lists = [...folders].map(
    ([folder, list]) => `\`${folder === '.' ? 'src' : folder}\` ${list.join(', ')}`,
  );
  console.log(`- ${name}: ${lists.join(' · ')}`);
}
