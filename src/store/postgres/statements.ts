/**
 * The statements of one schema. `$1` is the space. Memories go in and out as JSON, because one parameter carries any
 * number of them. An entry is one statement: it is one transaction with one round trip.
 */
export interface Statements {
  readonly head: string;
  /** The same; no row when the space is in the trash of a team. */
  readonly headInUse: string;
  readonly create: string;
  readonly page: string;
  /** Like `page` with more memories and without their vectors. */
  readonly texts: string;
  readonly vectors: string;
  /** One entry with all its memories; no row when it is not the next one. */
  readonly append: string;
  /** The parts of an entry that is too large for one statement. */
  readonly lock: string;
  /** Like `lock`, without waiting: no row when another store has it. */
  readonly tryLock: string;
  readonly begin: string;
  readonly addMemories: string;
  readonly findEntry: string;
  /** An empty entry, if the space is still where it was. */
  readonly skip: string;
  readonly addModel: string;
  readonly lease: string;
  readonly endLease: string;
}

/** Most rows of one page. */
export interface PageSizes {
  readonly memories: number;
  /** Memories without their vectors. */
  readonly texts: number;
  readonly vectors: number;
}

const PAGE_SIZES: PageSizes = { memories: 1_000, texts: 2_000, vectors: 5_000 };
/** A page ends before the row that would make it larger, if it has any. */
const PAGE_BYTES = 8 * 1024 * 1024;

const MEMORY = `m(id uuid, change bigint, erased boolean, hidden json, bytes integer, versions json, kept json, vectors json)`;
const VERSION = `v(machine text, n bigint, place integer, state text, current boolean, replaced bigint, text text, tags json,
  source text, metadata text, created bigint, updated bigint)`;
const KEPT = 'k(machine text, n bigint, replaced bigint)';
const VECTORS = `e(machine text, n bigint, model text, dimension integer, weights text, starts json, ends json, vectors text)`;

/**
 * @param schema a checked name
 * @param sizes only tests give others than the usual ones
 */
export function statementsFor(schema: string, sizes: PageSizes = PAGE_SIZES): Statements {
  return {
    head: head(schema, ''),
    headInUse: head(
      schema,
      `AND NOT EXISTS (SELECT 1 FROM ${schema}.team_space t WHERE t.id = s.id AND t.removed IS NOT NULL)`,
    ),
    create: `WITH made AS (
        INSERT INTO ${schema}.space (id, machine, sequence, commit_id, change, clock)
        VALUES ($1, $2, 0, gen_random_uuid(), 0, '{}') ON CONFLICT DO NOTHING RETURNING id, sequence, commit_id)
      INSERT INTO ${schema}.entry (space, sequence, commit_id) SELECT id, sequence, commit_id FROM made`,
    page: page(schema, { rows: sizes.memories, vectors: vectorsOf(schema) }),
    texts: page(schema, { rows: sizes.texts, vectors: "'[]'::json" }),
    vectors: vectorPage(schema, sizes.vectors),
    append: `WITH head AS (
        SELECT id FROM ${schema}.space WHERE id = $1 AND sequence = $2 AND commit_id = $8 FOR UPDATE SKIP LOCKED
      ), ${bump(schema, 'FROM head WHERE s.id = head.id')}, ${memories(schema, '$9')}
      SELECT sequence::text FROM bumped`,
    lock: `SELECT sequence::text FROM ${schema}.space WHERE id = $1 FOR UPDATE`,
    tryLock: `SELECT sequence::text FROM ${schema}.space WHERE id = $1 FOR UPDATE SKIP LOCKED`,
    begin: `WITH ${bump(schema, 'WHERE s.id = $1 AND s.sequence = $2 AND s.commit_id = $8')} SELECT sequence::text FROM bumped`,
    addMemories: `WITH bumped AS (SELECT $1::text AS space, $2::bigint AS sequence), ${memories(schema, '$3')}
      SELECT 1 FROM bumped`,
    findEntry: `SELECT sequence::text FROM ${schema}.entry WHERE space = $1 AND sequence = $2 AND commit_id = $3`,
    skip: `WITH bumped AS (
        UPDATE ${schema}.space SET sequence = sequence + 1, commit_id = $3
        WHERE id = $1 AND sequence = $2 AND commit_id = $4 RETURNING id, sequence)
      INSERT INTO ${schema}.entry (space, sequence, commit_id) SELECT id, sequence, $3 FROM bumped`,
    addModel: `INSERT INTO ${schema}.model (model_id, dimension, weights_hash) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING`,
    lease: `INSERT INTO ${schema}.lease AS l (space, name, holder, ends_at)
      VALUES ($1, $2, $3, now() + $4 * interval '1 millisecond')
      ON CONFLICT (space, name) DO UPDATE SET holder = excluded.holder, ends_at = excluded.ends_at
        WHERE l.holder = excluded.holder OR l.ends_at <= now() RETURNING holder`,
    endLease: `DELETE FROM ${schema}.lease WHERE space = $1 AND name = $2 AND holder = $3`,
  };
}

