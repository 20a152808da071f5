import { addHash, contentHash, emptySum, type HashSum, storeDigests, toHex } from '../../memory/digest.ts';
import type { MemoryContent } from '../../memory/version.ts';
import type { IntegrityReport } from '../memory-store.ts';
import { ATTRIBUTE_COLUMNS, attributeValues } from './attribute-columns.ts';
import { type Connection, Query } from './connection.ts';
import { wrongCounts } from './counts.ts';
import { derive, type DerivedState, textHash } from './derived-state.ts';
import { SCALE_BYTES } from './embeddings.ts';
import { attributeValue } from './filter.ts';
import { facetSum, FacetSum } from './facet-sum.ts';
import { countHidden, hiddenContent } from './hidden.ts';
import { type StoredVersion, toVersion, VERSION_COLUMNS, type VersionRow } from './rows.ts';
import { readVersionVector, readDigests, readTotals } from './totals.ts';
import { MERGE } from './merge-steps.ts';
import type { VectorCatchUp } from './vector-catch-up.ts';

/** Further problems of one check are only counted. */
const MAX_PROBLEMS_PER_CHECK = 20;

const fullCheck = new Query<[], { answer: string }>(
  'SELECT integrity_check AS answer FROM pragma_integrity_check',
);
const quickCheck = new Query<[], { answer: string }>('SELECT quick_check AS answer FROM pragma_quick_check');
/**
 * Finds nothing. Only a query makes FTS5 compare the structure of its index that it keeps in memory with the file; its
 * part of the integrity check does not, and would take writes of other connections for damage.
 */
const refreshWords = new Query<[], { rowid: number }>(`SELECT rowid FROM word WHERE word MATCH '""' LIMIT 1`);
const foreignKeyCheck = new Query<[], { table: string; parent: string }>('PRAGMA foreign_key_check');
/** A check by one statement, which returns a row for each problem. */
interface StatementCheck {
  readonly checked: string;
  readonly query: Query<[], { problem: string }>;
}

const STATEMENT_CHECKS: readonly StatementCheck[] = [
  {
    // In the middle of a merge in steps, the clock does not cover the merged versions yet.
    checked: 'every version belongs to a memory and is covered by the clock',
    query: new Query(
      `SELECT 'version ' || v.machine || ':' || v.n || ' is not covered by the clock' AS problem
       FROM version v LEFT JOIN clock c ON c.machine = v.machine WHERE (c.n IS NULL OR c.n < v.n)
         AND NOT EXISTS (SELECT 1 FROM setting WHERE name = 'note:${MERGE}')`,
    ),
  },
  {
    checked: 'the full-text index holds exactly the live memories',
    query: new Query(
      `SELECT 'memory ' || id || ' is missing in the full-text index' AS problem FROM memory
       WHERE state = 'live' AND num NOT IN (SELECT rowid FROM word)
       UNION ALL
       SELECT 'the full-text index has an entry for ' || rowid || ', which is no live memory' FROM word
       WHERE rowid NOT IN (SELECT num FROM memory WHERE state = 'live')`,
    ),
  },
  {
    checked: 'vectors belong to current versions and have the size of their model',
    query: new Query(
      `SELECT 'vector ' || c.label || ' belongs to a version that is replaced or gone' AS problem
       FROM chunk c LEFT JOIN version v ON v.key = c.version WHERE v.sibling IS NOT 1
       UNION ALL
       SELECT 'vector ' || c.label || ' has ' || length(c.vector) || ' bytes'
       FROM chunk c JOIN model o ON o.id = c.model WHERE length(c.vector) <> o.dimension + ${SCALE_BYTES}`,
    ),
  },
  {
    checked: 'every live memory has vectors of each known model or waits for them',
    query: new Query(
      `SELECT 'memory ' || m.id || ' has no vectors of ' || o.model_id || ' and does not wait for them' AS problem
       FROM model o CROSS JOIN memory m WHERE m.state = 'live'
         AND NOT EXISTS (SELECT 1 FROM pending p WHERE p.model = o.id AND p.num = m.num)
         AND NOT EXISTS (SELECT 1 FROM chunk c WHERE c.version = m.current AND c.model = o.id)
       UNION ALL
       SELECT 'memory ' || m.id || ' waits for vectors that it has or does not need'
       FROM pending p JOIN memory m ON m.num = p.num WHERE m.state <> 'live'
         OR EXISTS (SELECT 1 FROM chunk c WHERE c.version = m.current AND c.model = p.model)`,
    ),
  },
  {
    checked: 'token vectors are where their vectors say, of a model that has a token space',
    query: new Query(
      `SELECT 'vector ' || c.label || ' says that it has token vectors and has none' AS problem
       FROM chunk c WHERE c.tokens = -1 AND NOT EXISTS (SELECT 1 FROM token_vector t WHERE t.label = c.label)
       UNION ALL
       SELECT 'vector ' || t.label || ' has token vectors that it does not know of'
       FROM token_vector t LEFT JOIN chunk c ON c.label = t.label LEFT JOIN token_space s ON s.model = t.model
       WHERE c.tokens IS NOT -1 OR c.model IS NOT t.model OR s.name IS NULL`,
    ),
  },
  {
    checked: 'the counts of word pieces against the token vectors',
    query: new Query(
      `SELECT 'word piece ' || piece || ' is counted ' || max(kept) || ' times instead of ' || max(found) AS problem
       FROM (SELECT model, piece, chunks AS kept, 0 AS found FROM piece_count
             UNION ALL SELECT t.model, e.value, 0, count(*) FROM token_vector t CROSS JOIN json_each(t.pieces) e
               GROUP BY t.model, e.value)
       GROUP BY model, piece HAVING max(kept) <> max(found)`,
    ),
  },
];

