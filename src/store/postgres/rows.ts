import {
  canonicalJson,
  type JsonValue,
  type MemoryContent,
  type VersionVector,
} from '../../memory/version.ts';
import type { EmbeddingModelId } from '../../embedding/embedder.ts';
import type {
  ChangedMemory,
  LogPage,
  PagedVectors,
  SharedMemory,
  SharedNote,
  SharedVectors,
  VectorPage,
} from '../shared-log.ts';

/** Bytes of memories, about, in one statement. */
const BATCH_BYTES = 4 * 1024 * 1024;

interface HiddenJson {
  readonly text: string;
  readonly tags: string[];
  readonly source: string;
  readonly metadata: string;
  readonly created: number;
  readonly updated: number;
  readonly at: number;
}

interface VersionJson {
  readonly machine: string;
  readonly n: number;
  readonly state: 'live' | 'deleted' | 'stripped' | 'purged';
  readonly replaced: number | null;
  readonly text: string;
  readonly tags: string[];
  readonly source: string;
  readonly metadata: string;
  readonly created: number;
  readonly updated: number;
}

interface VectorsJson {
  readonly machine: string;
  readonly n: number;
  readonly model: string;
  readonly dimension: number;
  readonly weights: string;
  readonly starts: number[];
  readonly ends: number[];
  /** Base64, one chunk after the other. */
  readonly vectors: string;
}

interface MemoryJson {
  readonly id: string;
  readonly change: number;
  readonly erased: boolean;
  readonly hidden: HiddenJson | null;
  readonly versions: VersionJson[] | null;
  readonly vectors: VectorsJson[];
}

/** The row of the statement `page`. */
export interface PageRow {
  readonly sequence: string;
  readonly commit_id: string;
  readonly machine: string;
  readonly change: string;
  readonly clock: VersionVector;
  readonly known: string | null;
  readonly done: boolean;
  readonly memories: readonly MemoryJson[];
  readonly notes: readonly SharedNote[];
}

/** Memories in groups of some MiB. At least one group. */
export function batchesOf(memories: readonly ChangedMemory[]): ChangedMemory[][] {
  const batches: ChangedMemory[][] = [[]];
  let bytes = 0;
  for (const memory of memories) {
    const size = sizeOf(memory);
    if (bytes > 0 && bytes + size > BATCH_BYTES) {
      batches.push([]);
      bytes = 0;
    }
    batches.at(-1)?.push(memory);
    bytes += size;
  }
  return batches;
}

function sizeOf({ versions, vectors }: ChangedMemory): number {
  const texts = versions.reduce(
    (sum, { text, metadata }) => sum + text.length + canonicalJson(metadata).length,
    200,
  );
  return vectors.reduce((sum, { chunks, modelId }) => sum + chunks.length * (modelId.dimension + 20), texts);
}

/** The memories as the statements read them. */
export function memoriesJson(memories: readonly ChangedMemory[]): string {
  return JSON.stringify(memories.map(toJson));
}

function toJson(memory: ChangedMemory): unknown {
  const { id, change, erasedHere: erased, hidden, versions, kept, vectors, current } = memory;
  return {
    ...{ id, change, erased, bytes: sizeOf(memory) },
    hidden: hidden === null ? null : { ...contentJson(hidden.content), at: hidden.at },
    versions: versions.map(({ dot, state, replacedAt, ...content }, place) => ({
      ...{ machine: dot.machine, n: dot.n, state, place, replaced: replacedAt },
      current: dot.machine === current.machine && dot.n === current.n,
      ...contentJson(content),
    })),
    kept: kept.map(({ dot, replacedAt }) => ({ machine: dot.machine, n: dot.n, replaced: replacedAt })),
    vectors: vectors.map(({ dot, modelId, chunks }) => ({
      ...{ machine: dot.machine, n: dot.n },
      ...{ model: modelId.modelId, dimension: modelId.dimension, weights: modelId.weightsHash },
      starts: chunks.map(({ start }) => start),
      ends: chunks.map(({ end }) => end),
      vectors: Buffer.concat(chunks.map(({ vector }) => vector)).toString('base64'),
    })),
  };
}

