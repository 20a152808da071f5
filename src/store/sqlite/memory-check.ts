import { addHash, contentHash, emptySum, toHex, type HashSum } from '../../memory/digest.ts';
import type { Connection } from './connection.ts';
import { derive, textHash, type DerivedState } from './derived-state.ts';
import { attributeValue } from './facets.ts';
import { Query } from './query.ts';
import type { StoredMemory } from './stored-memory.ts';
import { toVersion, VERSION_COLUMNS, type StoredVersion, type VersionRow } from './stored-version.ts';

const BATCH = 500;

interface MemoryRow {
  num: number;
  id: string;
  state: string;
  conflict: number;
  current: number;
  source: string;
  created_at: number;
  updated_at: number;
  text_hash: Uint8Array | null;
}

const selectMemories = new Query<[after: number, limit: number], MemoryRow>(
  `SELECT num, id, state, conflict, current, source, created_at, updated_at, text_hash
   FROM memory WHERE num > ? ORDER BY num LIMIT ?`,
);
const selectVersions = new Query<
  [after: number, upTo: number],
  VersionRow & { num: number; sibling: number; content_hash: Uint8Array | null }
>(
  `SELECT ${VERSION_COLUMNS}, v.num, v.sibling, v.content_hash
   FROM version v WHERE v.num > ? AND v.num <= ? ORDER BY v.num, v.key`,
);
const selectTags = new Query<[live: number, num: number, tag: string], { num: number }>(
  'SELECT num FROM tag WHERE live = ? AND num = ? AND tag = ?',
);
const selectAttribute = new Query<[live: number, num: number, name: string, value: string], { num: number }>(
  'SELECT num FROM attribute WHERE live = ? AND num = ? AND name = ? AND value = ?',
);

/** A version with the hash of its content that was stored beside it. */
interface HashedVersion extends StoredVersion {
  readonly hash: Uint8Array | null;
}

interface Totals {
  live: number;
  trash: number;
  conflicts: number;
  content: HashSum;
  state: HashSum;
  tags: number;
  attributes: number;
}

/** Walks over all memories and makes their derived state again from the versions. */
export class MemoryCheck {
  readonly problems: string[] = [];
  readonly totals: Totals = {
    live: 0,
    trash: 0,
    conflicts: 0,
    content: emptySum(),
    state: emptySum(),
    tags: 0,
    attributes: 0,
  };
  readonly #connection: Connection;

  constructor(connection: Connection) {
    this.#connection = connection;
  }

  run(): void {
    for (let after = 0; ;) {
      const rows = selectMemories.all(this.#connection, after, BATCH);
      const last = rows.at(-1);
      if (last === undefined) return;
      const siblings = this.#siblings(after, last.num);
      for (const row of rows) this.#check(row, siblings.get(row.num) ?? []);
      after = last.num;
    }
  }

  /** Siblings of each memory; every version's content is compared with its hash on the way. */
  #siblings(after: number, upTo: number): Map<number, HashedVersion[]> {
    const byMemory = new Map<number, HashedVersion[]>();
    for (const row of selectVersions.all(this.#connection, after, upTo)) {
      const list = byMemory.get(row.num) ?? [];
      byMemory.set(row.num, list);
      if (row.sibling === 1) list.push({ ...toVersion(row), hash: row.content_hash });
    }
    return byMemory;
  }

  #check(row: MemoryRow, siblings: readonly HashedVersion[]): void {
    if (siblings.length === 0) {
      this.problems.push(`memory ${row.id} has no version`);
      return;
    }
    this.#checkHashes(row.id, siblings);
    const expected = derive({ num: row.num, id: row.id, siblings });
    const { current, entry } = expected;
    const hash = entry.live ? textHash(current.text) : null;
    const same =
      row.state === current.state &&
      row.conflict === (entry.conflict ? 1 : 0) &&
      row.current === current.key &&
      row.source === current.source &&
      row.created_at === current.createdAt &&
      row.updated_at === current.updatedAt &&
      hexOf(row.text_hash) === hexOf(hash);
    if (!same) this.problems.push(`memory ${row.id} differs from its current version`);
    this.#checkFacets({ num: row.num, id: row.id, siblings }, current);
    this.#count(expected);
  }

  #checkHashes(id: string, siblings: readonly HashedVersion[]): void {
    for (const version of siblings) {
      const hasContent = version.state === 'live' || version.state === 'deleted';
      const expected = hasContent ? contentHash(id, version) : null;
      if (hexOf(expected) !== hexOf(version.hash)) {
        this.problems.push(`the content of memory ${id} is not what was stored`);
      }
    }
  }

  #checkFacets({ num, id }: StoredMemory, { state, tags, metadata }: StoredVersion): void {
    const live = state === 'live' ? 1 : 0;
    const attributes = Object.entries(metadata);
    this.totals.tags += tags.length;
    this.totals.attributes += attributes.length;
    const complete =
      tags.every((tag) => selectTags.get(this.#connection, live, num, tag) !== undefined) &&
      attributes.every(
        ([name, value]) =>
          selectAttribute.get(this.#connection, live, num, name, attributeValue(value)) !== undefined,
      );
    if (!complete) this.problems.push(`memory ${id} is missing in the filters of tags or metadata`);
  }

  #count({ entry }: DerivedState): void {
    if (entry.live) this.totals.live += 1;
    if (entry.trash) this.totals.trash += 1;
    if (entry.conflict) this.totals.conflicts += 1;
    if (entry.contentHash !== null) this.totals.content = addHash(this.totals.content, entry.contentHash);
    this.totals.state = addHash(this.totals.state, entry.siblingsHash);
  }
}

function hexOf(bytes: Uint8Array | null): string {
  return bytes === null ? '' : toHex(bytes);
}
