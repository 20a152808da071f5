import { mostTelling, nearestPieces, pieceWeights, weighted } from '../../embedding/late-interaction.ts';
import type { TokenVectors } from '../../embedding/embedder.ts';
import type { PackedTokens, TokenMatch, TokenRequest, TokenSpace } from '../memory-store.ts';
import { type Connection, Query } from './connection.ts';
import { ensureModel, findModel } from './models.ts';

/**
 * Schema version 5: the vectors of single word pieces. All of it can be dropped and made again from the texts.
 *
 * chunk.tokens: -1 = has a row in `token_vector`; else the time until which a process alone makes it.
 * token_space: the models whose chunks have token vectors, or wait for them.
 * token_vector: pieces = JSON list of the different word pieces, and 0; vectors = packed, in the order of the text.
 * piece_count: in how many chunks a word piece occurs; 0 stands for all chunks. Triggers keep it right.
 */
export const SCHEMA_5 = `
ALTER TABLE chunk ADD COLUMN tokens INTEGER NOT NULL DEFAULT 0;
CREATE INDEX chunk_without_tokens ON chunk (model, tokens) WHERE tokens >= 0;

CREATE TABLE token_space (model INTEGER PRIMARY KEY REFERENCES model (id), name TEXT NOT NULL) STRICT;

CREATE TABLE token_vector (
  label INTEGER PRIMARY KEY REFERENCES chunk (label),
  model INTEGER NOT NULL,
  pieces TEXT NOT NULL,
  vectors BLOB NOT NULL
) STRICT;

CREATE TABLE piece_count (
  model INTEGER NOT NULL, piece INTEGER NOT NULL, chunks INTEGER NOT NULL, PRIMARY KEY (model, piece)
) STRICT, WITHOUT ROWID;

CREATE TRIGGER token_vector_added AFTER INSERT ON token_vector BEGIN
  INSERT INTO piece_count (model, piece, chunks) SELECT NEW.model, value, 1 FROM json_each(NEW.pieces) WHERE true
    ON CONFLICT (model, piece) DO UPDATE SET chunks = chunks + 1;
END;
CREATE TRIGGER token_vector_removed AFTER DELETE ON token_vector BEGIN
  UPDATE piece_count SET chunks = chunks - 1
    WHERE model = OLD.model AND piece IN (SELECT value FROM json_each(OLD.pieces));
  DELETE FROM piece_count
    WHERE model = OLD.model AND piece IN (SELECT value FROM json_each(OLD.pieces)) AND chunks = 0;
END;
CREATE TRIGGER chunk_removed AFTER DELETE ON chunk BEGIN
  DELETE FROM token_vector WHERE label = OLD.label;
END;
`;

/** Stands for all chunks among the pieces; no word piece of a text has this id. */
const ALL_CHUNKS = 0;
/** Value of `chunk.tokens` for a chunk with token vectors. */
export const HAS_TOKENS = -1;
/** Chunks of one memory that are compared: the one nearest by its own vector, and the first ones. */
const COMPARED_CHUNKS = 16;
const REMOVED_AT_ONCE = 1_000;

const insertTokens = new Query<[label: number, model: number, pieces: string, vectors: Uint8Array]>(
  'INSERT INTO token_vector (label, model, pieces, vectors) VALUES (?, ?, ?, ?)',
);
const updateState = new Query<[tokens: number, label: number]>('UPDATE chunk SET tokens = ? WHERE label = ?');
const selectSpaces = new Query<[], { model: number; name: string }>('SELECT model, name FROM token_space');
const upsertSpace = new Query<[model: number, name: string]>(
  `INSERT INTO token_space (model, name) VALUES (?, ?) ON CONFLICT (model) DO NOTHING`,
);
const deleteSpace = new Query<[model: number]>('DELETE FROM token_space WHERE model = ?');
const selectStale = new Query<[model: number, limit: number], { label: number }>(
  'SELECT label FROM token_vector WHERE model = ? LIMIT ?',
);
const deleteTokens = new Query<[label: number]>('DELETE FROM token_vector WHERE label = ?');
const selectMissing = new Query<[model: number], { count: number }>(
  'SELECT count FROM without_tokens_count WHERE model = ?',
);
const selectFrequencies = new Query<[model: number, pieces: string], { piece: number; chunks: number }>(
  'SELECT piece, chunks FROM piece_count WHERE model = ? AND piece IN (SELECT value FROM json_each(?))',
);
const selectCompared = new Query<
  [id: string, model: number, start: number, limit: number],
  { vectors: Uint8Array }
