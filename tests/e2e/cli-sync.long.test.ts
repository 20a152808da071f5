import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { temporaryFolder } from '../helpers/mcp/server-environment.ts';
import { type ProgramRun, runProgram } from '../helpers/run-program.ts';

interface Machine {
  readonly run: (...args: readonly string[]) => Promise<ProgramRun>;
  /** The result with `--json`. */
  readonly ask: <Result>(...args: readonly string[]) => Promise<Result>;
}

function machine(env: Readonly<Record<string, string>> = {}): Machine {
  const dataDir = temporaryFolder();
  const run = (...args: readonly string[]): Promise<ProgramRun> => runProgram(args, { dataDir, env });
  const ask = async <Result>(...args: readonly string[]): Promise<Result> =>
    JSON.parse((await run(...args, '--json')).stdout) as Result;
  return { run, ask };
}

function remote(): Record<string, string> {
  const folder = join(temporaryFolder(), 'nas');
  mkdirSync(folder);
  return { CLOUD_SYNC_ENABLED: 'on', CLOUD_SYNC_PROVIDER: 'folder', CLOUD_SYNC_BUCKET: folder };
}

interface Backups {
  readonly backups: readonly { readonly kind?: string }[];
}

test('a backup is made, pinned, checked and restored; the restore is undone', async () => {
  const { run, ask } = machine();
  await run('add', 'Ada likes tea');
  const made = await ask<{ snapshot: string }>('backup', '--name', 'Before cleanup', '--pin');
  const name = made.snapshot;
  expect(name).toMatch(/^before_cleanup_\d{8}_\d{6}$/);
  expect((await ask<Backups>('backup', 'list')).backups).toContainEqual(
    expect.objectContaining({ name, pinned: true }),
  );
  await ask('backup', 'unpin', name);
  expect((await ask<Backups>('backup', 'list')).backups).not.toContainEqual(
    expect.objectContaining({ pinned: true }),
  );
  expect(await ask('backup', 'verify', '--level', 'drill')).toMatchObject({ problems: [] });
  await run('add', 'a passing thought');
  const refused = await run('restore', name);
  expect(refused.code).toBe(2);
  expect(refused.stderr).toContain('1 removed');
  expect(refused.stderr).toContain('a passing thought');
  expect(refused.stderr).toContain('Add --yes');
  const dry = await ask<{ confirm: string }>('restore', name, '--dry-run');
  expect(await ask('stats')).toMatchObject({ live: 2 });
  const done = await ask<{ undo: string }>('restore', name, '--confirm', dry.confirm);
  expect(await ask('stats')).toMatchObject({ live: 1, trash: 1 });
  const stale = await run('restore', name, '--confirm', dry.confirm);
  expect([stale.code, stale.stderr]).toEqual([1, expect.stringContaining('changed since the dry run')]);
  expect(await ask('restore', done.undo, '--yes')).toMatchObject({ applied: true });
  expect(await ask('stats')).toMatchObject({ live: 2 });
});

test('two machines meet at one remote', async () => {
  const env = remote();
  const [one, two] = [machine(env), machine(env)];
  expect(await one.ask('sync', 'doctor')).toMatchObject({ usable: true });
  await one.run('add', 'on the first machine');
  await two.run('add', 'on the second machine');
  expect(await one.ask('sync', 'push')).toMatchObject({ uploaded: true, upload: 'pushed', memories: 1 });
  await two.run('sync', 'push');
  expect(await one.ask('sync', 'status')).toMatchObject({ relation: 'behind', unsent: 0 });
  expect(await one.ask('sync', 'pull', '--dry-run')).toMatchObject({ applied: false, added: 1 });
  const pulled = await one.run('sync', 'pull');
  expect([pulled.code, pulled.stdout]).toEqual([
    0,
    expect.stringMatching(/^Merged .*: 1 added, 0 changed, 0 removed/),
  ]);
  await one.run('sync', 'push');
  await two.run('sync', 'pull');
  await two.run('sync', 'push');
  const [first, second] = await Promise.all([
    one.ask<{ state: string; relation: string }>('sync', 'status'),
    two.ask<{ state: string; relation: string }>('sync', 'status'),
  ]);
  expect([first.relation, second.relation]).toEqual(['in-sync', 'in-sync']);
  expect(first.state).toBe(second.state);
  expect((await one.run('sync', 'status')).stdout).toMatch(
    /reachable +yes, observed (just now|\d+ minutes? ago)/,
  );
  expect((await one.ask<{ machines: unknown[] }>('sync', 'machines')).machines).toHaveLength(2);
  expect((await one.run('sync', 'snapshots')).stdout).toContain('SNAPSHOT');
  expect(await one.ask('sync', 'verify', '--level', 'content')).toMatchObject({ problems: [] });
});

