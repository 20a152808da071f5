import type {
  BackupResult,
  PruneReport,
  PruneRequest,
  SnapshotSummary,
  VerifyRequest,
  VerifyResult,
  WorkOptions,
} from '../backup/backup-api.ts';
import { pruneData, snapshotList, verifyData } from '../api/sync-answers.ts';
import type { Settings } from '../config/schema.ts';
import { FaissMemoryError } from '../errors/faiss-memory-error.ts';
import { NotUploadedError } from '../errors/remote-errors.ts';
import type { PushResult } from '../sync/sync-api.ts';
import { usableNames } from '../util/text.ts';
import type { TimeZone } from '../util/time-zone.ts';
import { visibleLine } from '../util/visible-text.ts';
import {
  type CommandContext,
  type CommandOutcome,
  longWork,
  oneOf,
  type OptionValues,
  toggle,
  value,
} from './command.ts';
import { EXIT_CODES } from './exit-code.ts';
import { parseInteger } from './option-values.ts';
import { byteSize, count, table } from './render.ts';

interface SnapshotListView {
  /** The member of the JSON. */
  readonly name: 'backups' | 'snapshots';
  readonly where: string;
  readonly zone: TimeZone;
}

/** @param snapshots oldest first; shown newest first */
export function snapshotsOutcome(
  snapshots: readonly SnapshotSummary[],
  { name, where, zone }: SnapshotListView,
): CommandOutcome {
  const names = usableNames(snapshots);
  const rows = snapshots.toReversed().map((snapshot) => {
    const { id, createdAt, live, bytes } = snapshot;
    return [names.get(id) ?? id, zone.minute(createdAt), String(live), byteSize(bytes), remarks(snapshot)];
  });
  return {
    data: { [name]: snapshotList(snapshots) },
    text:
      rows.length === 0
        ? `No snapshots ${where}.`
        : table([['SNAPSHOT', `MADE (${zone.name})`, 'MEMORIES', 'SIZE', ''], ...rows]),
  };
}

function remarks({ own, machine, pinned, encrypted, order }: SnapshotSummary): string {
  const included = order === 'before' || order === 'equal';
  return [
    pinned ? 'pinned' : '',
    encrypted ? 'encrypted' : '',
    own ? '' : `of ${machine}`,
    order === 'equal' ? 'as now' : included ? '' : 'has what is not here',
  ]
    .filter((part) => part !== '')
    .join(', ');
}

function verifyOutcome(result: VerifyResult): CommandOutcome {
  const { level, checked, problems, healed } = result;
  const lines = problems.map(({ key, problem }) => visibleLine(`${key}: ${problem}`));
  const sound = `${count(checked, 'object')} checked (${level})`;
  const summary =
    problems.length === 0
      ? `${sound}: all are fine.`
      : `${sound} and fine, ${count(problems.length, 'problem')}; ${healed ? 'all are repaired.' : 'not repaired.'}`;
  return {
    data: verifyData(result),
    text: [...lines, summary].join('\n'),
    exitCode: problems.length === 0 || healed ? EXIT_CODES.ok : EXIT_CODES.failure,
  };
}

export function pruneOutcome(report: PruneReport): CommandOutcome {
  const { dropped, deletedObjects, deletedBytes, leftObjects, appendOnly } = report;
  const lines = [
    ...dropped.map(({ name }) => `Removed ${visibleLine(name)}`),
    `${count(dropped.length, 'snapshot')} removed, ${count(deletedObjects, 'object')} deleted (${byteSize(deletedBytes)}).`,
  ];
  if (leftObjects > 0) lines.push(`${count(leftObjects, 'object')} wait: they are younger than 24 hours.`);
  if (appendOnly) lines.push('The store refuses to delete objects, so their bytes stay.');
  return { data: pruneData(report), text: lines.join('\n') };
}

/** The answer of a person who does not agree. */
export const NOTHING_PRUNED: CommandOutcome = {
  data: pruneData({ dropped: [], deletedObjects: 0, deletedBytes: 0, leftObjects: 0, appendOnly: false }),
  text: 'Nothing was removed.',
};

/** Options of every command that checks snapshots. */
export const verifyOptions = {
  level: oneOf(
    '--level <level>',
    ['sizes', 'hashes', 'content', 'drill'],
    'how deep (default: hashes); drill restores into a scratch store and compares',
  ),
  snapshot: value('--snapshot <name>', 'only this one'),
  checkOnly: toggle('--check-only', 'do not repair from the memories what is damaged'),
};

export async function verifySnapshots(
  context: CommandContext,
  options: OptionValues<typeof verifyOptions>,
  verify: (request: VerifyRequest, options: WorkOptions) => Promise<VerifyResult>,
): Promise<CommandOutcome> {
  const { level, snapshot, checkOnly } = options;
  return verifyOutcome(
    await longWork(context, (work) => verify({ level, snapshot, heal: !checkOnly }, work)),
  );
}

/** Options of every command that removes old snapshots. */
export const retentionOptions = {
  keepLast: value('--keep-last <count>', 'keep the newest ones; these and the next: default as configured'),
  hourly: value('--hourly <count>', 'keep the newest of so many hours'),
  daily: value('--daily <count>', 'keep the newest of so many days'),
  weekly: value('--weekly <count>', 'keep the newest of so many weeks'),
  monthly: value('--monthly <count>', 'keep the newest of so many months'),
  yes: toggle('-y, --yes', 'do not ask'),
};

type Policy = NonNullable<PruneRequest['policy']>;

/** The configured policy, changed by the options. */
export function chosenPolicy(
  options: OptionValues<typeof retentionOptions>,
  { keepLast, hourly, daily, weekly, monthly }: Settings['backup'],
): Policy {
  return {
    keepLast: parseInteger('--keep-last', options.keepLast) ?? keepLast,
    hourly: parseInteger('--hourly', options.hourly) ?? hourly,
    daily: parseInteger('--daily', options.daily) ?? daily,
    weekly: parseInteger('--weekly', options.weekly) ?? weekly,
    monthly: parseInteger('--monthly', options.monthly) ?? monthly,
  };
}

/** The question before old snapshots are removed. */
export function pruneQuestion({ keepLast, hourly, daily, weekly, monthly }: Policy, where: string): string {
  return (
    `Remove this machine's old snapshots ${where}, keeping pinned ones, the newest ${keepLast}, ` +
    `and the newest of ${hourly} hours, ${daily} days, ${weekly} weeks and ${monthly} months?`
  );
}

/** Sends a new backup on its way. @throws NotUploadedError */
export async function pushBackup(context: CommandContext, made: BackupResult): Promise<PushResult> {
  const { sync } = await context.app();
  try {
    return await longWork(context, (work) => sync.push({ ...work, made }));
  } catch (error) {
    throw error instanceof FaissMemoryError ? new NotUploadedError(made.snapshot.name, error) : error;
  }
}

export function describePush({ outcome, snapshot, snapshotsPushed, bytes, skipped }: PushResult): string {
  const lines =
    outcome === 'unchanged'
      ? [`The remote has everything already; the newest is ${visibleLine(snapshot.name)}.`]
      : [
          `${count(snapshotsPushed, 'snapshot')} uploaded (${byteSize(bytes)}) and confirmed by the remote; the newest is ${visibleLine(snapshot.name)}.`,
        ];
  if (skipped.length > 0)
    lines.push(
      `Damaged here and not sent: ${skipped.map(visibleLine).join(', ')}. Run "faiss-memory backup verify".`,
    );
  return lines.join('\n');
}
