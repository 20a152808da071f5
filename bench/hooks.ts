// Measures the time that the hook of a prompt adds, with a server whose model is loaded, beside the bare start of Node.js:
// by the clock, which means something on a machine that does nothing else, and the time of processors, of both processes.
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
// Without the limit, which would cut what is measured.
const env = { ...process.env, MEMORY_DATA_DIR: folder, MEMORY_HOOKS_PROMPT_MS: '10000' };
/** Writes the processor time of a process, in microseconds, when it ends. */
const NOTE_USAGE = `--import=data:text/javascript,${encodeURIComponent(`
  import { writeSync } from 'node:fs';
  process.on('exit', () => {
    const { user, system } = process.cpuUsage();
    writeSync(3, String(user + system));
  });`)}`;
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
    const usage = { bare: [] as number[], hooks: [] as number[], server: [] as number[] };
    for (let round = 0; round < Number(flags.rounds); round += 1) {
      const { value: alone, processor: starting } = await counted(() => timed(['-e', '0'], ''));
      bare.push(alone.time);
      usage.bare.push(alone.processor);
      const input = JSON.stringify({ prompt: PROMPTS[round % PROMPTS.length], cwd: folder });
      const args = [program, 'hook', 'prompt', '--client', 'claude-code'];
      const { value: run, processor: both } = await counted(() => timed(args, input));
      const { time, output, processor } = run;
      hooks.push(time);
      usage.hooks.push(processor);
      // This process is the server, and the one that starts the others.
      usage.server.push(both - starting);
      answered.push(output !== '');
    }
    const [node, hooked] = [figures(bare), figures(hooks)];
    console.table({ 'node alone': node, 'hook prompt': hooked });
    console.log(`answered: ${answered.filter(Boolean).length} of ${answered.length}`);
    const added = hooks.map((time, place) => time - (bare[place] ?? 0));
    console.log(`added beyond the start of Node.js, ms: ${JSON.stringify(figures(added))}`);
    const { bare: node0, hooks: hook0, server } = usage;
    const work = hook0.map((time, place) => time - (node0[place] ?? 0) + (server[place] ?? 0));
    console.table({
      'processor, node alone': figures(node0),
      'processor, hook prompt': figures(hook0),
      'processor, server': figures(server),
      'processor, added by both': figures(work),
    });
  } finally {
    await app.close();
    rmSync(folder, { recursive: true, force: true });
  }
}

/** The processor time of this process while the work runs, in milliseconds. */
async function counted<Value>(work: () => Promise<Value>): Promise<{ value: Value; processor: number }> {
  const before = process.cpuUsage();
  const value = await work();
  const { user, system } = process.cpuUsage(before);
  return { value, processor: (user + system) / 1_000 };
}

/** Fills the cache of compiled code. */
function hook(prompt: string): void {
  spawnSync(process.execPath, [program, 'hook', 'prompt'], { env, input: JSON.stringify({ prompt }) });
}

interface Timed {
  /** Milliseconds, as is `processor`. */
  readonly time: number;
  readonly processor: number;
  readonly output: string;
}

function timed(args: readonly string[], input: string): Promise<Timed> {
  return new Promise((resolve, reject) => {
    const start = performance.now();
    const child = spawn(process.execPath, [NOTE_USAGE, ...args], {
      env,
      stdio: ['pipe', 'pipe', 'inherit', 'pipe'],
    });
    let output = '';
    let used = '';
    child.stdio[3]?.on('data', (piece) => (used += String(piece)));
    child.stdout?.on('data', (piece) => (output += String(piece)));
    child.on('error', reject);
    child.on('close', () => {
      resolve({ time: performance.now() - start, processor: Number(used) / 1_000, output });
    });
    child.stdin?.end(input);
  });
}

function figures(times: readonly number[]): { median: number; p95: number } {
  const sorted = [...times].sort((a, b) => a - b);
  const at = (part: number): number => Math.round(sorted[Math.floor(part * (sorted.length - 1))] ?? 0);
  return { median: at(0.5), p95: at(0.95) };
}

await main();
