import { ExactIndex } from './exact-index.ts';
import { createFaissNodeIndex } from './faiss-node-index.ts';
import { createFaissWasmIndex } from './faiss-wasm-index.ts';
import type { VectorIndex } from './vector-index.ts';

/**
 * wasm: FAISS as WebAssembly. node: the package faiss-node, when it is installed. exact: a plain loop, for rescue.
 * auto is wasm even where faiss-node is installed: that one passes arrays of numbers and has neither filters nor
 * replacement, so at 100,000 vectors a filtered search takes 200 ms instead of 6, and a replacement 55 instead of 0.01.
 */
export type VectorIndexKind = 'auto' | 'wasm' | 'node' | 'exact';

export interface VectorIndexSettings {
  readonly dimension: number;
  readonly preferred?: VectorIndexKind;
}

/** An empty index. @throws VectorIndexError when the preferred kind cannot be had */
export async function createVectorIndex({
  dimension,
  preferred = 'auto',
}: VectorIndexSettings): Promise<VectorIndex> {
  switch (preferred) {
    case 'exact':
      return new ExactIndex(dimension);
    case 'node':
      return createFaissNodeIndex(dimension);
    case 'auto':
    case 'wasm':
      return createFaissWasmIndex(dimension);
  }
}
