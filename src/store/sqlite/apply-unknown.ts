import type { EmbeddingModelId } from '../../embedding/embedder.ts';
import { contentHash } from '../../memory/digest.ts';
import { canonicalJson, sameDot } from '../../memory/version.ts';
import type { SharedMemory, SharedVersion } from '../shared-log.ts';
import { ATTRIBUTE_COLUMNS, type AttributeValues, attributeValues } from './attribute-columns.ts';
import { type Connection, Query, type SqlValue } from './connection.ts';
import { derive, type DerivedState, textHash } from './derived-state.ts';
import { type FacetRows, rowsOfFacets } from './filter.ts';
import { indexWords } from './full-text.ts';
import { setErasure } from './hidden.ts';
import { knownModel } from './models.ts';
import type { StoredVersion } from './rows.ts';
import type { Totals } from './totals.ts';
import { nextNum } from './version-writer.ts';

/** Rows of one statement. Few sizes, so that few statements are kept. */
const SIZES = [64, 16, 4, 1] as const;

/** Inserts many rows of one table with few statements: a call of SQLite for each row takes longer than its work. */
class BulkInsert<Row extends readonly SqlValue[]> {
  readonly #queries: readonly { readonly size: number; readonly query: Query<SqlValue[]> }[];

  /** @param columns as many as a row has values */
  constructor(table: string, columns: readonly string[]) {
    const row = `(${columns.map(() => '?').join(', ')})`;
    this.#queries = SIZES.map((size) => ({
      size,
      query: new Query(
        `INSERT INTO ${table} (${columns.join(', ')}) VALUES ${Array.from({ length: size }, () => row).join(', ')}`,
      ),
    }));
  }

  run(connection: Connection, rows: readonly Row[]): void {
    let from = 0;
    for (const { size, query } of this.#queries) {
      for (; rows.length - from >= size; from += size)
        query.run(connection, ...rows.slice(from, from + size).flat());
    }
  }
}

const versions = new BulkInsert('version', [
  ...['key', 'num', 'machine', 'n', 'state', 'sibling', 'replaced_at', 'text', 'tags', 'source', 'metadata'],
  ...['created_at', 'updated_at', 'content_hash'],
]);
const memories = new BulkInsert<readonly [...SqlValue[], ...AttributeValues]>('memory', [
  ...['num', 'id', 'sequence', 'state', 'conflict', 'current', 'source', 'created_at', 'updated_at'],
  ...['text_hash', ...ATTRIBUTE_COLUMNS],
]);
const tags = new BulkInsert<FacetRows['tags'][number]>('tag', ['live', 'tag', 'num']);
const attributes = new BulkInsert<FacetRows['attributes'][number]>('attribute', [
  'live',
  'name',
  'value',
  'num',
]);
const chunks = new BulkInsert('chunk', ['version', 'model', 'start_offset', 'end_offset', 'vector']);

const selectLastKey = new Query<[], { key: number }>(
  `SELECT seq AS key FROM sqlite_sequence WHERE name = 'version'`,
);
const insertPending = new Query<[until: number, from: number]>(
  `INSERT INTO pending (model, num, leased_until, later)
   SELECT o.id, m.num, ?, m.kind = 'conversation' FROM memory m CROSS JOIN model o
   WHERE m.num >= ? AND m.state = 'live'
     AND NOT EXISTS (SELECT 1 FROM chunk c WHERE c.version = m.current AND c.model = o.id)`,
);

/** A memory with its new numbers. */
interface Numbered {
  readonly num: number;
  readonly memory: SharedMemory;
  readonly siblings: readonly StoredVersion[];
  readonly state: DerivedState;
}

/**
 * Adds memories of which the store has nothing, as `settle` would one by one: without questions about them, and with
 * statements for many rows. Their words come at the end, so no other memory may be settled before the caller's words
 * are in the index.
 */
export class UnknownMemories {
  readonly #connection: Connection;
  readonly #totals: Totals;
  readonly #firstNum: number;
  #key: number;
  readonly #all: Numbered[] = [];
  readonly #versions: SqlValue[][] = [];
  /** Undefined for models beyond the limit. */
  readonly #models = new Map<string, number | undefined>();

