import { storeDigests } from '../../memory/digest.ts';
import type { IntegrityPart, IntegrityReport } from '../memory-store.ts';
import { type Connection, Query } from './connection.ts';
import { wrongCounts } from './counts.ts';
import { SCALE_BYTES } from './embeddings.ts';
import { facetSum } from './facet-sum.ts';
import { MemoryCheck } from './memory-check.ts';
import { MERGE } from './merge-steps.ts';
import { readVersionVector, readDigests, readTotals } from './totals.ts';
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

interface WantedChecks {
  /** The up-to-date vector index; null leaves it out. */
  readonly vectors: VectorCatchUp | null;
  /** True does not compare the indexes of SQLite with their tables, which takes most of the time. */
  readonly quick: boolean;
  /** Undefined: both. */
  readonly part: IntegrityPart | undefined;
}

/** Compares all derived data with the versions. Runs inside a transaction. */
export function checkIntegrity(
  connection: Connection,
  { vectors, quick, part }: WantedChecks,
): IntegrityReport {
  const report = new Report();
  if (part !== 'memories') {
    report.check(
      quick ? 'the pages of the database file' : 'the database file with its indexes',
      checkFile(connection, quick ? quickCheck : fullCheck),
    );
    for (const { checked, query } of STATEMENT_CHECKS) {
      report.check(
        checked,
        query.all(connection).map(({ problem }) => problem),
      );
    }
  }
  if (part !== 'file') checkMemories(connection, report);
  if (vectors !== null) report.check('the vector index', checkVectors(connection, vectors));
  return report.result();
}

function checkMemories(connection: Connection, report: Report): void {
  const memories = new MemoryCheck(connection);
  memories.run();
  report.check('every memory against its versions', memories.problems);
  report.check('tags and metadata filters', [
    ...checkFacetTotals(connection, memories),
    ...(memories.facets.equals(facetSum(connection)) ? [] : memories.withoutFacets()),
  ]);
  report.check('totals and digests against the versions', checkTotals(connection, memories));
  report.check('counts of tags, sources, conversations, days and waiting memories', wrongCounts(connection));
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