/** The metadata are a text, because JSON of the database does not keep every valid one. */
function contentJson({
  text,
  tags,
  source,
  metadata,
  createdAt,
  updatedAt,
}: MemoryContent): Omit<HiddenJson, 'at'> {
  const facts = { source, metadata: canonicalJson(metadata), created: createdAt, updated: updatedAt };
  return { text, tags: [...tags], ...facts };
}

export function notesJson(notes: readonly SharedNote[]): string {
  return JSON.stringify(
    notes.map(({ value, ...note }) => ({ ...note, value: value === null ? null : JSON.stringify(value) })),
  );
}

export function toPage(row: PageRow): LogPage {
  return {
    head: { sequence: Number(row.sequence), commit: row.commit_id },
    machine: row.machine,
    change: Number(row.change),
    clock: row.clock,
    known: row.known,
    done: row.done,
    memories: row.memories.map(toMemory),
    notes: row.notes,
  };
}

function toMemory({ id, change, erased, hidden, versions, vectors }: MemoryJson): SharedMemory {
  return {
    ...{ id, change, erasedHere: erased },
    hidden: hidden === null ? null : { content: toContent(hidden), at: hidden.at },
    versions: (versions ?? []).map((version) => ({
      dot: { machine: version.machine, n: version.n },
      state: version.state,
      replacedAt: version.replaced,
      ...toContent(version),
    })),
    vectors: vectors.map(toVectors),
  };
}

function toContent({
  text,
  tags,
  source,
  metadata,
  created,
  updated,
}: Omit<HiddenJson, 'at'>): MemoryContent {
  // Written by `contentJson`, from metadata.
  const parsed = JSON.parse(metadata) as Record<string, JsonValue>;
  return { text, tags, source, metadata: parsed, createdAt: created, updatedAt: updated };
}

function toVectors({
  machine,
  n,
  model,
  dimension,
  weights,
  starts,
  ends,
  vectors,
}: VectorsJson): SharedVectors {
  const bytes = Buffer.from(vectors, 'base64');
  const size = bytes.length / Math.max(starts.length, 1);
  return {
    dot: { machine, n },
    modelId: { modelId: model, dimension, weightsHash: weights },
    chunks: starts.map((start, place) => ({
      start,
      end: ends[place] ?? start,
      vector: new Uint8Array(bytes.subarray(place * size, (place + 1) * size)),
    })),
  };
}

/** The primary key of a row of vectors. */
type VectorKey = [memory: string, machine: string, counter: number, model: number];

/** The row of the statement `vectors`. */
export interface VectorPageRow {
  readonly rows: readonly [
    machine: string,
    n: number,
    model: number,
    starts: number[],
    ends: number[],
    bytes: number,
  ][];
  readonly vectors: Uint8Array;
  readonly last: VectorKey | null;
  readonly models: readonly [id: number, modelId: string, dimension: number, weightsHash: string][];
}

/** Before the first key; models count from 1. */
const FIRST: VectorKey = ['00000000-0000-0000-0000-000000000000', '', 0, 0];

export function cursorOf(from: string | null): VectorKey {
  // Only `toVectorPage` writes cursors.
  return from === null ? FIRST : (JSON.parse(from) as VectorKey);
}

export function toVectorPage({ rows, vectors, last, models }: VectorPageRow): VectorPage {
  const modelIds = new Map(
    models.map(([id, modelId, dimension, weightsHash]): [number, EmbeddingModelId] => [
      id,
      { modelId, dimension, weightsHash },
    ]),
  );
  let end = 0;
  const known = rows.flatMap(([machine, n, model, starts, ends, bytes]): PagedVectors[] => {
    const at = end;
    end += bytes;
    const modelId = modelIds.get(model);
    return modelId === undefined ? [] : [{ dot: { machine, n }, modelId, starts, ends, at, bytes }];
  });
  return { rows: known, vectors, next: last === null ? null : JSON.stringify(last) };
}
