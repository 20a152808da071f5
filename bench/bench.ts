// Measures times and sizes, each beside a reference in the same run, against the budgets in docs/architecture.md:
//   npm run bench -- [--quick | --long] [--only start,store | --team | --large] [--profile]
// Prints a table and writes bench/results/bench.json.
// --quick: up to 10,000 memories. --long: up to 300,000, and ten minutes of steady load instead of one.
// --team: only the group `team`, which needs PostgreSQL and is in no other run unless --only names it.
// --large: only the group `large`, with up to a million memories; in no other run unless --only names it, too.
// --publish: writes docs/performance.json too, of which `npm run docs` makes docs/performance.md and its picture. Rows of
//   groups that were not measured stay.
// --profile: the programs that are measured write CPU profiles of all their threads into bench/results/profiles.
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { format, resolveConfig } from 'prettier';
import { Growth } from './groups/growth.ts';
import { httpRows } from './groups/http.ts';
import { largeRows } from './groups/large.ts';
import { peerRows } from './groups/peers.ts';
import { sharedRows } from './groups/shared.ts';
import { startRows, tokenRows } from './groups/start.ts';
import { hybridRows, memoryRows, modelRows, writeRows } from './groups/store.ts';
import { syncRows } from './groups/sync.ts';
import { teamRows } from './groups/team.ts';
import { filledApp } from './lib/filled-app.ts';
import { load, machineFacts } from './lib/machine.ts';
import { PROFILES } from './lib/measured-program.ts';
import {
  ASKED_FOR,
  type Group,
  type GroupedRow,
  GROUPS,
  joinedResults,
  type Results,
} from './lib/results.ts';
import type { Row } from './lib/row.ts';

const usual = (Object.keys(GROUPS) as Group[]).filter((group) => !ASKED_FOR.includes(group));
const { values: flags } = parseArgs({
  options: {
    quick: { type: 'boolean', default: false },
    long: { type: 'boolean', default: false },
    profile: { type: 'boolean', default: false },
    publish: { type: 'boolean', default: false },
    team: { type: 'boolean', default: false },
    large: { type: 'boolean', default: false },
    only: { type: 'string', default: usual.join() },
  },
});
const asked = ASKED_FOR.filter((group) => flags[group as 'team' | 'large']);
const only = asked.length > 0 ? asked : flags.only.split(',').map((name) => name.trim());
const unknown = only.filter((name) => !Object.keys(GROUPS).includes(name));
if (unknown.length > 0)
  throw new Error(`--only has ${unknown.join()}; allowed are ${Object.keys(GROUPS).join(', ')}`);
const wants = (group: Group): boolean => only.includes(group);

const rows: GroupedRow[] = [];
const reportOf =
  (group: Group) =>
  (row: Row): void => {
    rows.push({ group, ...row });
    console.error(
      `${row.ok ? 'ok  ' : 'OVER'} ${row.what}: ${row.measured} (budget ${row.budget}; reference ${row.reference})`,
    );
  };
const growth = new Growth();

async function measureStores(): Promise<void> {
  const sizes = flags.quick
    ? [1_000, 10_000]
    : flags.long
      ? [1_000, 10_000, 100_000, 300_000]
      : [1_000, 10_000, 100_000];
  for (const memories of sizes.filter((size) => isNeeded(size))) {
    const filled = await filledApp(memories);
    const { dataDir } = filled;
    if (memories === 10_000) {
      if (wants('start')) await startRows(reportOf('start'), flags.quick ? 5 : 15, { dataDir, memories });
      if (wants('shared')) await sharedRows(reportOf('shared'), { dataDir, memories });
      if (wants('store')) {
        await hybridRows(filled, reportOf('store'), { memories, budget: 10 });
        await writeRows(filled, reportOf('store'));
      }
    }
    if (memories === 100_000) {
      if (wants('store')) await hybridRows(filled, reportOf('store'), { memories, budget: 50 });
      if (wants('memory')) await memoryRows(reportOf('memory'), { dataDir, memories });
    }
    if (wants('growth')) await growth.measure(filled, memories);
    if (memories === 10_000 && wants('http')) {
      await httpRows(dataDir, reportOf('http'), { flatSeconds: flags.long ? 600 : flags.quick ? 20 : 60 });
    }
    await filled.close();
  }
  growth.report(reportOf('growth'));
}

/** Whether a store of this size is measured by a wanted group. */
function isNeeded(memories: number): boolean {
  if (wants('growth')) return true;
  if (memories === 10_000) return wants('start') || wants('shared') || wants('store') || wants('http');
  return memories === 100_000 && (wants('store') || wants('memory'));
}

async function measure(): Promise<void> {
  if (wants('tokens')) await tokenRows(reportOf('tokens'));
  if (wants('peers')) await peerRows(reportOf('peers'));
  await measureStores();
  if (wants('model')) {
    await modelRows(reportOf('model'), { runtime: 'wasm', budget: 30, addRatio: 1.15 });
    await modelRows(reportOf('model'), { runtime: 'native', budget: 12, addRatio: 2 });
  }
  if (wants('large')) await largeRows(reportOf('large'));
  if (wants('team')) await teamRows(reportOf('team'), { isQuick: flags.quick });
  if (wants('sync')) await syncRows(flags.quick ? 10_000 : 100_000, reportOf('sync'));
}

/** The same run in a process whose threads are profiled. */
function runProfiled(): number {
  rmSync(PROFILES, { recursive: true, force: true });
  const flag = `--cpu-prof --cpu-prof-dir=${PROFILES}`;
  const script = process.argv[1] ?? '';
  const rest = process.argv.slice(2).filter((argument) => argument !== '--profile');
  const { status } = spawnSync(process.execPath, [...flag.split(' '), script, ...rest], {
    stdio: 'inherit',
    env: { ...process.env, BENCH_PROFILES: PROFILES },
  });
  console.error(
    `Profiles of every process and thread: ${PROFILES} (open them in the developer tools of a browser)`,
  );
  return status ?? 1;
}

async function main(): Promise<number> {
  if (flags.profile) return runProfiled();
  const before = load();
  await measure();
  console.table(rows);
  const results: Results = {
    date: new Date().toISOString().slice(0, 10),
    machine: { ...machineFacts(), loadBefore: before, loadAfter: load() },
    rows,
    growth: growth.slopes,
  };
  mkdirSync('bench/results', { recursive: true });
  const text = `${JSON.stringify(results, null, 2)}\n`;
  writeFileSync(join('bench', 'results', 'bench.json'), text);
  if (flags.publish) await publish(results);
  return 0;
}

async function publish(results: Results): Promise<void> {
  const path = join('docs', 'performance.json');
  const before = JSON.parse(readFileSync(path, 'utf8')) as Results;
  const measured = (Object.keys(GROUPS) as Group[]).filter((group) => wants(group));
  const json = JSON.stringify(joinedResults(before, results, measured), null, 2);
  // In the repository's own format, so that its check passes without a further command.
  writeFileSync(path, await format(json, { ...(await resolveConfig(path)), parser: 'json' }));
}

process.exitCode = await main();
