import { REMOVALS_NOTE, spendRemovals } from '../../memory/removal-budget.ts';
import { currentVersion, mergeMemory, type Version, type VersionVector } from '../../memory/version.ts';
import type { ApplyRequest } from '../replica-store.ts';
import { type Connection, Query } from './connection.ts';
import { readNote, writeNote } from './notes.ts';
import { loadMemory } from './rows.ts';
import type { StagingFile } from './staging-file.ts';

/** The removals of a merge, against the budget of a day. */
interface WeighedRemovals {
  /** True when a person must confirm them first. */
  readonly held: boolean;
  /** Number of memories that unconfirmed merges removed in the 24 hours before. */
  readonly lately: number;
  /** Notes them, in the running transaction. */
  readonly spend: () => void;
}

export interface Removals {
  readonly now: number;
  /** Number of live memories that the merge removes. */
  readonly count: number;
  /** Number of live memories before it. */
  readonly live: number;
}

/** Removals that the user agreed to do not count, and a large merge that the user agreed to begins the budget anew. */
export function weighRemovals(
  connection: Connection,
  { limit, confirmed = false }: ApplyRequest,
  removals: Removals,
): WeighedRemovals {
  if (limit === undefined) return { held: false, lately: 0, spend: () => undefined };
  const spent = spendRemovals(readNote(connection, REMOVALS_NOTE), { ...removals, limit });
  const spend = (): void => {
    if (spent.held) writeNote(connection, REMOVALS_NOTE, null);
    else if (!confirmed) writeNote(connection, REMOVALS_NOTE, spent.note);
  };
  return { held: spent.held && !confirmed, lately: spent.lately, spend };
}

const selectConflicts = new Query<[], { id: string }>(
  `SELECT id FROM memory WHERE conflict = 1 AND state = 'live'`,
);
const findLive = new Query<[id: string], { found: number }>(
  `SELECT 1 AS found FROM memory WHERE id = ? AND state = 'live'`,
);

/**
 * Yields the ids of the collected states that may remove a live memory, some at a time: those with a version that is
 * not live, and those of memories that have one here. Every other merge of a live memory leaves a live version.
 */
export function* removalCandidates(
  staging: StagingFile,
  conflicts: readonly string[],
): Generator<readonly string[]> {
  const rest = new Set(conflicts.filter((id) => staging.has(id)));
  for (const ids of staging.removing()) {
    yield ids;
    for (const id of ids) rest.delete(id);
  }
  yield [...rest];
}

/** Live memories with a conflict, of which a version may be deleted. */
export function liveConflicts(connection: Connection): string[] {
  return selectConflicts.all(connection).map(({ id }) => id);
}

/** Counts those of the collected states that remove a live memory, without a write. */
export function countRemovals(
  connection: Connection,
  {
    staging,
    ids,
    remoteClock,
    localClock,
  }: {
    readonly staging: StagingFile;
    readonly ids: readonly string[];
    readonly remoteClock: VersionVector;
    readonly localClock: VersionVector;
  },
): number {
  return ids.filter((id) => {
    if (findLive.get(connection, id) === undefined) return false;
    const local = loadMemory(connection, id)?.siblings ?? [];
    const remote = staging.siblings(id);
    if (local.length === 0 || remote.length === 0) return false;
    const { siblings, homeless } = mergeMemory<Version>({ local, localClock, remote, remoteClock });
    return currentVersion([...siblings, ...homeless]).state !== 'live';
  }).length;
}
