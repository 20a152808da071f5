import { readFile } from 'node:fs/promises';
import { VectorIndexError } from '../errors/embedding-errors.ts';
import { packagePath } from '../util/package.ts';

/** Address in the module's memory; 0 = none. */
export type Pointer = number;

/** The C functions of vendor/faiss-wasm/faiss-abi.cpp, whose comments are the contract. */
interface FaissExports {
  readonly memory: { readonly buffer: ArrayBuffer };
  _initialize(): void;
  malloc(bytes: number): Pointer;
  free(pointer: Pointer): void;
  fm_error(): Pointer;
  fm_create(dimension: number): Pointer;
  fm_free(index: Pointer): void;
  fm_resize(index: Pointer, count: number, capacity: number): Pointer;
  // prettier-ignore
  fm_search(index: Pointer, query: Pointer, k: number, allowed: Pointer, scores: Pointer, positions: Pointer): number;
}

const OUT_OF_MEMORY = 'out of memory (its memory ends at 4 GiB)';

/** Compiled code, from which any number of instances can be made. */
export type FaissModule = object;

// The little that is used here: the types of Node 20 do not declare the global.
declare const WebAssembly: {
  compile(bytes: Uint8Array): Promise<FaissModule>;
  Instance: new (module: FaissModule, imports: object) => { readonly exports: object };
};

/** @throws VectorIndexError when the file is missing or damaged */
export async function loadFaissModule(): Promise<FaissModule> {
  const file = packagePath('vendor', 'faiss-wasm', 'faiss.wasm');
  try {
    return await WebAssembly.compile(await readFile(file));
  } catch (cause) {
    throw new VectorIndexError(`FAISS could not be loaded from ${file}`, {
      cause,
      fix: 'Install the package again, or set MEMORY_VECTOR_INDEX=exact.',
    });
  }
}

/** FAISS with a memory of its own, which is given back when nothing refers to the instance any more. */
export class FaissInstance {
  readonly #exports: FaissExports;

  /** @throws VectorIndexError when there is no memory for it */
  constructor(module: FaissModule) {
    try {
      // The exports are what vendor/faiss-wasm/build.sh lists.
      this.#exports = new WebAssembly.Instance(module, imports).exports as FaissExports;
      this.#exports._initialize();
    } catch (cause) {
      throw new VectorIndexError('FAISS could not start', { cause });
    }
  }

  /** Grows with need and never shrinks. */
  get memoryBytes(): number {
    return this.#exports.memory.buffer.byteLength;
  }

  bytes(pointer: Pointer, length: number): Uint8Array {
    return new Uint8Array(this.#exports.memory.buffer, pointer, length);
  }

  /** A view that any later call may detach: use it at once. */
  floats(pointer: Pointer, length: number): Float32Array {
    return new Float32Array(this.#exports.memory.buffer, pointer, length);
  }

  /** As `floats`. */
  integers(pointer: Pointer, length: number): Int32Array {
    return new Int32Array(this.#exports.memory.buffer, pointer, length);
  }

  createIndex(dimension: number): Pointer {
    return this.#address('create an index', (faiss) => faiss.fm_create(dimension));
  }

  freeIndex(index: Pointer): void {
    this.#call('free an index', (faiss) => {
      faiss.fm_free(index);
    });
  }

  /** @returns the address of the first row; the one from before is void */
  resizeIndex(index: Pointer, count: number, capacity: number): Pointer {
    return this.#address(`make room for ${capacity} vectors`, (faiss) =>
      faiss.fm_resize(index, count, capacity),
    );
  }

  /** Reads and writes at the given addresses; `allowed` = 0 admits every vector. */
  searchIndex(
    index: Pointer,
    k: number,
    at: { query: Pointer; allowed: Pointer; scores: Pointer; positions: Pointer },
  ): void {
    const result = this.#call('search', (faiss) =>
      faiss.fm_search(index, at.query, k, at.allowed, at.scores, at.positions),
    );
    if (result !== 0) throw this.#failure('search');
  }

  /** Lends memory, aligned to 8 bytes, for the time of one action. */
  withMemory<Result>(size: number, action: (pointer: Pointer) => Result): Result {
    const pointer = this.#call('allocate', (faiss) => faiss.malloc(size)) >>> 0;
    if (pointer === 0) throw new VectorIndexError(`FAISS could not allocate ${size} bytes: ${OUT_OF_MEMORY}`);
    try {
      return action(pointer);
    } finally {
      this.#exports.free(pointer);
    }
  }

  /** For functions that answer null on failure. Addresses come signed and may lie above 2 GiB. */
  #address(doing: string, action: (faiss: FaissExports) => Pointer): Pointer {
    const signed = this.#call(doing, action);
    if (signed === 0) throw this.#failure(doing);
    return signed >>> 0;
  }

  /** The C functions do not throw; what arrives here is a trap of the WebAssembly machine. */
  #call<Result>(doing: string, action: (faiss: FaissExports) => Result): Result {
    try {
      return action(this.#exports);
    } catch (cause) {
      throw new VectorIndexError(`FAISS could not ${doing}: it stopped`, { cause });
    }
  }

  #failure(doing: string): VectorIndexError {
    return new VectorIndexError(`FAISS could not ${doing}: ${this.#lastReason()}`);
  }

  #lastReason(): string {
    const text = new Uint8Array(this.#exports.memory.buffer, this.#exports.fm_error() >>> 0);
    const reason = Buffer.from(text.subarray(0, text.indexOf(0))).toString('utf8');
    return reason.includes('bad_alloc') ? OUT_OF_MEMORY : reason;
  }
}

/** What the C library asks of its host. Nothing is ever printed or read: each answers "not supported". */
const notSupported = (): number => 52;
const imports = {
  env: { emscripten_notify_memory_growth: (): void => undefined },
  wasi_snapshot_preview1: {
    fd_close: notSupported,
    fd_write: notSupported,
    fd_seek: notSupported,
    proc_exit: (code: number): never => {
      throw new VectorIndexError(`FAISS ended with code ${code}`);
    },
  },
};
