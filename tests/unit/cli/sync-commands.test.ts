import { PassThrough } from 'node:stream';
import { text } from 'node:stream/consumers';
import { describe, expect, test, vi } from 'vitest';
import type { App } from '../../../src/app/app.ts';
import type { BackupApi, RestoreResult } from '../../../src/backup/backup-api.ts';
import type { ProbeFinding, ProbeReport } from '../../../src/blob/probe/probe-finding.ts';
import type { CommandContext, CommandDeclaration, CommandOutcome } from '../../../src/cli/command.ts';
import { describeStatus } from '../../../src/cli/describe-sync.ts';
import type { Host } from '../../../src/cli/host.ts';
import { Output } from '../../../src/cli/output.ts';
import { commandList } from '../../../src/cli/command-list.ts';
import { parseCommandLine } from '../../../src/cli/program.ts';
import { resolveConfig } from '../../../src/config/resolve.ts';
import type { SyncApi } from '../../../src/sync/sync-api.ts';
import { TimeZone } from '../../../src/util/time-zone.ts';
import {
  changeList,
  changes,
  fakeServices,
  type FakeServices,
  heldMerge,
  NOON,
  snapshot,
  syncStatus,
} from '../../helpers/fake-services.ts';

interface CommandRun {
  readonly outcome: CommandOutcome;
  readonly stderr: string;
}

/** Runs one command line on services that a test programs. `answer` is what a person at a terminal types. */
async function runCommand(
  argv: readonly string[],
  services: FakeServices,
  options: { readonly answer?: string; readonly signal?: AbortSignal } = {},
): Promise<CommandRun> {
  const parsed = parseCommandLine(argv, commandList);
  if (typeof parsed === 'string') throw new TypeError(`help was printed: ${parsed}`);
  const interactive = options.answer !== undefined;
  const stderr = Object.assign(new PassThrough(), { isTTY: interactive });
  const host: Host = {
    env: {},
    platform: 'linux',
    homeDirectory: '/home/ada',
    workingDirectory: '/home/ada',
    stdin: Object.assign(new PassThrough(), { isTTY: interactive }),
    stdout: Object.assign(new PassThrough(), { columns: 60 }),
    stderr,
  };
  host.stdin.push(options.answer ?? null);
  const config = resolveConfig(host);
  const context: CommandContext = {
    host,
    output: new Output(host, { json: parsed.globals.json }),
    signal: options.signal ?? new AbortController().signal,
    config: () => config,
    configWith: () => config,
    // What these commands use of the app.
    app: () => Promise.resolve({ ...services, settings: config.settings } as unknown as App),
    team: () => Promise.reject(new Error('not asked for')),
    grammar: () => Promise.resolve({ options: [], commands: [] }),
    releaseSignals: () => undefined,
    flagValues: {},
  };
  try {
    const outcome = await run(parsed.command, context, parsed);
    stderr.end();
    return { outcome, stderr: await text(stderr) };
  } finally {
    stderr.end();
  }
}

async function run(
  command: CommandDeclaration,
  context: CommandContext,
  input: Pick<Exclude<ReturnType<typeof parseCommandLine>, string>, 'args' | 'options'>,
): Promise<CommandOutcome> {
  const outcome = await command.run(context, input);
  if (outcome === undefined) throw new TypeError(`${command.name} gave no result`);
  return outcome;
}

const memory = { reembed: () => Promise.resolve({ done: 0, total: 0 }) };

function servicesRestoring(...results: readonly RestoreResult[]) {
  const left = [...results];
  const restore = vi.fn<BackupApi['restore']>(() => {
    const result = left.shift();
    return result === undefined ? Promise.reject(new Error('one call too many')) : Promise.resolve(result);
  });
  const services = { ...fakeServices({ backup: { restore }, sync: { restore } }), memory };
  return { restore, services: services as unknown as ReturnType<typeof fakeServices> };
}

const PREVIEW: RestoreResult = {
  mode: 'replace',
  snapshots: [snapshot()],
  changes: changes({ applied: false, removed: changeList('a thought that came later') }),
  confirm: 'the-token',
};
const DONE: RestoreResult = {
  mode: 'replace',
  snapshots: [snapshot()],
  changes: changes({ removed: changeList('a thought that came later') }),
  undo: snapshot({ name: 'pre_restore_20260131_120001' }),
};

