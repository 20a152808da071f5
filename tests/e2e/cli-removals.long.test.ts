import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { temporaryFolder } from '../helpers/mcp/server-environment.ts';
import { runProgram, type ProgramRun } from '../helpers/run-program.ts';

const IDS = Array.from({ length: 60 }, (_, index) => `0198c0de-0000-7000-8000-0000000000${10 + index}`);

interface Machine {
  readonly run: (args: readonly string[], input?: string) => Promise<ProgramRun>;
  /** The result with `--json`. */
  readonly ask: <Result>(...args: readonly string[]) => Promise<Result>;
}

function machine(env: Readonly<Record<string, string>>): Machine {
  const dataDir = temporaryFolder();
  const run: Machine['run'] = (args, input = '') => runProgram(args, { dataDir, env, input });
  const ask = async <Result>(...args: readonly string[]): Promise<Result> =>
    JSON.parse((await run([...args, '--json'])).stdout) as Result;
  return { run, ask };
}

/** Two machines with the same 60 memories. */
async function twoMachines(
  more: Readonly<Record<string, string>> = {},
): Promise<readonly [Machine, Machine]> {
  const folder = join(temporaryFolder(), 'nas');
  mkdirSync(folder);
  const env = { CLOUD_SYNC_ENABLED: 'on', CLOUD_SYNC_PROVIDER: 'folder', CLOUD_SYNC_BUCKET: folder };
  const [one, two] = [machine(env), machine({ ...env, ...more })];
  const lines = IDS.map((id, index) => JSON.stringify({ id, text: `note ${index}` }));
  await one.run(['import', '-'], lines.join('\n'));
  await one.run(['sync', 'push']);
  await two.run(['sync', 'pull']);
  return [one, two];
}

async function erase({ run }: Machine, from: number, to: number): Promise<void> {
  await run(['delete', '--purge', '--yes', ...IDS.slice(from, to)]);
  await run(['sync', 'push']);
}

async function stateOf({ ask }: Machine): Promise<string> {
  return (await ask<{ state: string }>('stats')).state;
}

test('another machine erases 20 of 60 memories three times: the first ones are hidden, the others wait', async () => {
  const [one, two] = await twoMachines();
  await erase(one, 0, 20);
  expect(await two.ask('sync', 'pull')).toMatchObject({ applied: true, removed: 20 });
  expect(await two.ask('stats')).toMatchObject({ live: 40, trash: 0, hidden: 20 });
  expect(await stateOf(two)).toBe(await stateOf(one));
  await erase(one, 20, 40);
  const held = await two.run(['sync', 'pull']);
  expect(held.code).toBe(2);
  expect(held.stderr).toContain('removes 20 memories, after 20 that merges removed in the last 24 hours');
  await erase(one, 40, 60);
  const asked = await two.run(['sync', 'pull']);
  expect(asked.stderr).toContain('40 removed');
  expect(await two.ask('sync', 'status')).toMatchObject({ held_removals: 40, removed_lately: 20 });
  expect(await two.ask('stats')).toMatchObject({ live: 40, hidden: 20 });
  expect((await two.run(['doctor'])).stdout).toContain('20 memories erased by other machines');
  const trash = await two.ask<{ memories: object[]; total: number }>('list', '--trash', '-n', '100');
  expect(trash.total).toBe(20);
  const { machine: eraser } = await one.ask<{ machine: string }>('stats');
  expect(await two.ask('sync', 'pull', '--dry-run')).toMatchObject({ applied: false, removed: 40 });
  expect(await two.ask('sync', 'pull', '--yes')).toMatchObject({ applied: true, removed: 40 });
  expect(await two.ask('stats')).toMatchObject({ live: 0, hidden: 60 });
  expect(await stateOf(two)).toBe(await stateOf(one));
  expect(trash.memories[0]).toMatchObject({
    state: 'purged',
    erased_by: eraser,
    text: expect.stringMatching(/^note/) as string,
  });
});

test('what another machine erased is brought back, confirmed, or restored from the own backup', async () => {
  const [one, two] = await twoMachines();
  const { snapshot } = await two.ask<{ snapshot: string }>('backup', '--name', 'whole', '--pin');
  await two.run(['delete', '--purge', '--yes', IDS[30] ?? '']);
  await erase(one, 0, 10);
  await two.run(['sync', 'pull']);
  expect((await two.run(['restore-deleted', IDS[0] ?? ''])).stdout).toContain('1 memory is back');
  await two.run(['delete', '--purge', '--yes', IDS[1] ?? '']);
  expect(await two.ask('stats')).toMatchObject({ live: 50, hidden: 8 });
  const dryRun = await two.run(['restore', snapshot, '--dry-run']);
  expect(dryRun.stdout).toMatch(/8 added, .* 2 stay erased, 8 that other machines erased come back/);
  expect(dryRun.stdout).toContain('brings back 8 memories that other machines had erased for good');
  await two.run(['restore', snapshot, '--yes']);
  expect(await two.ask('stats')).toMatchObject({ live: 58 });
  await two.run(['sync', 'push']);
  await one.run(['sync', 'pull']);
  await one.run(['sync', 'push']);
  await two.run(['sync', 'pull']);
  expect(await one.ask('stats')).toMatchObject({ live: 58 });
  expect(await stateOf(two)).toBe(await stateOf(one));
});

test('with MEMORY_HIDDEN_DAYS=0 the erasure by another machine takes effect at once', async () => {
  const [one, two] = await twoMachines({ MEMORY_HIDDEN_DAYS: '0' });
  await erase(one, 0, 10);
  await two.run(['sync', 'pull']);
  expect(await two.ask('list', '--trash')).toMatchObject({ total: 0 });
  expect((await two.run(['restore-deleted', IDS[0] ?? ''])).stderr).toContain('erased');
  expect(await stateOf(two)).toBe(await stateOf(one));
});
