import { findStatus } from '../../api/services.ts';
import { machineData, probeData, pushData, type StatusFacts, statusData } from '../../api/sync-answers.ts';
import type { ProbeFinding, ProbeReport } from '../../blob/probe/probe-finding.ts';
import type { SyncApi } from '../../sync/sync-api.ts';
import { visibleLine } from '../../util/visible-text.ts';
import { type CommandContext, confirmed, defineCommand, longWork, toggle } from '../command.ts';
import { describeMachines, describeStatus } from '../describe-sync.ts';
import { EXIT_CODES } from '../exit-code.ts';
import { count } from '../render.ts';
import { restoreOptions, restoreSnapshot } from '../restore-snapshot.ts';
import {
  chosenPolicy,
  NOTHING_PRUNED,
  describePush,
  pruneOutcome,
  pruneQuestion,
  retentionOptions,
  snapshotsOutcome,
  verifyOptions,
  verifySnapshots,
} from '../snapshot-output.ts';

export const syncStatusCommand = defineCommand({
  name: 'sync status',
  summary: 'show what is uploaded, what is not, other machines, and problems with their fix',
  details:
    'Every line about the remote says when it was observed. The exit code is 1 while there is a problem.',
  arguments: [],
  options: { offline: toggle('--offline', 'do not ask the remote; show what was observed last') },
  examples: [
    ['faiss-memory sync status', 'ask the remote'],
    ['faiss-memory sync status --json | jq -r .state', 'equal on two machines = they have the same'],
  ],
  run: async (context, { options: { offline } }) => {
    const { sync, backup, memory } = await context.app();
    // The lists of snapshots, which take more requests, are in the JSON only.
    const facts: StatusFacts = await longWork(context, async (work) =>
      context.output.json
        ? findStatus({ backup, sync }, { ...work, offline })
        : { status: await sync.status({ ...work, offline }), from: 'local', snapshots: [] },
    );
    const { status } = facts;
    return {
      data: statusData(facts),
      text: describeStatus(status, { now: Date.now(), zone: memory.timeZone }),
      exitCode: status.problem === null ? EXIT_CODES.ok : EXIT_CODES.failure,
    };
  },
});

export const syncPushCommand = defineCommand({
  name: 'sync push',
  summary: 'back up what changed, and upload what the remote lacks',
  arguments: [],
  options: {},
  examples: [['faiss-memory sync push', 'ends when the remote has confirmed it']],
  writes: () => true,
  run: async (context) => {
    const { sync } = await context.app();
    const push = await longWork(context, (work) => sync.push(work));
    return { data: pushData(push), text: describePush(push) };
  },
});

export const syncPullCommand = defineCommand({
  name: 'sync pull',
  summary: 'merge what other machines uploaded',
  details:
    'Removes only what another machine deleted knowingly. A merge that would remove more than 20 memories and more than 30 % of all asks first.',
  arguments: [],
  options: restoreOptions,
  examples: [
    ['faiss-memory sync pull', 'take in what is new'],
    ['faiss-memory sync pull --dry-run', 'what would change?'],
  ],
  writes: ({ options }) => !options.dryRun,
  run: async (context, { options }) => {
    const { sync } = await context.app();
    return restoreSnapshot(
      context,
      (request, work) =>
        request.dryRun === true
          ? sync.restore(request, work)
          : sync.pull({ ...work, ...(request.confirm === undefined ? {} : { confirm: request.confirm }) }),
      { request: { mode: 'merge' }, choices: options },
    );
  },
});

export const syncSnapshotsCommand = defineCommand({
  name: 'sync snapshots',
  summary: "list all machines' snapshots at the remote, newest first",
  arguments: [],
  options: {},
  examples: [['faiss-memory sync snapshots', 'what "sync restore" can bring back']],
  run: async (context) => {
    const { sync, memory } = await context.app();
    return snapshotsOutcome(await longWork(context, (work) => sync.snapshots(work)), {
      name: 'snapshots',
      where: 'at the remote',
      zone: memory.timeZone,
    });
  },
});

export const syncRestoreCommand = defineCommand({
  name: 'sync restore',
  summary: 'set the memories back to a snapshot of the remote; the same as "restore --from remote"',
  arguments: [{ name: '<snapshot>', doc: 'name, machine/name or id; "sync snapshots" shows them' }],
  options: {
    merge: toggle('--merge', 'only take in what is not here, remove nothing that it does not know'),
    ...restoreOptions,
  },
  examples: [
    ['faiss-memory sync restore auto_20260131_120000 --dry-run', 'what would change?'],
    ['faiss-memory sync restore 3f9a0c1d2e4b5a69/auto_20260131_120000', "another machine's"],
  ],
  writes: ({ options }) => !options.dryRun,
  run: async (context, { args: [snapshot], options }) => {
    const { sync } = await context.app();
    const request = { snapshot, mode: options.merge ? 'merge' : 'replace' } as const;
    return restoreSnapshot(context, (...call) => sync.restore(...call), { request, choices: options });
  },
});

export const syncVerifyCommand = defineCommand({
  name: 'sync verify',
  summary: "check this machine's snapshots at the remote",
  details: 'The exit code is 1 when something is damaged and could not be repaired.',
  arguments: [],
  options: verifyOptions,
  examples: [
    ['faiss-memory sync verify --level sizes', 'is everything there? Cheap: only lists'],
    ['faiss-memory sync verify --level drill', 'can the newest snapshot be restored?'],
  ],
  run: async (context, { options }) => {
    const { sync } = await context.app();
    return verifySnapshots(context, options, (request, work) => sync.verify(request, work));
  },
});

