// Measures the time that the hook of a prompt adds, with a server whose model is loaded, beside the bare start of Node.js.
//   npm run bench:hooks -- [--rounds 60] [--memories 1000]
import { spawn, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { createApp, resolveConfig } from 'faiss-memory';

const { values: flags } = parseArgs({
  options: { rounds: { type: 'string', default: '60' }, memories: { type: 'string', default: '1000' } },
});
const folder = mkdtempSync(join(tmpdir(), 'faiss-memory-hooks-'));
const program = join('dist', 'bin', 'faiss-memory.js');
const env = { ...process.env, MEMORY_DATA_DIR: folder, NO_COLOR: '1' };
const TOPICS = ['the staging server', 'the billing job', 'the search page', 'the release', 'the login form'];
const PROMPTS = TOPICS.map((topic, place) => `what did we decide about ${topic} number ${place * 7}?`);

async function main(): Promise<void> {
  const machine = { platform: process.platform, homeDirectory: folder, workingDirectory: process.cwd() };
  const app = await createApp(resolveConfig({ ...machine, env }).settings);
  for (let start = 0; start < Number(flags.memories); start += 100) {
    await app.memory.add({
      memories: Array.from({ length: 100 }, (_, place) => {
        const topic = TOPICS[place % TOPICS.length] ?? '';
        return { text: `We decided that ${topic} number ${start + place} uses port ${4000 + start + place}` };
      }),
    });
  }
  await app.memory.reembed();
  await app.memory.search({ query: 'the staging server' });
  try {
    hook(PROMPTS[0] ?? '');
    const [bare, hooks, answered] = [[] as number[], [] as number[], [] as boolean[]];
    for (let round = 0; round < Number(flags.rounds); round += 1) {
      bare.push(await timed(['-e', '0'], '').then(({ time }) => time));
      const input = JSON.stringify({ prompt: PROMPTS[round % PROMPTS.length], cwd: folder });
      const { time, output } = await timed([program, 'hook', 'prompt', '--client', 'claude-code'], input);
      hooks.push(time);
      answered.push(output !== '');
    }
    const [node, hooked] = [figures(bare), figures(hooks)];
    console.table({ 'node alone': node, 'hook prompt': hooked });
    console.log(`answered: ${answered.filter(Boolean).length} of ${answered.length}`);
    const added = hooks.map((time, place) => time - (bare[place] ?? 0));
    console.log(`added beyond the start of Node.js: ${JSON.stringify(figures(added))}`);
  } finally {
    await app.close();
    rmSync(folder, { recursive: true, force: true });
  }
}

/** Fills the cache of compiled code. */
function hook(prompt: string): void {
  spawnSync(process.execPath, [program, 'hook', 'prompt'], { env, input: JSON.stringify({ prompt }) });
}

function timed(args: readonly string[], input: string): Promise<{ time: number; output: string }> {
  return new Promise((resolve, reject) => {
    const start = performance.now();
    const child = spawn(process.execPath, args, { env, stdio: ['pipe', 'pipe', 'inherit'] });
    let output = '';
    child.stdout.on('data', (piece) => (output += String(piece)));
    child.on('error', reject);
    child.on('close', () => {
      resolve({ time: performance.now() - start, output });
    });
    child.stdin.end(input);
  });
}

function figures(times: readonly number[]): { median: number; p95: number } {
  const sorted = [...times].sort((a, b) => a - b);
  const at = (part: number): number => Math.round(sorted[Math.floor(part * (sorted.length - 1))] ?? 0);
  return { median: at(0.5), p95: at(0.95) };
}

await main();