describe('restore', () => {
  test('shows what would change, asks, and goes ahead on yes', async () => {
    const { restore, services } = servicesRestoring(PREVIEW, DONE);
    const { outcome, stderr } = await runCommand(['restore', 'x'], services, { answer: 'y\n' });
    expect(stderr).toContain('a thought that came later');
    expect(stderr).toContain('0 added, 0 changed, 1 removed (to the trash).');
    expect(stderr).toContain('[y/N]');
    expect(restore.mock.calls.map(([request]) => request)).toEqual([
      { snapshot: 'x', mode: 'replace', dryRun: true },
      { snapshot: 'x', mode: 'replace', confirm: 'the-token' },
    ]);
    expect(outcome.text).toContain('To undo it: faiss-memory restore pre_restore_20260131_120001');
  });

  test.each(['n\n', '\n', 'yess\n'])('changes nothing on %j', async (answer) => {
    const { restore, services } = servicesRestoring(PREVIEW);
    const { outcome } = await runCommand(['restore', 'x'], services, { answer });
    expect(restore).toHaveBeenCalledTimes(1);
    expect(outcome.data).toMatchObject({ applied: false });
    expect(outcome.text).toContain('Nothing was changed.');
  });

  test('asks nobody when nothing would change', async () => {
    const same: RestoreResult = { ...PREVIEW, changes: changes({ applied: false }) };
    const { restore, services } = servicesRestoring(same);
    const { outcome } = await runCommand(['restore', 'x', '--json'], services);
    expect(restore).toHaveBeenCalledTimes(1);
    expect(outcome.data).toMatchObject({ applied: false });
  });

  test('needs --yes where nobody can be asked', async () => {
    const { services } = servicesRestoring(PREVIEW);
    await expect(runCommand(['restore', 'x', '--json'], services)).rejects.toThrow('It cannot be asked here');
    const again = servicesRestoring(PREVIEW, DONE);
    const { outcome } = await runCommand(['restore', 'x', '--json', '--yes'], again.services);
    expect(outcome.data).toMatchObject({
      applied: true,
      removed: 1,
      snapshots: ['manual_20260131_120000'],
    });
  });

  test('merges at once, and asks when the merge is held back', async () => {
    const { restore, services } = servicesRestoring(heldMerge('old'), { ...DONE, mode: 'merge' });
    await runCommand(['restore', 'x', '--from', 'remote', '--merge'], services, { answer: 'yes\n' });
    expect(restore.mock.calls.map(([request]) => request)).toEqual([
      { snapshot: 'x', mode: 'merge', dryRun: false },
      { snapshot: 'x', mode: 'merge', confirm: 'the-token' },
    ]);
  });
});

describe('sync pull', () => {
  test('confirms a held merge with its token', async () => {
    const pull = vi.fn((options: { confirm?: string } = {}) =>
      Promise.resolve(options.confirm === undefined ? heldMerge('old') : { ...DONE, mode: 'merge' as const }),
    );
    const services = { ...fakeServices({ sync: { pull } }), memory } as unknown as ReturnType<
      typeof fakeServices
    >;
    const { outcome } = await runCommand(['sync', 'pull', '--yes'], services);
    expect(pull.mock.calls.map(([options]) => options?.confirm)).toEqual([undefined, 'the-token']);
    expect(outcome.data).toMatchObject({ applied: true });
  });
});

function report(...findings: readonly ProbeFinding[]): ProbeReport {
  const usable = findings.every(({ level }) => level !== 'problem');
  return { location: 's3 memories', findings, usable, clockOffsetMs: null, conditionalPut: 'unknown' };
}

const NO_BUCKET: ProbeFinding = {
  check: 'bucket',
  level: 'problem',
  message: 'There is none',
  fix: 'Create it.',
};
const FINE: ProbeFinding = { check: 'list', level: 'ok', message: 'Fine' };

describe('sync doctor', () => {
  function probing(...reports: readonly ProbeReport[]) {
    const left = [...reports];
    const doctor = vi.fn(() => Promise.resolve(left.shift() ?? report(FINE)));
    const createBucket = vi.fn(() => Promise.resolve('created' as const));
    return { createBucket, services: fakeServices({ sync: { doctor, createBucket } }) };
  }

  test('creates a missing bucket after a question', async () => {
    const { createBucket, services } = probing(report(NO_BUCKET));
    const { outcome, stderr } = await runCommand(['sync', 'doctor'], services, { answer: 'y\n' });
    expect(createBucket).toHaveBeenCalledOnce();
    expect(stderr).toContain('s3 memories does not exist. Create it?');
    expect(outcome).toMatchObject({ exitCode: 0, data: { usable: true } });
  });

  test('creates none on no, and none unasked', async () => {
    const { createBucket, services } = probing(report(NO_BUCKET), report(NO_BUCKET));
    const declined = await runCommand(['sync', 'doctor'], services, { answer: 'n\n' });
    expect(declined.outcome.exitCode).toBe(1);
    expect((await runCommand(['sync', 'doctor', '--json'], services)).outcome.text).toContain(
      '--create-bucket',
    );
    expect(createBucket).not.toHaveBeenCalled();
  });

  test('creates none while something else is wrong too', async () => {
    const keys: ProbeFinding = {
      check: 'credentials',
      level: 'problem',
      message: 'Swapped',
      fix: 'Exchange the two.',
    };
    const { createBucket, services } = probing(report(NO_BUCKET, keys));
    const { outcome } = await runCommand(['sync', 'doctor', '--create-bucket'], services);
    expect(createBucket).not.toHaveBeenCalled();
    expect(outcome.text).toContain('Fix: Exchange the two.');
  });
});