export const syncPruneCommand = defineCommand({
  name: 'sync prune',
  summary: "remove this machine's old snapshots from the remote",
  details: 'The snapshots of another machine stay: only that machine removes them.',
  arguments: [],
  options: retentionOptions,
  examples: [['faiss-memory sync prune --yes', 'by the configured retention, without a question']],
  run: async (context, { options }) => {
    const policy = chosenPolicy(options, context.config().settings.backup);
    if (!(await confirmed(context, pruneQuestion(policy, 'at the remote'), options.yes)))
      return NOTHING_PRUNED;
    const { sync } = await context.app();
    return pruneOutcome(await sync.prune({ policy }));
  },
});

export const syncMachinesCommand = defineCommand({
  name: 'sync machines',
  summary: 'list the machines that upload to the remote',
  arguments: [],
  options: {},
  examples: [['faiss-memory sync machines', 'who writes there, and what of it is not here?']],
  run: async (context) => {
    const { sync, memory } = await context.app();
    const machines = await longWork(context, (work) => sync.machines(work));
    const text =
      machines.length === 0
        ? 'No machine has uploaded anything yet.'
        : describeMachines(machines, memory.timeZone);
    return { data: { machines: machines.map(machineData) }, text };
  },
});

export const syncForgetCommand = defineCommand({
  name: 'sync forget',
  summary: 'remove the snapshots of a machine that is gone from the remote',
  details: 'Refused while that machine published anything that is not included here: run "sync pull" first.',
  arguments: [{ name: '<machine>', doc: '16 hex digits; "sync machines" shows them' }],
  options: {
    yes: toggle('-y, --yes', 'do not ask'),
    unmerged: toggle('--unmerged', 'also when its changes are not included here: they are lost'),
  },
  examples: [['faiss-memory sync forget 3f9a0c1d2e4b5a69', 'remove its folder, after a question']],
  run: async (context, { args: [machine = ''], options: { yes, unmerged } }) => {
    const { sync, memory } = await context.app();
    const known = (await longWork(context, (work) => sync.machines(work))).filter(
      (status) => status.machine === machine,
    );
    if (known.length > 0 && !yes) context.output.note(describeMachines(known, memory.timeZone));
    const loss = unmerged ? ' What of them is not included here is lost.' : '';
    const question = `Remove all snapshots of the machine ${machine} from the remote? This cannot be undone.${loss}`;
    if (!(await confirmed(context, question, yes))) {
      return { data: { machine, deleted_objects: 0 }, text: 'Nothing was removed.' };
    }
    const deletedObjects = await sync.forgetMachine(machine, { unmerged });
    const text = `${visibleLine(machine)} is forgotten: ${count(deletedObjects, 'object')} deleted.`;
    return { data: { machine, deleted_objects: deletedObjects }, text };
  },
});

const MARKS: Readonly<Record<ProbeFinding['level'], string>> = {
  ok: 'ok  ',
  note: 'note',
  warning: 'WARN',
  problem: 'FAIL',
};

export const syncDoctorCommand = defineCommand({
  name: 'sync doctor',
  summary: 'try the settings of the remote, and say which one to change',
  details:
    'Tries address, keys, rights, clock, checksums and long lists, with a few small objects that it deletes again. ' +
    'Works before sync is turned on, as soon as a bucket is set. The exit code is 1 when backups would not work.',
  arguments: [],
  options: {
    createBucket: toggle('--create-bucket', 'create the bucket when there is none, without a question'),
  },
  examples: [
    ['faiss-memory sync doctor', 'try the settings'],
    ['faiss-memory sync doctor --create-bucket', 'and make the bucket'],
  ],
  run: async (context, { options }) => {
    const { sync } = await context.app();
    const examine = (): Promise<ProbeReport> => longWork(context, (work) => sync.doctor(work));
    let report = await examine();
    if (lacksBucket(report) && (await mayCreate(context, report, options.createBucket))) {
      await createBucket(context, sync);
      report = await examine();
    }
    const advice = lacksBucket(report) ? ['Add --create-bucket to create the bucket.'] : [];
    const verdict = report.usable ? 'Backups work there.' : 'Backups do not work there yet.';
    return {
      data: probeData(report),
      text: [visibleLine(report.location), ...report.findings.map(describe), ...advice, verdict].join('\n'),
      exitCode: report.usable ? EXIT_CODES.ok : EXIT_CODES.failure,
    };
  },
});

/** The bucket is the one thing that is wrong. */
function lacksBucket({ findings }: ProbeReport): boolean {
  const problems = findings.filter(({ level }) => level === 'problem');
  return problems.length === 1 && problems[0]?.check === 'bucket';
}

async function mayCreate(context: CommandContext, report: ProbeReport, yes: boolean): Promise<boolean> {
  const { output, signal } = context;
  if (yes) return true;
  if (!output.interactive || output.json) return false;
  return output.confirm(`${report.location} does not exist. Create it?`, signal);
}

async function createBucket({ output }: CommandContext, sync: SyncApi): Promise<void> {
  const outcome = await sync.createBucket();
  output.note(outcome === 'created' ? 'The bucket was created.' : 'The bucket was there already.');
}

function describe({ check, level, message, fix }: ProbeFinding): string {
  const line = `${MARKS[level]}  ${check}: ${visibleLine(message)}`;
  return fix === undefined ? line : `${line}\n      Fix: ${visibleLine(fix)}`;
}
