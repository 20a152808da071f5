import type { SnapshotKind } from '../format/names.ts';

/** The number of snapshots that each rule keeps. A snapshot stays when at least one rule keeps it. */
export interface RetentionPolicy {
  /**
   * The newest snapshots of any age: that many of the automatic ones, and that many of the others, because automatic
   * ones can come every few seconds. The newest one always stays.
   */
  readonly keepLast: number;
  /** The newest snapshot of each of the newest `hourly` hours that have one. Days, weeks and months work the same way. */
  readonly hourly: number;
  readonly daily: number;
  /** ISO weeks, Monday to Sunday. All periods are in UTC. */
  readonly weekly: number;
  readonly monthly: number;
}

export const DEFAULT_RETENTION: RetentionPolicy = {
  keepLast: 10,
  hourly: 24,
  daily: 7,
  weekly: 4,
  monthly: 12,
};

export interface RetainedSnapshot {
  readonly snapshotId: string;
  readonly createdAt: number;
  readonly pinned: boolean;
  /** Snapshots from before a destructive step, such as `pre_restore`, are kept for a week. */
  readonly kind?: SnapshotKind;
}

export type RetentionReason =
  'newest' | 'pinned' | 'safety' | 'last' | 'hourly' | 'daily' | 'weekly' | 'monthly';

export interface RetentionPlan<T> {
  /** In the order of the input, each with every rule that keeps it. */
  readonly keep: readonly { readonly snapshot: T; readonly reasons: readonly RetentionReason[] }[];
  readonly drop: readonly T[];
}

const HOUR = 3_600_000;
const DAY = 24 * HOUR;
/** The epoch was a Thursday, three days after the beginning of its week. */
const EPOCH_WEEKDAY = 3;
/** A snapshot that undoes a step is kept this long, counted back from the newest snapshot. */
const SAFETY_MS = 7 * DAY;
const SAFETY_KIND = /^pre_(?:restore|delete|import)$/;
/** Every change on another machine leads to a merge, so only this many `pre_merge` snapshots are kept for safety. */
const SAFETY_MERGES = 10;

/**
 * Divides snapshots into those to keep and those to drop. Only the list decides; the present time plays no part.
 * @param snapshots in order of publication, the newest last
 */
export function planRetention<T extends RetainedSnapshot>(
  snapshots: readonly T[],
  policy: RetentionPolicy,
): RetentionPlan<T> {
  const reasons = new Map<T, RetentionReason[]>(snapshots.map((snapshot) => [snapshot, []]));
  const newestFirst = [...snapshots].reverse();
  const keep = (snapshot: T | undefined, reason: RetentionReason): void => {
    if (snapshot !== undefined) reasons.get(snapshot)?.push(reason);
  };
  keep(newestFirst[0], 'newest');
  for (const snapshot of newestFirst) if (snapshot.pinned) keep(snapshot, 'pinned');
  for (const snapshot of safetyCopies(newestFirst)) keep(snapshot, 'safety');
  for (const isWanted of [isAutomatic, isRequested]) {
    for (const snapshot of newestFirst.filter(isWanted).slice(0, policy.keepLast)) keep(snapshot, 'last');
  }
  for (const [rule, period] of PERIODS) {
    for (const snapshot of newestOfEach(newestFirst, period, policy[rule])) keep(snapshot, rule);
  }
  const kept = [...reasons].filter(([, because]) => because.length > 0);
  return {
    keep: kept.map(([snapshot, because]) => ({ snapshot, reasons: because })),
    drop: snapshots.filter((snapshot) => reasons.get(snapshot)?.length === 0),
  };
}

/** @returns the snapshots that `planRetention` keeps */
export function retained<T extends RetainedSnapshot>(snapshots: readonly T[], policy: RetentionPolicy): T[] {
  return planRetention(snapshots, policy).keep.map(({ snapshot }) => snapshot);
}

const AUTOMATIC_KINDS: ReadonlySet<SnapshotKind> = new Set(['auto', 'exit', 'pre_merge']);

function isAutomatic({ kind }: RetainedSnapshot): boolean {
  return kind === undefined || AUTOMATIC_KINDS.has(kind);
}

function isRequested(snapshot: RetainedSnapshot): boolean {
  return !isAutomatic(snapshot);
}

/** The snapshots that undo recent steps. A user may need them, so no prune drops them. */
function safetyCopies<T extends RetainedSnapshot>(newestFirst: readonly T[]): T[] {
  const [newest] = newestFirst;
  const young = newestFirst.filter(({ createdAt }) => (newest?.createdAt ?? 0) - createdAt < SAFETY_MS);
  const merges = young.filter(({ kind }) => kind === 'pre_merge').slice(0, SAFETY_MERGES);
  return young.filter(
    (snapshot) =>
      merges.includes(snapshot) || (snapshot.kind !== undefined && SAFETY_KIND.test(snapshot.kind)),
  );
}

type PeriodRule = 'hourly' | 'daily' | 'weekly' | 'monthly';

const PERIODS: readonly (readonly [PeriodRule, (time: number) => number])[] = [
  ['hourly', (time) => Math.floor(time / HOUR)],
  ['daily', (time) => Math.floor(time / DAY)],
  ['weekly', (time) => Math.floor((Math.floor(time / DAY) + EPOCH_WEEKDAY) / 7)],
  ['monthly', (time) => new Date(time).getUTCFullYear() * 12 + new Date(time).getUTCMonth()],
];

/** The newest snapshot of each of the newest `count` periods. */
function newestOfEach<T extends RetainedSnapshot>(
  newestFirst: readonly T[],
  period: (time: number) => number,
  count: number,
): T[] {
  const newest = new Map<number, T>();
  for (const snapshot of newestFirst) {
    const number = period(snapshot.createdAt);
    if (!newest.has(number)) newest.set(number, snapshot);
  }
  return [...newest]
    .sort(([a], [b]) => b - a)
    .slice(0, count)
    .map(([, snapshot]) => snapshot);
}
