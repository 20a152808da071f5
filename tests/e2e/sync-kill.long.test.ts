import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { FolderBlobStore } from '../../src/blob/folder/folder-blob-store.ts';
import { packagePath } from '../../src/util/package.ts';
import { temporaryFolder } from '../helpers/mcp/server-environment.ts';
import { versitygw } from '../helpers/servers/versitygw.ts';
import { type BucketServer, startBucketServer, type TestBucket } from '../helpers/sync/bucket-server.ts';
import { readAsStranger } from '../helpers/sync/complete-snapshots.ts';
import { type MachineRun, SyncMachine } from '../helpers/sync/sync-machine.ts';

const PRELOAD = `--import ${packagePath('tests', 'helpers', 'sync', 'kill-preload.mjs')}`;

/** Runs a command to its end. @returns its steps by name, as `runKilledAt` counts them from 1 */
async function stepsOf(machine: SyncMachine, args: readonly string[]): Promise<string[]> {
  const log = join(temporaryFolder(), 'steps');
  const run = await machine.run(args, { environment: { NODE_OPTIONS: PRELOAD, KILL_LOG: log } });
  if (run.code !== 0) throw new Error(`${args.join(' ')} ended with ${run.code}: ${run.stderr}`);
  return readFileSync(log, 'utf8').trimEnd().split('\n');
}

/** Runs a command that dies by SIGKILL at a step, unless it has fewer. */
function runKilledAt(machine: SyncMachine, step: number, args: readonly string[]): Promise<MachineRun> {
  return machine.run(args, { environment: { NODE_OPTIONS: PRELOAD, KILL_AT: String(step) } });
}

const LIMIT_MS = 1_800_000;

/** Nothing is backed up but by the commands of the test. */
const BY_HAND = { MEMORY_BACKUP_ENABLED: 'false' };

let server: BucketServer;
let bucket: TestBucket;

beforeAll(async () => {
  server = await startBucketServer([versitygw]);
});
afterAll(() => server.stop());
beforeEach(async () => {
  bucket = await server.createBucket();
});

async function damageOf(machine: SyncMachine): Promise<readonly string[]> {
  const local = new FolderBlobStore(join(machine.folder, 'memories', 'backups'));
  const views = await Promise.all([readAsStranger(local), readAsStranger(bucket.store)]);
  return views.flatMap(({ damage }) => damage);
}

/** A machine with one fact, that has run the command once. */
async function machineThatDid(...command: string[]): Promise<SyncMachine> {
  const machine = new SyncMachine({ ...bucket.environment(), ...BY_HAND });
  await machine.json(['add', 'fact 0']);
  await machine.json(command);
  return machine;
}

describe('a process that dies by SIGKILL at any step', { timeout: LIMIT_MS }, () => {
  test.each([
    ['a push', ['sync', 'push'], 'request'],
    ['a backup', ['backup'], 'file'],
  ])(
    'of %s loses nothing and lists nothing incomplete; the next one completes it',
    async (_, command, kind) => {
      const machine = await machineThatDid(...command);
      await machine.json(['add', 'fact 1']);
      const steps = await stepsOf(machine, command);
      expect(steps.filter((step) => step.startsWith(kind)).length).toBeGreaterThan(4);
      const told = ['fact 0', 'fact 1'];
      const deaths = new Set<string | null>();
      for (let step = 1; step <= steps.length; step += 1) {
        await machine.json(['add', `fact of step ${step}`]);
        told.push(`fact of step ${step}`);
        deaths.add((await runKilledAt(machine, step, command)).signal);
        expect(await damageOf(machine), String(step)).toEqual([]);
      }
      expect(deaths).toContain('SIGKILL');
      await machine.json(['sync', 'push']);
      expect(await machine.texts()).toEqual(told.toSorted());
      const reader = new SyncMachine({ ...bucket.environment(), ...BY_HAND });
      await reader.json(['sync', 'pull']);
      expect(await reader.digests()).toEqual(await machine.digests());
      expect(await damageOf(machine)).toEqual([]);
    },
  );

  test('of a pull changes nothing or all of it; the next one leaves both machines equal', async () => {
    const writer = await machineThatDid('sync', 'push');
    const reader = new SyncMachine({ ...bucket.environment(), ...BY_HAND });
    await reader.json(['sync', 'pull']);
    await writer.json(['add', 'fact 1']);
    await writer.json(['sync', 'push']);
    const steps = await stepsOf(reader, ['sync', 'pull']);
    const deaths = new Set<string | null>();
    for (let step = 1; step <= steps.length; step += 1) {
      const before = await reader.texts();
      await writer.json(['add', `fact of step ${step} a`]);
      await writer.json(['add', `fact of step ${step} b`]);
      await writer.json(['sync', 'push']);
      deaths.add((await runKilledAt(reader, step, ['sync', 'pull'])).signal);
      const found = await reader.texts();
      if (found.length !== before.length) expect(found).toEqual(await writer.texts());
      expect(await damageOf(reader), String(step)).toEqual([]);
      await reader.json(['sync', 'pull']);
      expect(await reader.digests()).toEqual(await writer.digests());
    }
    expect(deaths).toContain('SIGKILL');
  });

  test('of a restore changes nothing or all of it, and can be undone in both cases', async () => {
    const machine = new SyncMachine(BY_HAND);
    for (const text of ['fact 0', 'fact 1']) await machine.json(['add', text]);
    await machine.json(['backup', '--name', 'wanted']);
    await machine.json(['add', 'fact 2']);
    const restore = ['restore', await snapshotOf(machine, 'wanted'), '--yes'];
    const steps = await stepsOf(machine, restore);
    for (let step = 1; step <= steps.length; step += 1) {
      await machine.json(['restore', await snapshotOf(machine, 'pre_restore'), '--yes']);
      expect(await machine.texts()).toEqual(['fact 0', 'fact 1', 'fact 2']);
      await runKilledAt(machine, step, restore);
      const texts = await machine.texts();
      expect([
        ['fact 0', 'fact 1'],
        ['fact 0', 'fact 1', 'fact 2'],
      ]).toContainEqual(texts);
      if (texts.length === 3) await machine.json(restore);
      expect(await machine.texts()).toEqual(['fact 0', 'fact 1']);
      expect(await damageOf(machine), String(step)).toEqual([]);
    }
  });
});

/** Name of the newest snapshot of a kind that holds three facts, or for other kinds of the newest. */
async function snapshotOf(machine: SyncMachine, kind: string): Promise<string> {
  const { backups } = await machine.json<{ backups: { name: string; kind: string; memories: number }[] }>([
    'backup',
    'list',
  ]);
  const wanted = backups.find(
    (snapshot) => snapshot.kind === kind && (kind === 'wanted' || snapshot.memories === 3),
  );
  return wanted?.name ?? `no snapshot of kind ${kind}`;
}
