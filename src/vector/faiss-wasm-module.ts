import { readFile } from 'node:fs/promises';
import { pathToFileURL } from 'node:url';
import { VectorIndexError } from '../errors/vector-index-error.ts';
import { packagePath } from '../util/package-path.ts';

/** Address of an index, a buffer or a text in the memory of the WebAssembly module; 0 = none. */
export type Pointer = number;

/** The C functions of vendor/faiss-wasm/faiss-abi.cpp, whose comments are the contract. */
export interface FaissFunctions {
  _malloc(bytes: number): Pointer;
  _free(pointer: Pointer): void;
  _fm_error(): Pointer;
  _fm_create(dimension: number): Pointer;
  _fm_free(index: Pointer): void;
  _fm_count(index: Pointer): number;
  _fm_add(index: Pointer, n: number, vectors: Pointer): number;
  _fm_set(index: Pointer, position: number, vector: Pointer): number;
  _fm_remove_swap(index: Pointer, position: number): number;
  // prettier-ignore
  _fm_search(index: Pointer, query: Pointer, k: number, allowed: Pointer, scores: Pointer, positions: Pointer): number;
  _fm_score(index: Pointer, query: Pointer, n: number, positions: Pointer, scores: Pointer): number;
  _fm_save(index: Pointer): Pointer;
  _fm_saved_size(): number;
  _fm_release_saved(): void;
  _fm_load(bytes: Pointer, size: number): Pointer;
}

/** What emscripten's loader gives. The views change whenever the memory grows: read them anew each time. */
export interface FaissModule extends FaissFunctions {
  readonly HEAPU8: Uint8Array;
  readonly HEAPF32: Float32Array;
  readonly HEAP32: Int32Array;
  UTF8ToString(pointer: Pointer): string;
}

interface LoaderOptions {
  readonly wasmBinary: Uint8Array;
  readonly print: (text: string) => void;
  readonly printErr: (text: string) => void;
}

/** One fresh module with memory of its own. @throws VectorIndexError when its files are missing or damaged */
export async function loadFaissModule(): Promise<FaissModule> {
  const folder = packagePath('vendor', 'faiss-wasm');
  try {
    const wasmBinary = await readFile(`${folder}/faiss.wasm`);
    // The types of a generated file: faiss-wasm-module.ts is the only place that knows them.
    const loader = (await import(pathToFileURL(`${folder}/faiss.mjs`).href)) as {
      default: (options: LoaderOptions) => Promise<FaissModule>;
    };
    const silent = (): void => undefined;
    return await loader.default({ wasmBinary, print: silent, printErr: silent });
  } catch (cause) {
    throw new VectorIndexError(`FAISS could not be loaded from ${folder}`, {
      cause,
      fix: 'Install the package again, or set MEMORY_VECTOR_INDEX=exact.',
    });
  }
}

/**
 * Copies bytes into the module for the time of one call.
 * @returns what `action` returns; the memory is freed in any case
 */
export function withBuffers<T>(
  module: FaissModule,
  sizes: readonly number[],
  action: (pointers: readonly Pointer[]) => T,
): T {
  const pointers: Pointer[] = [];
  try {
    for (const size of sizes) {
      const pointer = module._malloc(Math.max(1, size));
      if (pointer === 0) throw outOfMemory(size);
      pointers.push(pointer);
    }
    return action(pointers);
  } finally {
    for (const pointer of pointers) module._free(pointer);
  }
}

function outOfMemory(size: number): VectorIndexError {
  return new VectorIndexError(`FAISS has no room for ${size} more bytes (its memory ends at 2 GiB)`);
}

/** The reason of the last failure inside FAISS, as an error. */
export function lastFailure(module: FaissModule, doing: string): VectorIndexError {
  const reason = module.UTF8ToString(module._fm_error());
  const memory = /bad_alloc|length_error/.test(reason) ? ' (out of memory: its memory ends at 2 GiB)' : '';
  return new VectorIndexError(`FAISS failed at ${doing}: ${reason}${memory}`);
}
