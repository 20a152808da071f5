import { ExactIndex } from './exact-index.ts';
import { createFaissNodeIndex, faissNodeIsInstalled } from './faiss-node-index.ts';
import { createFaissWasmIndex } from './faiss-wasm-index.ts';
import type { VectorIndex } from './vector-index.ts';

/** auto: faiss-node where it is installed, else FAISS as WebAssembly. exact: a plain loop, for rescue. */
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
    case 'wasm':
      return createFaissWasmIndex(dimension);
    case 'auto':
      return (await faissNodeIsInstalled())
        ? createFaissNodeIndex(dimension)
        : createFaissWasmIndex(dimension);
  }
}
