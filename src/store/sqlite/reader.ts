import { NotFoundError } from '../../errors/input-errors.ts';
import type { HistoryEntry, Memory, MemoryWithHistory } from '../../memory/memory.ts';
import type { VersionState } from '../../memory/version.ts';
import type { Connection } from './connection.ts';
import { Query } from './query.ts';
import { toContent, toVersion, VERSION_COLUMNS, type ContentRow, type VersionRow } from './stored-version.ts';

export interface MemoryRow extends ContentRow {
  num: number;
  id: string;
  state: VersionState;
  conflict: number;
  machine: string;
  n: number;
  versions: number;
}

/** Columns of `MemoryRow` from `memory m JOIN version v ON v.key = m.current`. */
export const MEMORY_COLUMNS = `m.num, m.id, m.state, m.conflict, v.machine, v.n, v.text, v.tags, v.source,
  v.metadata, v.created_at, v.updated_at, (SELECT count(*) FROM version x WHERE x.num = m.num) AS versions`;

const selectMemory = new Query<[id: string], MemoryRow>(
  `SELECT ${MEMORY_COLUMNS} FROM memory m JOIN version v ON v.key = m.current WHERE m.id = ?`,
);
const selectHistory = new Query<[num: number], VersionRow & { sibling: number; is_current: number }>(
  `SELECT ${VERSION_COLUMNS}, v.sibling, v.key = m.current AS is_current
   FROM version v JOIN memory m ON m.num = v.num
   WHERE v.num = ? ORDER BY is_current DESC, v.sibling DESC, v.key DESC`,
);

export function toMemory(row: MemoryRow): Memory {
  return {
    id: row.id,
    state: row.state,
    dot: { machine: row.machine, n: row.n },
    versionCount: row.versions,
    conflict: row.conflict === 1,
    ...toContent(row),
  };
}

export function readMemory(connection: Connection, id: string): Memory | undefined {
  const row = selectMemory.get(connection, id);
  return row === undefined ? undefined : toMemory(row);
}

/** @throws NotFoundError */
export function readKnownMemory(connection: Connection, id: string): Memory {
  const memory = readMemory(connection, id);
  if (memory === undefined) throw new NotFoundError([id]);
  return memory;
}

export function readMemories(connection: Connection, ids: readonly string[]): Memory[] {
  return ids.flatMap((id) => readMemory(connection, id) ?? []);
}

export function readWithHistory(connection: Connection, ids: readonly string[]): MemoryWithHistory[] {
  return ids.flatMap((id) => {
    const row = selectMemory.get(connection, id);
    return row === undefined ? [] : { ...toMemory(row), history: readHistory(connection, row.num) };
  });
}

function readHistory(connection: Connection, num: number): HistoryEntry[] {
  return selectHistory.all(connection, num).map((row) => {
    const { dot, state, text, tags, source, metadata, createdAt, updatedAt } = toVersion(row);
    const role = row.is_current === 1 ? 'current' : row.sibling === 1 ? 'sibling' : 'replaced';
    return { dot, state, text, tags, source, metadata, createdAt, updatedAt, role };
  });
}
