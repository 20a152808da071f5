import { randomUUID } from 'node:crypto';
import type { JsonValue, VersionVector } from '../../memory/version.ts';
import { compareVersionVectors, contentOf } from '../../memory/version.ts';
import type { ChangedMemory, LogEntry, LogHead, SharedNote } from '../shared-log.ts';
import { type Connection, Query } from './connection.ts';
import { readCarriedVectors } from './embeddings.ts';
import { hiddenRow, isErasedHere } from './hidden.ts';
import { findAttempt, findSeen, readNote } from './notes.ts';
import { toVersion, VERSION_COLUMNS, type VersionRow } from './rows.ts';
import { readTotals, readVersionVector } from './totals.ts';

/** The state of a store before a transaction, as far as its changes are told from it. */
export interface StateBefore {
  readonly machine: string;
  readonly sequence: number;
  readonly clock: VersionVector;
  /** Highest key of a version that was ever used. */
  readonly lastKey: number;
}

const selectLastKey = new Query<[], { key: number }>(
  `SELECT seq AS key FROM sqlite_sequence WHERE name = 'version'`,
);
const selectChanged = new Query<[after: number], { num: number }>(
  'SELECT num FROM memory WHERE sequence > ? ORDER BY sequence',
);
const selectMemory = new Query<[num: number], { id: string; sequence: number; current: number }>(
  'SELECT id, sequence, current FROM memory WHERE num = ?',
);
const selectVersions = new Query<[num: number], VersionRow & { sibling: number; replaced_at: number | null }>(
  `SELECT ${VERSION_COLUMNS}, v.sibling, v.replaced_at FROM version v WHERE v.num = ? ORDER BY v.key`,
);

export function stateBefore(connection: Connection): StateBefore {
  const { machine, sequence } = readTotals(connection);
  const clock = readVersionVector(connection);
  return { machine, sequence, clock, lastKey: selectLastKey.get(connection)?.key ?? 0 };
}

/**
 * The changes of the running transaction that other stores of the space must have too.
 * @param last the entry that the store has
 * @returns null when there are none
 */
export function collectChanges(
  connection: Connection,
  before: StateBefore,
  { sequence: after, commit: afterCommit }: LogHead,
): LogEntry | null {
  const { machine, sequence } = readTotals(connection);
  const clock = readVersionVector(connection);
  const nums = new Set(selectChanged.all(connection, before.sequence).map(({ num }) => num));
  for (const num of connection.touched.memories) nums.add(num);
  const notes = [...connection.touched.notes.values()].map((note): SharedNote => ({
    ...note,
    value: valueOf(connection, note),
  }));
  const same =
    machine === before.machine &&
    sequence === before.sequence &&
    compareVersionVectors(clock, before.clock) === 'equal';
  if (same && nums.size === 0 && notes.length === 0) return null;
  const lastKey = connection.touched.renamed ? 0 : before.lastKey;
  const memories = [...nums].flatMap((num) => changedMemory(connection, num, lastKey) ?? []);
  return { commit: randomUUID(), after, afterCommit, machine, change: sequence, clock, memories, notes };
}

function valueOf(connection: Connection, { kind, place, name }: Omit<SharedNote, 'value'>): JsonValue | null {
  switch (kind) {
    case 'note':
      return readNote(connection, name);
    case 'attempt': {
      const commit = findAttempt(connection, place, name);
      return commit === null ? null : { ...commit };
    }
    case 'seen': {
      const commit = findSeen(connection, place, name);
      return commit === null ? null : { ...commit };
    }
  }
}

/** @param lastKey versions with a higher key are new to the other stores */
function changedMemory(connection: Connection, num: number, lastKey: number): ChangedMemory | undefined {
  const memory = selectMemory.get(connection, num);
  if (memory === undefined) return undefined;
  const rows = selectVersions.all(connection, num);
  const dotOf = ({ machine, n }: VersionRow): ChangedMemory['current'] => ({ machine, n });
  const current = rows.find(({ key }) => key === memory.current);
  if (current === undefined) return undefined;
  const siblings = rows.filter(({ sibling }) => sibling === 1);
  const isSent = ({ sibling, key }: (typeof rows)[number]): boolean => sibling === 1 || key > lastKey;
  return {
    id: memory.id,
    change: memory.sequence,
    current: dotOf(current),
    erasedHere: isErasedHere(connection, num),
    hidden: hiddenRow(connection, num),
    versions: rows.filter(isSent).map((row) => {
      const { dot, state, ...content } = toVersion(row);
      return {
        dot,
        state,
        ...contentOf(content),
        replacedAt: row.sibling === 1 ? null : (row.replaced_at ?? 0),
      };
    }),
    kept: rows
      .filter((row) => !isSent(row))
      .map((row) => ({ dot: dotOf(row), replacedAt: row.replaced_at ?? 0 })),
    vectors: siblings.flatMap((row) =>
      readCarriedVectors(connection, row.key).map((vectors) => ({ dot: dotOf(row), ...vectors })),
    ),
  };
}
