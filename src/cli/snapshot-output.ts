import type { PruneReport, SnapshotSummary, VerifyResult } from '../backup/backup-api.ts';
import type { TimeZone } from '../util/time-zone.ts';
import { usableNames } from '../util/text.ts';
import type { CommandOutcome } from './command.ts';
import { EXIT_CODES } from './exit-code.ts';
import { byteSize, count, table } from './render.ts';

/** A snapshot as `--json` shows it: times as texts. */
export function snapshotData(snapshot: SnapshotSummary): object {
  return { ...snapshot, createdAt: new Date(snapshot.createdAt).toISOString() };
}

/** @param snapshots oldest first; shown newest first */
export function snapshotsOutcome(
  snapshots: readonly SnapshotSummary[],
  where: string,
  zone: TimeZone,
): CommandOutcome {
  const names = usableNames(snapshots);
  const rows = snapshots.toReversed().map((snapshot) => {
    const { id, createdAt, live, bytes } = snapshot;
    return [names.get(id) ?? id, zone.minute(createdAt), String(live), byteSize(bytes), remarks(snapshot)];
  });
  return {
    data: { snapshots: snapshots.map(snapshotData) },
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

export function verifyOutcome({ level, checked, problems, healed }: VerifyResult): CommandOutcome {
  const lines = problems.map(({ key, problem }) => `${key}: ${problem}`);
  const sound = `${count(checked, 'object')} checked (${level})`;
  const summary =
    problems.length === 0
      ? `${sound}: all are fine.`
      : `${sound} and fine, ${count(problems.length, 'problem')}; ${healed ? 'all are repaired.' : 'not repaired.'}`;
  return {
    data: { level, checked, problems, healed },
    text: [...lines, summary].join('\n'),
    exitCode: problems.length === 0 || healed ? EXIT_CODES.ok : EXIT_CODES.failure,
  };
}

export function pruneOutcome(report: PruneReport): CommandOutcome {
  const { dropped, deletedObjects, deletedBytes, leftObjects, appendOnly } = report;
  const lines = [
    ...dropped.map(({ name }) => `Removed ${name}`),
    `${count(dropped.length, 'snapshot')} removed, ${count(deletedObjects, 'object')} deleted (${byteSize(deletedBytes)}).`,
  ];
  if (leftObjects > 0) lines.push(`${count(leftObjects, 'object')} wait: they are younger than 24 hours.`);
  if (appendOnly) lines.push('The store refuses to delete objects, so their bytes stay.');
  return { data: { ...report, dropped: dropped.map(snapshotData) }, text: lines.join('\n') };
}