/** The end of the log, with all that tells whether the answer can be relied on. One row, also when there is no such space. */
function head(schema: string, which: string): string {
  return `SELECT v.version, pg_is_in_recovery() AS is_copy,
      (extract(epoch FROM clock_timestamp()) * 1000)::bigint::text AS time, s.sequence::text, s.commit_id::text
    FROM ${schema}.schema_version v LEFT JOIN ${schema}.space s ON s.id = $1 ${which}`;
}

/** Makes the entry the newest one of its space, and keeps its notes. */
function bump(schema: string, which: string): string {
  return `bumped AS (
      UPDATE ${schema}.space s SET sequence = s.sequence + 1, commit_id = $3, machine = $4, change = $5, clock = $6
      ${which} RETURNING s.id AS space, s.sequence
    ), logged AS (
      INSERT INTO ${schema}.entry (space, sequence, commit_id) SELECT space, sequence, $3 FROM bumped
    ), noted AS (
      INSERT INTO ${schema}.note (space, kind, place, name, sequence, value)
      SELECT b.space, n.kind, n.place, n.name, b.sequence, n.value::json
      FROM bumped b, json_to_recordset($7::json) AS n(kind text, place text, name text, value text)
      ON CONFLICT (space, kind, place, name) DO UPDATE SET sequence = excluded.sequence, value = excluded.value
    )`;
}

/** Sets each memory to exactly the given state. Parts of a memory that it does not name are erased. */
function memories(schema: string, parameter: string): string {
  const listed = (row: string, list: string): string => `EXISTS (
        SELECT 1 FROM json_to_recordset(w.${list}) AS x(machine text, n bigint)
        WHERE x.machine = ${row}.machine AND x.n = ${row}.counter)`;
  return `wanted AS MATERIALIZED (
      SELECT b.space, b.sequence, m.* FROM bumped b, json_to_recordset(${parameter}::json) AS ${MEMORY}
    ), states AS (
      INSERT INTO ${schema}.memory_state (space, id, sequence, change, erased_here, hidden, bytes)
      SELECT space, id, sequence, change, erased, hidden, bytes FROM wanted
      ON CONFLICT (space, id) DO UPDATE SET sequence = excluded.sequence, change = excluded.change,
        erased_here = excluded.erased_here, hidden = excluded.hidden, bytes = excluded.bytes
    ), versions AS (
      INSERT INTO ${schema}.version AS o (space, memory_id, machine, counter, sequence, place, state, current, replaced_at,
        text, tags, source, metadata, created_at, updated_at)
      SELECT w.space, w.id, v.machine, v.n, w.sequence, v.place, v.state, v.current, v.replaced, v.text,
        ARRAY(SELECT json_array_elements_text(v.tags)), v.source, v.metadata::json, v.created, v.updated
      FROM wanted w, json_to_recordset(w.versions) AS ${VERSION}
      ON CONFLICT (space, memory_id, machine, counter) DO UPDATE SET state = excluded.state, current = excluded.current,
        replaced_at = excluded.replaced_at, text = excluded.text, tags = excluded.tags, source = excluded.source,
        metadata = excluded.metadata, created_at = excluded.created_at, updated_at = excluded.updated_at
      WHERE (o.state, o.current, o.replaced_at, o.text, o.tags, o.source, o.metadata::text, o.created_at, o.updated_at)
        IS DISTINCT FROM (excluded.state, excluded.current, excluded.replaced_at, excluded.text, excluded.tags,
          excluded.source, excluded.metadata::text, excluded.created_at, excluded.updated_at)
    ), replaced AS (
      UPDATE ${schema}.version v SET replaced_at = k.replaced, current = false
      FROM wanted w, json_to_recordset(w.kept) AS ${KEPT}
      WHERE v.space = w.space AND v.memory_id = w.id AND v.machine = k.machine AND v.counter = k.n
        AND (v.current OR v.replaced_at IS DISTINCT FROM k.replaced)
    ), gone AS (
      DELETE FROM ${schema}.version v USING wanted w
      WHERE v.space = w.space AND v.memory_id = w.id AND NOT ${listed('v', 'versions')} AND NOT ${listed('v', 'kept')}
    ), vectors AS MATERIALIZED (
      SELECT w.space, w.id, e.machine, e.n, m.id AS model,
        ARRAY(SELECT json_array_elements_text(e.starts)::integer) AS starts,
        ARRAY(SELECT json_array_elements_text(e.ends)::integer) AS ends, decode(e.vectors, 'base64') AS vectors
      FROM wanted w, json_to_recordset(w.vectors) AS ${VECTORS}
      JOIN ${schema}.model m ON m.model_id = e.model AND m.dimension = e.dimension AND m.weights_hash = e.weights
    ), embedded AS (
      INSERT INTO ${schema}.embedding AS o (space, memory_id, machine, counter, model, starts, ends, vectors)
      SELECT * FROM vectors
      ON CONFLICT (space, memory_id, machine, counter, model) DO UPDATE SET starts = excluded.starts,
        ends = excluded.ends, vectors = excluded.vectors
      WHERE (o.starts, o.ends, o.vectors) IS DISTINCT FROM (excluded.starts, excluded.ends, excluded.vectors)
    ), unembedded AS (
      DELETE FROM ${schema}.embedding o USING wanted w
      WHERE o.space = w.space AND o.memory_id = w.id AND NOT EXISTS (
        SELECT 1 FROM vectors x
        WHERE x.id = o.memory_id AND x.machine = o.machine AND x.n = o.counter AND x.model = o.model)
    )`;
}

