import type { MachineStatus, SyncProblem, SyncRelation, SyncStatus } from '../sync/sync-api.ts';
import { relativeTime } from '../util/text.ts';
import { visibleLine } from '../util/visible-text.ts';
import type { FilterClock } from '../memory/filter.ts';
import type { TimeZone } from '../util/time-zone.ts';
import { waitingText } from '../api/sync-answers.ts';
import { table } from './render.ts';

const RELATIONS: Readonly<Record<SyncRelation, string>> = {
  'in-sync': 'in sync: here and at the remote is the same',
  ahead: 'ahead: something here is not uploaded yet',
  behind: 'behind: other machines uploaded something that is not here',
  diverged: 'diverged: something here is not there, and something there is not here',
  unknown: 'unknown: the remote was not reached yet',
};

/** @param now milliseconds since the epoch */
export function describeStatus(status: SyncStatus, { now, zone }: FilterClock): string {
  const { location, mode, encrypted, relation, lastPush, lastPull, unsentWrites, reachable } = status;
  const rows = [
    ['sync', status.enabled ? `on, mode ${mode}` : 'off'],
    ['remote', location ?? '–'],
    [
      'reachable',
      reachable === null ? 'not tried' : `${reachable.value ? 'yes' : 'no'}, ${observed(reachable.at, now)}`,
    ],
    ['state', RELATIONS[relation]],
    ['last upload', lastPush === null ? '–' : `${lastPush.value.snapshot}, ${observed(lastPush.at, now)}`],
    ['last merge', lastPull === null ? '–' : observed(lastPull.at, now)],
    ['not uploaded', unsentWrites === null ? 'unknown' : `${unsentWrites} changes`],
    ['encryption', encrypted ? 'on' : 'off'],
    ['conflicts', status.conflicts === 0 ? '0' : `${status.conflicts}; "list --conflicts" shows them`],
    ['this machine', status.machine],
    ['digest', `${status.stateDigest} (equal on two machines = they have the same)`],
    ['this month', describeTraffic(status.traffic)],
    ...extraRows(status),
  ];
  const shown = status.enabled ? rows : rows.filter(([name = '']) => OFF_ROWS.has(name));
  return [
    table(shown),
    ...(status.machines.length === 0 ? [] : ['', describeMachines(status.machines, zone)]),
    ...status.warnings.map((warning) => `Note: ${visibleLine(warning)}`),
    ...(status.problem === null ? [] : [describeProblem(status.problem, now)]),
    ...(status.enabled ? [] : [TURN_ON]),
  ].join('\n');
}

const OFF_ROWS = new Set(['sync', 'conflicts', 'this machine', 'digest']);
const TURN_ON =
  'To turn it on set CLOUD_SYNC_ENABLED=true, CLOUD_SYNC_PROVIDER and CLOUD_SYNC_BUCKET, then run "faiss-memory sync doctor".';

function describeTraffic(traffic: SyncStatus['traffic']): string {
  if (traffic === null) return '–';
  const { writes, reads, bytesUp, bytesDown } = traffic;
  const requests = `${writes} writes and lists, ${reads} reads`;
  return `about ${requests}; ${megabytes(bytesUp)} up, ${megabytes(bytesDown)} down`;
}

function megabytes(bytes: number): string {
  return `${(bytes / 1e6).toFixed(1)} MB`;
}

function extraRows({ emptyStart, heldMerge }: SyncStatus): string[][] {
  const rows: string[][] = [];
  if (emptyStart === 'pending') rows.push(['empty start', 'waits until the remote is reached']);
  if (heldMerge !== null) {
    rows.push(['held merge', `${waitingText(heldMerge)}; "sync pull" shows them and asks`]);
  }
  return rows;
}

function observed(time: number, now: number): string {
  return `observed ${relativeTime(time, now)}`;
}

export function describeProblem({ code, message, fix, at }: SyncProblem, now: number): string {
  const line = `Problem (${visibleLine(code)}, ${observed(at, now)}): ${visibleLine(message)}`;
  return fix === undefined ? line : `${line}\nFix: ${visibleLine(fix)}`;
}

export function describeMachines(machines: readonly MachineStatus[], zone: TimeZone): string {
  const rows = machines.map(({ machine, own, snapshots, newest, order, rolledBack, problem, lastSeen }) => [
    `${machine}${own ? ' (this)' : ''}`,
    String(snapshots),
    newest === null ? '–' : `${newest.name}, ${zone.minute(newest.createdAt)}`,
    [
      order === null
        ? ''
        : order === 'before' || order === 'equal'
          ? 'included here'
          : 'not included here yet',
      lastSeen !== null
        ? `gone, was there last at ${zone.minute(lastSeen)}`
        : rolledBack
          ? 'shows less than before'
          : '',
      problem?.message ?? '',
    ]
      .filter((part) => part !== '')
      .join('; '),
  ]);
  return table([['MACHINE', 'SNAPSHOTS', `NEWEST (${zone.name})`, ''], ...rows]);
}