/**
 * Compares all derived data with the versions. Runs inside a transaction.
 * @param what.vectors the up-to-date vector index; null leaves it out
 * @param what.quick does not compare the indexes of SQLite with their tables, which takes most of the time
 */
export function checkIntegrity(
  connection: Connection,
  { vectors, quick }: { readonly vectors: VectorCatchUp | null; readonly quick: boolean },
): IntegrityReport {
  const report = new Report();
  report.check(
    quick ? 'the pages of the database file' : 'the database file with its indexes',
    checkFile(connection, quick ? quickCheck : fullCheck),
  );
  const memories = new MemoryCheck(connection);
  memories.run();
  report.check('every memory against its versions', memories.problems);
  report.check('tags and metadata filters', [
    ...checkFacetTotals(connection, memories),
    ...(memories.facets.equals(facetSum(connection)) ? [] : memories.withoutFacets()),
  ]);
  report.check('totals and digests against the versions', checkTotals(connection, memories));
  report.check('counts of tags, sources, conversations, days and waiting memories', wrongCounts(connection));
  for (const { checked, query } of STATEMENT_CHECKS) {
    report.check(
      checked,
      query.all(connection).map(({ problem }) => problem),
    );
  }
  if (vectors !== null) report.check('the vector index', checkVectors(connection, vectors));
  return report.result();
}

class Report {
  readonly #problems: string[] = [];
  readonly #checked: string[] = [];

  check(checked: string, problems: readonly string[]): void {
    this.#checked.push(checked);
    this.#problems.push(...problems.slice(0, MAX_PROBLEMS_PER_CHECK));
    const more = problems.length - MAX_PROBLEMS_PER_CHECK;
    if (more > 0) this.#problems.push(`${more} more problems in: ${checked}`);
  }

  result(): IntegrityReport {
    return { ok: this.#problems.length === 0, problems: this.#problems, checked: this.#checked };
  }
}

function checkFile(connection: Connection, check: Query<[], { answer: string }>): string[] {
  refreshWords.all(connection);
  const answers = check.all(connection).map(({ answer }) => answer);
  const orphans = foreignKeyCheck
    .all(connection)
    .map(({ table, parent }) => `a row of ${table} names a row of ${parent} that does not exist`);
  return [
    ...answers.filter((answer) => answer !== 'ok').map((answer) => `database file: ${answer}`),
    ...orphans,
  ];
}

function checkFacetTotals(connection: Connection, { totals }: MemoryCheck): string[] {
  return (['tag', 'attribute'] as const).flatMap((table) => {
    const count = new Query<[], { count: number }>(`SELECT count(*) AS count FROM ${table}`).get(
      connection,
    )?.count;
    const expected = totals[`${table}s`];
    return count === expected ? [] : [`the table ${table} has ${count ?? 0} rows instead of ${expected}`];
  });
}

function checkTotals(connection: Connection, { totals }: MemoryCheck): string[] {
  const ledger = readTotals(connection);
  const counts = (['live', 'trash', 'conflicts'] as const)
    .filter((name) => ledger[name] !== totals[name])
    .map((name) => `the total "${name}" is ${ledger[name]} instead of ${totals[name]}`);
  const expected = storeDigests(totals, readVersionVector(connection));
  const digests = readDigests(connection);
  const wrong = (['contentDigest', 'stateDigest'] as const)
    .filter((name) => digests[name] !== expected[name])
    .map((name) => `${name} is ${digests[name]} instead of ${expected[name]}`);
  return [...counts, ...wrong];
}

const countVectors = new Query<[model: number], { count: number }>(
  `SELECT count(*) AS count FROM memory m CROSS JOIN chunk c ON c.version = m.current AND c.model = ?
   WHERE m.state = 'live'`,
);

function checkVectors(connection: Connection, { index, model, count }: VectorCatchUp): string[] {
  const expected = countVectors.get(connection, model)?.count ?? 0;
  if (index.count === expected && count === expected) return [];
  return [`the vector index (${index.kind}) holds ${index.count} vectors instead of ${expected}`];
}

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
class MemoryCheck {
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