  constructor({ connection, totals }: { readonly connection: Connection; readonly totals: Totals }) {
    this.#connection = connection;
    this.#totals = totals;
    this.#firstNum = nextNum(connection);
    this.#key = selectLastKey.get(connection)?.key ?? 0;
  }

  note(memory: SharedMemory): void {
    for (const { modelId } of memory.vectors) this.#learnModel(modelId);
    const num = this.#firstNum + this.#all.length;
    const stored = memory.versions.map((version) => ({ key: ++this.#key, version }));
    const siblings = stored
      .filter(({ version }) => version.replacedAt === null)
      .map(({ key, version }) => ({ ...version, key }));
    const state = derive({ num, id: memory.id, siblings });
    for (const { key, version } of stored) this.#noteVersion({ num, key, version }, { id: memory.id, state });
    this.#totals.add(state.entry);
    this.#all.push({ num, memory, siblings, state });
  }

  /** Before the memories are there, because all that are there become pending for a new model. */
  #learnModel(modelId: EmbeddingModelId): void {
    const key = keyOf(modelId);
    if (!this.#models.has(key)) this.#models.set(key, knownModel(this.#connection, modelId));
  }

  #noteVersion(
    { num, key, version }: { readonly num: number; readonly key: number; readonly version: SharedVersion },
    { id, state: { current, entry } }: { readonly id: string; readonly state: DerivedState },
  ): void {
    const hasContent = version.state === 'live' || version.state === 'deleted';
    const known = key === current.key ? entry.contentHash : null;
    this.#versions.push([
      ...[key, num, version.dot.machine, version.dot.n, version.state],
      ...[
        version.replacedAt === null ? 1 : 0,
        version.replacedAt,
        version.text,
        JSON.stringify(version.tags),
      ],
      ...[version.source, canonicalJson(version.metadata), version.createdAt, version.updatedAt],
      hasContent ? (known ?? contentHash(id, version)) : null,
    ]);
  }

  /** Writes everything but vectors and words. */
  insert(): void {
    const connection = this.#connection;
    versions.run(connection, this.#versions);
    memories.run(connection, this.#all.map(memoryRow));
    const facets = this.#all.map(({ num, state: { current, entry } }) =>
      rowsOfFacets(num, { live: entry.live, content: current }),
    );
    tags.run(
      connection,
      facets.flatMap((rows) => rows.tags),
    );
    attributes.run(
      connection,
      facets.flatMap((rows) => rows.attributes),
    );
    for (const { num, memory } of this.#all)
      if (memory.hidden !== null || memory.erasedHere) setErasure(connection, num, memory);
  }

  /** @param leasedUntil memories without vectors wait so long, because another store makes them */
  insertVectors(leasedUntil: number): void {
    const rows = this.#all.flatMap((memory) => this.#chunkRows(memory));
    chunks.run(this.#connection, rows);
    insertPending.run(this.#connection, leasedUntil, this.#firstNum);
  }

  #chunkRows({ memory, siblings }: Numbered): SqlValue[][] {
    return siblings.flatMap(({ key, dot }) =>
      memory.vectors
        .filter((vectors) => vectors.chunks.length > 0 && sameDot(vectors.dot, dot))
        .flatMap((vectors) => {
          const model = this.#models.get(keyOf(vectors.modelId));
          if (model === undefined) return [];
          return vectors.chunks.map(({ start, end, vector }) => [key, model, start, end, vector]);
        }),
    );
  }

  /** In the order of their numbers, as the index wants it. */
  indexWords(): void {
    for (const { num, state } of this.#all)
      if (state.entry.live) indexWords(this.#connection, num, state.current);
  }
}

function keyOf({ modelId, dimension, weightsHash }: EmbeddingModelId): string {
  return JSON.stringify([modelId, dimension, weightsHash]);
}

function memoryRow({ num, memory, state }: Numbered): readonly [...SqlValue[], ...AttributeValues] {
  const { current, entry } = state;
  return [
    ...[num, memory.id, memory.change, current.state, entry.conflict ? 1 : 0, current.key],
    ...[current.source, current.createdAt, current.updatedAt, entry.live ? textHash(current.text) : null],
    ...attributeValues(current.metadata),
  ];
}