>(
  `SELECT t.vectors FROM memory m CROSS JOIN chunk c ON c.version = m.current
     CROSS JOIN token_vector t ON t.label = c.label
   WHERE m.id = ? AND c.model = ? ORDER BY c.start_offset = ? DESC, c.label LIMIT ?`,
);

export function keepsTokensOf(connection: Connection, model: number): boolean {
  return selectSpaces.all(connection).some((space) => space.model === model);
}

interface ChunkTokens {
  readonly label: number;
  readonly model: number;
  readonly tokens: PackedTokens;
}

/** Stores the token vectors of a chunk whose row says that it has them. */
export function storeTokens(connection: Connection, { label, model, tokens }: ChunkTokens): void {
  const pieces = JSON.stringify([ALL_CHUNKS, ...new Set(tokens.pieces)]);
  insertTokens.run(connection, label, model, pieces, tokens.vectors);
}

/** Adds the token vectors of a chunk that has none. */
export function addTokens(connection: Connection, added: ChunkTokens): void {
  storeTokens(connection, added);
  updateState.run(connection, HAS_TOKENS, added.label);
}

/** Live memories whose token vectors of this model are still to be made; 0 for a model without any. */
export function countWithoutTokens(connection: Connection, model: number): number {
  return selectMissing.get(connection, model)?.count ?? 0;
}

/** True when `keepTokens` has nothing to do. It is asked first, because `keepTokens` needs the write lock. */
export function keepsOnly(connection: Connection, kept: TokenSpace | null): boolean {
  const spaces = selectSpaces.all(connection);
  if (kept === null) return spaces.length === 0;
  const model = findModel(connection, kept.modelId);
  return spaces.length === 1 && spaces[0]?.model === model && spaces[0]?.name === kept.name;
}

/** One step towards having the token vectors of one space only. @returns true when another step is needed */
export function keepTokens(connection: Connection, kept: TokenSpace | null): boolean {
  const model = kept === null ? undefined : ensureModel(connection, kept.modelId);
  for (const space of selectSpaces.all(connection)) {
    if (space.model === model && space.name === kept?.name) continue;
    const labels = selectStale.all(connection, space.model, REMOVED_AT_ONCE);
    for (const { label } of labels) {
      deleteTokens.run(connection, label);
      updateState.run(connection, 0, label);
    }
    if (labels.length === REMOVED_AT_ONCE) return true;
    deleteSpace.run(connection, space.model);
  }
  if (model !== undefined && kept !== null) upsertSpace.run(connection, model, kept.name);
  return false;
}

/** Compares the word pieces of a query with those of memories; leaves out memories without token vectors. */
export function matchTokens(connection: Connection, request: TokenRequest): TokenMatch[] {
  const model = findModel(connection, request.space.modelId);
  const known = selectSpaces.all(connection);
  if (!known.some((space) => space.model === model && space.name === request.space.name)) return [];
  if (model === undefined || request.tokens.pieces.length === 0) return [];
  const all = readWeights(connection, model, request.tokens);
  const { query, weights } = mostTelling(request.tokens, all);
  return request.candidates.flatMap(({ id, start = 0 }) => {
    const chunks = selectCompared.all(connection, id, model, start, COMPARED_CHUNKS);
    const cosines = chunks.flatMap(({ vectors }) => nearestPieces(query, vectors) ?? []);
    if (cosines.length === 0) return [];
    const equal = new Float32Array(weights.length).fill(1 / weights.length);
    return {
      id,
      score: Math.max(...cosines.map((each) => weighted(each, weights))),
      plain: Math.max(...cosines.map((each) => weighted(each, equal))),
    };
  });
}

function readWeights(connection: Connection, model: number, { pieces }: TokenVectors): Float32Array {
  const rows = selectFrequencies.all(connection, model, JSON.stringify([ALL_CHUNKS, ...pieces]));
  const frequencies = new Map(rows.map(({ piece, chunks }) => [piece, chunks]));
  return pieceWeights(
    frequencies.get(ALL_CHUNKS) ?? 0,
    [...pieces].map((piece) => frequencies.get(piece) ?? 0),
  );
}