/** Memories after the entry `$2` and the change `$3`, with all that the reader needs of the space: one row, one moment. */
function page(
  schema: string,
  { rows, vectors }: { readonly rows: number; readonly vectors: string },
): string {
  return `WITH wanted AS MATERIALIZED (
      SELECT * FROM (
        SELECT *, sum(bytes::bigint) OVER (ORDER BY change) - bytes AS before FROM (
          SELECT id, change, erased_here, hidden, bytes FROM ${schema}.memory_state
          WHERE space = $1 AND sequence > $2 AND change > $3 ORDER BY change LIMIT ${rows}
        ) first
      ) sized WHERE before <= ${PAGE_BYTES}
    )
    SELECT s.sequence::text, s.commit_id::text, s.machine, s.change::text, s.clock,
      (SELECT commit_id::text FROM ${schema}.entry e WHERE e.space = $1 AND e.sequence = $2) AS known,
      NOT EXISTS (
        SELECT 1 FROM ${schema}.memory_state n
        WHERE n.space = $1 AND n.sequence > $2 AND n.change > coalesce((SELECT max(change) FROM wanted), $3)
      ) AS done,
      coalesce((
        SELECT json_agg(json_build_object('id', w.id, 'change', w.change, 'erased', w.erased_here, 'hidden', w.hidden,
          'versions', (
            SELECT json_agg(json_build_object('machine', v.machine, 'n', v.counter, 'state', v.state,
              'replaced', v.replaced_at, 'text', v.text, 'tags', v.tags, 'source', v.source,
              'metadata', v.metadata::text, 'created', v.created_at, 'updated', v.updated_at)
              ORDER BY v.replaced_at IS NULL, v.sequence, v.place)
            FROM ${schema}.version v WHERE v.space = $1 AND v.memory_id = w.id),
          'vectors', ${vectors}) ORDER BY w.change)
        FROM wanted w), '[]') AS memories,
      (SELECT coalesce(json_agg(json_build_object('kind', n.kind, 'place', n.place, 'name', n.name, 'value', n.value)), '[]')
        FROM ${schema}.note n WHERE n.space = $1 AND n.sequence > $2) AS notes
    FROM ${schema}.space s WHERE s.id = $1`;
}

/** The vectors of the memory `w`. */
function vectorsOf(schema: string): string {
  return `(
            SELECT coalesce(json_agg(json_build_object('machine', b.machine, 'n', b.counter, 'model', m.model_id,
              'dimension', m.dimension, 'weights', m.weights_hash, 'starts', b.starts, 'ends', b.ends,
              'vectors', translate(encode(b.vectors, 'base64'), E'\\n', ''))), '[]')
            FROM ${schema}.embedding b JOIN ${schema}.model m ON m.id = b.model
            WHERE b.space = $1 AND b.memory_id = w.id)`;
}

/** Vectors after those of a memory `$2`, a machine `$3`, a counter `$4` and a model `$5`, in the order of the primary key. */
function vectorPage(schema: string, rows: number): string {
  return `WITH wanted AS MATERIALIZED (
      SELECT * FROM (
        SELECT *, sum(length(vectors)::bigint) OVER (ORDER BY memory_id, machine, counter, model) - length(vectors) AS before
        FROM (
          SELECT memory_id, machine, counter, model, starts, ends, vectors FROM ${schema}.embedding
          WHERE space = $1 AND (memory_id, machine, counter, model) > ($2, $3, $4, $5)
          ORDER BY memory_id, machine, counter, model LIMIT ${rows}
        ) first
      ) sized WHERE before <= ${PAGE_BYTES}
    )
    SELECT coalesce(json_agg(json_build_array(machine, counter, model, starts, ends, length(vectors))
        ORDER BY memory_id, machine, counter, model), '[]') AS rows,
      coalesce(string_agg(vectors, '' ORDER BY memory_id, machine, counter, model), '') AS vectors,
      (SELECT json_build_array(memory_id, machine, counter, model) FROM wanted
        ORDER BY memory_id DESC, machine DESC, counter DESC, model DESC LIMIT 1) AS last,
      (SELECT coalesce(json_agg(json_build_array(id, model_id, dimension, weights_hash)), '[]') FROM ${schema}.model
        WHERE id IN (SELECT model FROM wanted)) AS models
    FROM wanted`;
}
