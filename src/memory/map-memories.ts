import type { Embedder } from '../embedding/embedder.ts';
import type { ListPage, MemoryStore } from '../store/memory-store.ts';
import type { Memory } from './memory.ts';
import type { MemoryMap } from './memory-api.ts';
import { projectToPlane } from './project-to-plane.ts';

export interface MapParts {
  readonly store: MemoryStore;
  readonly embedder: Embedder;
}

/** Read at once: each page is a message between threads, and unpacking it blocks this one. */
const PAGE = 200;

/** Draws the newest memories that have a vector by their meaning. */
export async function mapMemories({ store, embedder }: MapParts, limit: number): Promise<MemoryMap> {
  const stamp = await embedder.stamp();
  const memories = new Map<string, Memory>();
  const vectors: { readonly memory: Memory; readonly vector: Float32Array }[] = [];
  let page: ListPage | undefined;
  do {
    const cursor: { cursor?: string } = page?.nextCursor === undefined ? {} : { cursor: page.nextCursor };
    const count = Math.min(PAGE, limit - memories.size);
    page = await store.list({ filter: {}, which: 'live', order: 'newest', limit: count, ...cursor });
    for (const memory of page.memories) memories.set(memory.id, memory);
    for (const { id, vector } of await store.vectors(
      stamp,
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