test('a new machine is filled from the remote, and set back to a snapshot of another one', async () => {
  const env = remote();
  const old = machine(env);
  await old.run('add', 'worth keeping');
  const { snapshot: name } = await old.ask<{ snapshot: string }>('backup');
  const fresh = machine(env);
  await fresh.run('sync', 'pull');
  expect(await fresh.ask('stats')).toMatchObject({ live: 1 });
  await fresh.run('add', 'not worth keeping');
  expect(await fresh.ask('sync', 'restore', name, '--yes')).toMatchObject({ applied: true, removed: 1 });
  expect(await fresh.ask('restore', name, '--from', 'remote', '--merge')).toMatchObject({ mode: 'merge' });
  expect(await fresh.ask('stats')).toMatchObject({ live: 1 });
});

test('sync that is off or wrong says so, with the remedy', async () => {
  const off = machine();
  const pushed = await off.run('sync', 'push');
  expect([pushed.code, pushed.stderr]).toEqual([2, expect.stringContaining('CLOUD_SYNC_ENABLED=true')]);
  const status = await off.run('sync', 'status');
  expect([status.code, status.stdout]).toEqual([0, expect.stringMatching(/^sync +off/)]);
  expect((await off.run('sync', 'nonsense')).code).toBe(2);
  expect((await off.run('sync')).stdout).toContain('Commands:');
  const env = remote();
  const lost = machine({ ...env, CLOUD_SYNC_BUCKET: `${env['CLOUD_SYNC_BUCKET'] ?? ''}/missing` });
  await lost.run('add', 'something');
  const failed = await lost.run('backup');
  expect([failed.code, failed.stderr]).toEqual([
    1,
    expect.stringMatching(/was made on this machine, but not uploaded: .*no-bucket/),
  ]);
  expect((await lost.ask<Backups>('backup', 'list')).backups.length).toBeGreaterThan(0);
  expect((await lost.run('sync', 'status')).code).toBe(1);
  expect((await lost.run('sync', 'doctor')).stdout).toContain('--create-bucket');
  expect((await lost.run('sync', 'doctor', '--create-bucket')).code).toBe(0);
  expect((await lost.run('sync', 'push')).code).toBe(0);
});

test('secrets are never shown by config', async () => {
  const { run } = machine({ ...remote(), CLOUD_SYNC_PASSPHRASE: 'seven tired herons' });
  const { stdout } = await run('config');
  expect(stdout).toMatch(/sync\.passphrase +\[redacted\] +environment variable CLOUD_SYNC_PASSPHRASE/);
  expect(stdout).not.toContain('herons');
});

test('old snapshots are removed only when asked for', async () => {
  const { run, ask } = machine(remote());
  for (const text of ['one', 'two', 'three']) {
    await run('add', text);
    await run('backup');
  }
  const keep = ['--keep-last', '1', '--hourly', '0', '--daily', '0', '--weekly', '0', '--monthly', '0'];
  expect((await run('backup', 'prune', ...keep)).code).toBe(2);
  const pruned = await ask<{ dropped: unknown[] }>('backup', 'prune', ...keep, '--yes');
  expect(pruned.dropped.length).toBeGreaterThan(1);
  const { backups } = await ask<Backups>('backup', 'list');
  expect(backups.length).toBeGreaterThan(0);
  // What a command makes by itself at its end, and what the user makes, are counted apart.
  const byHand = backups.map(({ kind }) => kind === 'manual');
  expect(byHand).toEqual([...new Set(byHand)]);
  expect(await ask('sync', 'prune', ...keep, '--yes')).toMatchObject({ append_only: false });
  const { snapshots } = await ask<{ snapshots: unknown[] }>('sync', 'snapshots');
  expect(snapshots.length).toBeLessThanOrEqual(backups.length);
});