describe('what is destructive', () => {
  test.each([
    [['sync', 'forget', 'bbbbbbbbbbbbbbbb'], 'forgetMachine'],
    [['sync', 'prune'], 'prune'],
  ])('%j asks first', async (argv, method) => {
    const act = vi.fn();
    const services = fakeServices({ sync: { machines: () => Promise.resolve([]), [method]: act } });
    const { outcome, stderr } = await runCommand(argv, services, { answer: 'n\n' });
    expect(stderr).toContain('[y/N]');
    expect(outcome.text).toBe('Nothing was removed.');
    expect(act).not.toHaveBeenCalled();
  });

  test('prunes by the policy of the options, else as configured', async () => {
    const prune = vi.fn(() =>
      Promise.resolve({ dropped: [], deletedObjects: 0, deletedBytes: 0, leftObjects: 0, appendOnly: true }),
    );
    const argv = ['sync', 'prune', '--keep-last', '3', '--daily', '0', '--yes'];
    const { outcome } = await runCommand(argv, fakeServices({ sync: { prune } }));
    const policy = { keepLast: 3, hourly: 24, daily: 0, weekly: 4, monthly: 12 };
    expect(prune).toHaveBeenCalledWith({ policy });
    expect(outcome.text).toContain('refuses to delete');
  });
});

describe('verify', () => {
  test.each([
    [true, 0, 'all are repaired'],
    [false, 1, 'not repaired'],
  ])('of damage that is healed: %j ends with %i', async (healed, exitCode, words) => {
    const verify = vi.fn(() =>
      Promise.resolve({
        level: 'hashes' as const,
        checked: 3,
        problems: [{ key: 'k', problem: 'bad' }],
        healed,
      }),
    );
    const argv = ['backup', 'verify', '--level', 'hashes', '--check-only'];
    const { outcome } = await runCommand(argv, fakeServices({ backup: { verify } }));
    expect(outcome.exitCode).toBe(exitCode);
    expect(outcome.text).toContain(words);
    expect(verify).toHaveBeenCalledWith(
      { level: 'hashes', snapshot: undefined, heal: false },
      expect.anything(),
    );
  });
});

describe('sync status', () => {
  test('is honest about when things were observed', () => {
    const status = syncStatus({
      relation: 'ahead',
      reachable: { value: false, at: NOON },
      lastPush: { value: { snapshot: 'auto_20260131_110000' }, at: NOON - 3_600_000 },
      unsentWrites: 4,
      problem: { code: 'unreachable', message: 'No connection', fix: 'Check the network.', at: NOON },
    });
    const text = describeStatus(status, { now: NOON + 12_000, zone: new TimeZone('UTC') });
    expect(text).toMatch(/^reachable +no, observed just now$/m);
    expect(text).toMatch(/^last upload +auto_20260131_110000, observed 60 minutes ago$/m);
    expect(text).toMatch(/^not uploaded +4 changes$/m);
    expect(text).toContain(
      'Problem (unreachable, observed just now): No connection\nFix: Check the network.',
    );
  });

  test('asks the remote unless told otherwise', async () => {
    const status = vi.fn<SyncApi['status']>(() => Promise.resolve(syncStatus()));
    const snapshots = vi.fn(() => Promise.resolve([snapshot({ name: 'auto_20260131_130000' })]));
    const services = fakeServices({
      sync: { status, snapshots },
      backup: { list: () => Promise.resolve([snapshot()]) },
    });
    const offline = await runCommand(['sync', 'status', '--offline', '--json'], services);
    expect(snapshots).not.toHaveBeenCalled();
    expect(offline.outcome.data).toMatchObject({
      reachable: true,
      observed: '2026-01-31T12:00:00.000Z',
      from: 'local',
      snapshots: [{ name: 'manual_20260131_120000' }],
    });
    const { outcome } = await runCommand(['sync', 'status', '--json'], services);
    expect(outcome.data).toMatchObject({ from: 'remote', snapshots: [{ name: 'auto_20260131_130000' }] });
    expect(status.mock.calls.map(([options]) => options?.offline)).toEqual([true, false]);
  });
});

describe('the words of a command', () => {
  test.each([
    [['sync', 'nonsense'], 'Run "faiss-memory sync --help"'],
    [['sync', 'forget'], 'Run "faiss-memory sync forget --help"'],
    [['backup', 'pin'], 'Run "faiss-memory backup pin --help"'],
    [['backup', 'nonsense'], 'Run "faiss-memory backup --help"'],
    [['nonsense'], 'Run "faiss-memory --help"'],
  ])('%j is refused with the help that fits', (argv, fix) => {
    expect(() => parseCommandLine(argv, commandList)).toThrow(
      expect.objectContaining({ fix: expect.stringContaining(fix) as string }) as Error,
    );
  });

  test('a group alone prints its help', () => {
    expect(parseCommandLine(['sync'], commandList)).toMatch(/^Usage: faiss-memory sync .*Commands:/s);
  });
});
