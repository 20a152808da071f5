import { addHash, contentHash, emptySum, type HashSum, toHex } from '../../memory/digest.ts';
import type { MemoryContent } from '../../memory/version.ts';
import { ATTRIBUTE_COLUMNS, attributeValues } from './attribute-columns.ts';
import { type Connection, Query } from './connection.ts';
import { derive, type DerivedState, textHash } from './derived-state.ts';
import { FacetSum } from './facet-sum.ts';
import { attributeValue } from './filter.ts';
import { countHidden, hiddenContent } from './hidden.ts';
import { type StoredVersion, toVersion, VERSION_COLUMNS, type VersionRow } from './rows.ts';

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
  attributes: string;
}

const selectMemories = new Query<[after: number, limit: number], MemoryRow>(
  `SELECT num, id, state, conflict, current, source, created_at, updated_at, text_hash,
     json_array(${ATTRIBUTE_COLUMNS.join(', ')}) AS attributes
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

/** A version with the stored hash of its content. */
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

/** Compares each memory's derived state with its versions, and counts the totals. */
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
  /** Of the filters as they should be. */
  readonly facets = new FacetSum();
  readonly #connection: Connection;
  readonly #anyHidden: boolean;

  constructor(connection: Connection) {
    this.#connection = connection;
    this.#anyHidden = countHidden(connection) > 0;
  }

  run(): void {
    this.#forEach((row, siblings) => {
      this.#check(row, siblings);
    });
  }

  #forEach(work: (row: MemoryRow, siblings: readonly HashedVersion[]) => void): void {
    for (let after = 0; ;) {
      const rows = selectMemories.all(this.#connection, after, BATCH);
      const last = rows.at(-1);
      if (last === undefined) return;
      const siblings = this.#siblings(after, last.num);
      for (const row of rows) work(row, siblings.get(row.num) ?? []);
      after = last.num;
    }
  }

  /** Looks every tag and metadata value up, which takes long and is needed only when something is wrong. */
  withoutFacets(): string[] {
    const problems: string[] = [];
    this.#forEach(({ num, id }, siblings) => {
      if (siblings.length === 0) return;
      const { current } = derive({ num, id, siblings });
      const { tags, metadata } = this.#hidden(num) ?? current;
      const live = current.state === 'live' ? 1 : 0;
      const complete =
        tags.every((tag) => selectTags.get(this.#connection, live, num, tag) !== undefined) &&
        Object.entries(metadata).every(
          ([name, value]) =>
            selectAttribute.get(this.#connection, live, num, name, attributeValue(value)) !== undefined,
        );
      if (!complete) problems.push(`memory ${id} is missing in the filters of tags or metadata`);
    });
    return problems.length > 0
      ? problems
      : ['the filters of tags or metadata have entries that no memory has'];
  }

  #hidden(num: number): MemoryContent | null {
    return this.#anyHidden ? hiddenContent(this.#connection, num) : null;
  }

  /** Siblings of each memory in a range of row numbers; empty for a memory with history only. */
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
    const expected = derive({ num: row.num, id: row.id, siblings });
    const { current, entry } = expected;
    this.#checkHashes(row.id, siblings, expected);
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
    this.#checkFacets(row, current);
    this.#count(expected);
  }

  #checkHashes(id: string, siblings: readonly HashedVersion[], { current, entry }: DerivedState): void {
    for (const version of siblings) {
      const hasContent = version.state === 'live' || version.state === 'deleted';
      const known = version === current ? entry.contentHash : null;
      const expected = hasContent ? (known ?? contentHash(id, version)) : null;
      if (hexOf(expected) !== hexOf(version.hash)) {
        this.problems.push(`the content of memory ${id} is not what was stored`);
      }
    }
  }

  #checkFacets({ num, id, attributes: columns }: MemoryRow, current: StoredVersion): void {
    const hidden = this.#hidden(num);
    if (hidden !== null && current.state !== 'purged')
      this.problems.push(`memory ${id} is hidden, but not erased`);
    const { tags, metadata } = hidden ?? current;
    const live = current.state === 'live' ? 1 : 0;
    const attributes = Object.entries(metadata);
    if (columns !== JSON.stringify(attributeValues(metadata)))
      this.problems.push(`memory ${id} has a kind, a session or times that differ from its metadata`);
    this.totals.tags += tags.length;
    this.totals.attributes += attributes.length;
    for (const tag of tags) this.facets.add([live, tag, '', num]);
    for (const [name, value] of attributes) this.facets.add([live, name, attributeValue(value), num]);
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
