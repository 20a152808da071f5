import { contentHash } from '../../memory/digest.ts';
import {
  canonicalJson,
  type JsonValue,
  type MemoryContent,
  type Version,
  type VersionState,
} from '../../memory/version.ts';
import type { Connection } from './connection.ts';
import { Query } from './query.ts';
import { InconsistentStore } from './sqlite-errors.ts';

/** A version with its place in the database. */
export interface StoredVersion extends Version {
  readonly key: number;
}

/** The columns that make up a version's content; `CONTENT_COLUMNS` selects them. */
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
    // Only this store writes the columns, from values of exactly these types.
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

/** Takes the content out of a version in the trash. Its dot stays, so nothing changes for other machines. */
export function stripVersion(connection: Connection, version: StoredVersion): StoredVersion {
  emptyVersion.run(connection, version.key);
  return { ...version, ...withoutContent(version), state: 'stripped' };
}

export function withoutContent(times: Pick<MemoryContent, 'createdAt' | 'updatedAt'>): MemoryContent {
  const { createdAt, updatedAt } = times;
  return { text: '', tags: [], source: '', metadata: {}, createdAt, updatedAt };
}
