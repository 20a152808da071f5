import { NotFoundError } from '../../errors/input-errors.ts';
import { contentHash } from '../../memory/digest.ts';
import type { HistoryEntry, Memory, MemoryWithHistory } from '../../memory/memory.ts';
import {
  canonicalJson,
  type JsonValue,
  type MemoryContent,
  type Version,
  type VersionState,
} from '../../memory/version.ts';
import { type Connection, Query } from './connection.ts';
import { InconsistentStore } from './sqlite-errors.ts';

/** A version with its key in the database. */
export interface StoredVersion extends Version {
  readonly key: number;
}

/** The columns of a version's content; `tags` and `metadata` are JSON. */
export interface ContentRow {
  text: string;
  tags: string;
  source: string;
  metadata: string;
  created_at: number;
  updated_at: number;
}

export interface VersionRow extends ContentRow {
  key: number;
  machine: string;
  n: number;
  state: VersionState;
}

export const VERSION_COLUMNS =
  'v.key, v.machine, v.n, v.state, v.text, v.tags, v.source, v.metadata, v.created_at, v.updated_at';

const insertVersion = new Query<
  [
    num: number,
    machine: string,
    n: number,
    state: string,
    text: string,
    tags: string,
    source: string,
    metadata: string,
    createdAt: number,
    updatedAt: number,
    contentHash: Uint8Array | null,
  ]
>(
  `INSERT INTO version (num, machine, n, state, sibling, text, tags, source, metadata, created_at, updated_at, content_hash)
   VALUES (?, ?, ?, ?, 1, ?, ?, ?, ?, ?, ?, ?)`,
);
const emptyVersion = new Query<[key: number]>(
  `UPDATE version SET state = 'stripped', text = '', tags = '[]', source = '', metadata = '{}', content_hash = NULL
   WHERE key = ?`,
);

export function toContent(row: ContentRow): MemoryContent {
  return {
    text: row.text,
    // Only this store writes these columns, from values of exactly these types.
    tags: parseColumn(row.tags) as string[],
    source: row.source,
    metadata: parseColumn(row.metadata) as Record<string, JsonValue>,
    createdAt: row.created_at,
    updatedAt: row.updated_at,
  };
}

function parseColumn(json: string): unknown {
  try {
    return JSON.parse(json);
  } catch (cause) {
    throw new InconsistentStore('the tags or metadata of a memory cannot be read', { cause });
  }
}

export function toVersion(row: VersionRow): StoredVersion {
  return {
    key: row.key,
    dot: { machine: row.machine, n: row.n },
    state: row.state,
    ...toContent(row),
  };
}

/** Writes a version as a sibling of its memory. */
export function storeVersion(
  connection: Connection,
  memory: { readonly num: number; readonly id: string },
  version: Version,
): StoredVersion {
  const hasContent = version.state === 'live' || version.state === 'deleted';
  const { rowId } = insertVersion.run(
    connection,
    memory.num,
    version.dot.machine,
    version.dot.n,
    version.state,
    version.text,
    JSON.stringify(version.tags),
    version.source,
    canonicalJson(version.metadata),
    version.createdAt,
    version.updatedAt,
    hasContent ? contentHash(memory.id, version) : null,
  );
  return { ...version, key: rowId };
}

/** Erases the content of a deleted version. Its dot stays, so other machines see no change. */
export function expireVersion(connection: Connection, version: StoredVersion): StoredVersion {
  emptyVersion.run(connection, version.key);
  return { ...version, ...withoutContent(version), state: 'stripped' };
}

export function withoutContent(times: Pick<MemoryContent, 'createdAt' | 'updatedAt'>): MemoryContent {
  const { createdAt, updatedAt } = times;
  return { text: '', tags: [], source: '', metadata: {}, createdAt, updatedAt };
}

/** A memory with its row number and all its siblings, as writes use it. */
export interface StoredMemory {
  readonly num: number;
  readonly id: string;
  readonly siblings: readonly StoredVersion[];
}

const selectNum = new Query<[id: string], { num: number }>('SELECT num FROM memory WHERE id = ?');
const selectSiblings = new Query<[num: number], VersionRow>(
  `SELECT ${VERSION_COLUMNS} FROM version v WHERE v.num = ? AND v.sibling = 1 ORDER BY v.key`,
);

function findNum(connection: Connection, id: string): number | undefined {
  return selectNum.get(connection, id)?.num;
}

export function loadMemory(connection: Connection, id: string): StoredMemory | undefined {
  const num = findNum(connection, id);
  if (num === undefined) return undefined;
  return { num, id, siblings: selectSiblings.all(connection, num).map(toVersion) };
}

export interface MemoryRow extends ContentRow {
  num: number;
  id: string;
  state: VersionState;
  conflict: number;
  machine: string;
  n: number;
  versions: number;
  hidden_at: number | null;
  superseded_by: string | null;
  position: number | null;
}

const CONTENT_COLUMNS = `m.id, m.state, m.conflict, v.machine, v.n, v.created_at, v.updated_at,
  coalesce(h.text, v.text) AS text, coalesce(h.tags, v.tags) AS tags, coalesce(h.source, v.source) AS source,
  coalesce(h.metadata, v.metadata) AS metadata, h.hidden_at,
  (SELECT count(*) FROM version x WHERE x.num = m.num) AS versions,
  (SELECT s.id FROM memory s INDEXED BY memory_by_superseded WHERE s.supersedes = m.id AND s.state = 'live' AND s.num <> m.num
   ORDER BY s.created_at DESC, s.num DESC LIMIT 1) AS superseded_by`;
/** Columns of `MemoryRow` from `memory m` with `MEMORY_JOINS`. */
export const MEMORY_COLUMNS = `m.num, m.position, ${CONTENT_COLUMNS}`;
/** The current version, and the kept content of a memory that another machine erased. */
export const MEMORY_JOINS = 'JOIN version v ON v.key = m.current LEFT JOIN hidden h ON h.num = m.num';

const selectMemory = new Query<[id: string], MemoryRow>(
  `SELECT ${MEMORY_COLUMNS} FROM memory m ${MEMORY_JOINS} WHERE m.id = ?`,
);
const selectMemories = new Query<[ids: string], Omit<MemoryRow, 'num' | 'position'>>(
  `SELECT ${CONTENT_COLUMNS} FROM json_each(?) w CROSS JOIN memory m ON m.id = w.value ${MEMORY_JOINS}`,
);
const selectHistory = new Query<[num: number], VersionRow & { sibling: number; is_current: number }>(
  `SELECT ${VERSION_COLUMNS}, v.sibling, v.key = m.current AS is_current
   FROM version v JOIN memory m ON m.num = v.num
   WHERE v.num = ? ORDER BY is_current DESC, v.sibling DESC, v.key DESC`,
);

export function toMemory(row: Omit<MemoryRow, 'num' | 'position'>): Memory {
  return {
    id: row.id,
    state: row.state,
    dot: { machine: row.machine, n: row.n },
    versionCount: row.versions,
    conflict: row.conflict === 1,
    ...(row.hidden_at === null ? {} : { hiddenAt: row.hidden_at }),
    ...(row.superseded_by === null ? {} : { supersededBy: row.superseded_by }),
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

/** In the order of the ids, without those that are unknown. */
export function readMemories(connection: Connection, ids: readonly string[]): Memory[] {
  const rows = selectMemories.all(connection, JSON.stringify(ids));
  const known = new Map(rows.map((row) => [row.id, toMemory(row)]));
  return ids.flatMap((id) => known.get(id) ?? []);
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
