import { setImmediate } from 'node:timers/promises';
import type { Embedder } from '../embedding/embedder.ts';
import type { ListPage, MemoryStore } from '../store/memory-store.ts';
import type { MemoryMap } from './memory-api.ts';
import type { Memory } from './memory.ts';

export interface MapParts {
  readonly store: MemoryStore;
  readonly embedder: Embedder;
}

/** Memories read at once. Each page is a message between threads, and unpacking it blocks this thread. */
const PAGE = 200;

/** Places the newest `limit` memories on a plane by meaning; those without a vector are left out. */
export async function mapMemories({ store, embedder }: MapParts, limit: number): Promise<MemoryMap> {
  const modelId = await embedder.modelId();
  const memories = new Map<string, Memory>();
  const vectors: { readonly memory: Memory; readonly vector: Float32Array }[] = [];
  let page: ListPage | undefined;
  do {
    const cursor: { cursor?: string } = page?.nextCursor === undefined ? {} : { cursor: page.nextCursor };
    const count = Math.min(PAGE, limit - memories.size);
    page = await store.list({
      filter: { kind: 'fact' },
      which: 'live',
      order: 'newest',
      limit: count,
      ...cursor,
    });
    for (const memory of page.memories) memories.set(memory.id, memory);
    for (const { id, vector } of await store.vectors(
      modelId,
      page.memories.map(({ id }) => id),
    )) {
      const memory = memories.get(id);
      if (memory !== undefined) vectors.push({ memory, vector });
    }
  } while (page.nextCursor !== undefined && memories.size < limit);
  const points = await projectToPlane(vectors.map(({ vector }) => vector));
  return {
    points: vectors.map(({ memory }, index) => ({
      memory,
      x: points[index]?.x ?? 0,
      y: points[index]?.y ?? 0,
    })),
    total: page.total,
  };
}

export interface PlanePoint {
  readonly x: number;
  readonly y: number;
}

/** After this many iterations the direction of the largest spread hardly changes any more. */
const ITERATIONS = 40;
/** Multiplications between two pauses: some milliseconds of work, so that other calls do not wait. */
const WORK_BETWEEN_PAUSES = 2_000_000;

/**
 * Projects vectors onto the two directions in which they spread the most (principal component analysis, by power
 * iteration on the centred vectors with deflation). Deterministic.
 * @param vectors all of one length
 * @returns one point for each vector, in order, both coordinates from -1 to 1
 */
export async function projectToPlane(vectors: readonly Float32Array[]): Promise<PlanePoint[]> {
  const rows = await centred(vectors);
  const first = await principalDirection(rows);
  const xs = rows.map((row) => dot(row, first));
  for (const [index, row] of rows.entries()) subtract(row, first, xs[index] ?? 0);
  const second = await principalDirection(rows);
  const ys = rows.map((row) => dot(row, second));
  const [scaledX, scaledY] = [scaled(xs), scaled(ys)];
  return vectors.map((_, index) => ({ x: scaledX[index] ?? 0, y: scaledY[index] ?? 0 }));
}

async function centred(vectors: readonly Float32Array[]): Promise<Float64Array[]> {
  const dimension = vectors[0]?.length ?? 0;
  const mean = new Float64Array(dimension);
  for (const vector of vectors) {
    for (let i = 0; i < dimension; i += 1) mean[i] = (mean[i] ?? 0) + (vector[i] ?? 0) / vectors.length;
  }
  await setImmediate();
  return vectors.map((vector) => {
    const row = new Float64Array(vector);
    subtract(row, mean, 1);
    return row;
  });
}

/** Unit vector along the largest spread; the zero vector when there is none. */
async function principalDirection(rows: readonly Float64Array[]): Promise<Float64Array> {
  const dimension = rows[0]?.length ?? 0;
  // Any start that is not orthogonal to the answer converges to it.
  let direction: Float64Array = normalised(
    Float64Array.from({ length: dimension }, (_, i) => Math.sin(i + 1)),
  );
  let work = 0;
  for (let iteration = 0; iteration < ITERATIONS; iteration += 1) {
    const next = new Float64Array(dimension);
    for (const row of rows) {
      subtract(next, row, -dot(row, direction));
      work += 2 * dimension;
      if (work < WORK_BETWEEN_PAUSES) continue;
      work = 0;
      await setImmediate();
    }
    direction = normalised(next);
  }
  return direction;
}

function dot(a: Float64Array, b: Float64Array): number {
  let sum = 0;
  // A plain loop is fastest, and nearly all the time is spent here.
  for (let i = 0; i < a.length; i += 1) sum += (a[i] ?? 0) * (b[i] ?? 0);
  return sum;
}

/** `target -= factor * vector` */
function subtract(target: Float64Array, vector: Float64Array, factor: number): void {
  for (let i = 0; i < target.length; i += 1) target[i] = (target[i] ?? 0) - factor * (vector[i] ?? 0);
}

function normalised(vector: Float64Array): Float64Array {
  const length = Math.sqrt(dot(vector, vector));
  return length < 1e-12 ? new Float64Array(vector.length) : vector.map((value) => value / length);
}

function scaled(values: readonly number[]): number[] {
  const largest = values.reduce((most, value) => Math.max(most, Math.abs(value)), 0);
  return largest === 0 ? [...values] : values.map((value) => value / largest);
}
