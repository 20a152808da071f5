import { readFile } from 'node:fs/promises';
import { VectorIndexError } from '../errors/embedding-errors.ts';
import { packagePath } from '../util/package.ts';

/** Address in the module's memory; 0 stands for none. */
export type Pointer = number;

/** The C functions of vendor/faiss-wasm/faiss-abi.cpp. The comments in that file are the contract. */
interface FaissExports {
  readonly memory: { readonly buffer: ArrayBuffer; grow(pages: number): number };
  _initialize(): void;
  malloc(bytes: number): Pointer;
  free(pointer: Pointer): void;
  fm_error(): Pointer;
  fm_create(dimension: number): Pointer;
  fm_free(index: Pointer): void;
  fm_resize(index: Pointer, count: number, capacity: number): Pointer;
  // prettier-ignore
  fm_search(indexes: Pointer, count: number, query: Pointer, k: number, allowed: Pointer, scores: Pointer, positions: Pointer): number;
  fm_sum(index: Pointer, start: number, end: number, sum: Pointer): void;
}

const OUT_OF_MEMORY = 'out of memory (the limit is 4 GiB)';

const PAGE_BYTES = 65_536;

/** Compiled code for any number of instances. */
export type FaissModule = object;

// The types of Node 20 do not declare this global. Only the used part is declared here.
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

/** FAISS with its own memory, which is freed when the instance is garbage-collected. */
export class FaissInstance {
  readonly #exports: FaissExports;

  /** @throws VectorIndexError when there is not enough memory */
  constructor(module: FaissModule) {
    try {
      // vendor/faiss-wasm/build.sh lists the exports.
      this.#exports = new WebAssembly.Instance(module, imports).exports as FaissExports;
      this.#exports._initialize();
    } catch (cause) {
      throw new VectorIndexError('FAISS could not start', { cause });
    }
  }

  /** Bytes of the instance's memory. It never shrinks. */
  get memoryBytes(): number {
    return this.#exports.memory.buffer.byteLength;
  }

  /**
   * Makes room for this many bytes at once. Pages without content take no memory of the machine, but each time that
   * the room grows by itself, V8 takes all of it for new garbage. Where it cannot grow so far, nothing happens.
   */
  reserve(bytes: number): void {
    const missing = Math.ceil((bytes - this.memoryBytes) / PAGE_BYTES);
    try {
      if (missing > 0) this.#exports.memory.grow(missing);
    } catch {
      // Allocations grow it as far as they need, and tell when they cannot.
    }
  }

  /** A view of the memory. Any later call may detach it, so use it immediately. */
  bytes(pointer: Pointer, length: number): Uint8Array {
    return new Uint8Array(this.#exports.memory.buffer, pointer, length);
  }

  /** A view of the memory, with the same limits as `bytes`. */
  floats(pointer: Pointer, length: number): Float32Array {
    return new Float32Array(this.#exports.memory.buffer, pointer, length);
  }

  /** A view of the memory, with the same limits as `bytes`. */
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

  /** @returns the address of the first row; earlier addresses become invalid */
  resizeIndex(index: Pointer, count: number, capacity: number): Pointer {
    return this.#address(`make room for ${capacity} vectors`, (faiss) =>
      faiss.fm_resize(index, count, capacity),
    );
  }

  /**
   * Searches `count` indexes, whose addresses stand at `at.indexes`, with input and output at the given addresses. With
   * `allowed` 0 every vector is allowed.
   */
  searchIndexes(
    count: number,
    k: number,
    at: { indexes: Pointer; query: Pointer; allowed: Pointer; scores: Pointer; positions: Pointer },
  ): void {
    const result = this.#call('search', (faiss) =>
      faiss.fm_search(at.indexes, count, at.query, k, at.allowed, at.scores, at.positions),
    );
    if (result !== 0) throw this.#failure('search');
  }

  /** Writes the sum of the vectors from `start` to `end` (excluded) as floats to an address. */
  sumOfIndex(index: Pointer, { start, end, at }: { start: number; end: number; at: Pointer }): void {
    this.#call('add vectors up', (faiss) => {
      faiss.fm_sum(index, start, end, at);
    });
  }

  /** Allocates memory, aligned to 8 bytes, for the duration of the action. */
  withMemory<Result>(size: number, action: (pointer: Pointer) => Result): Result {
    const pointer = this.#call('allocate', (faiss) => faiss.malloc(size)) >>> 0;
    if (pointer === 0) throw new VectorIndexError(`FAISS could not allocate ${size} bytes: ${OUT_OF_MEMORY}`);
    try {
      return action(pointer);
    } finally {
      this.#exports.free(pointer);
    }
  }

  /** Calls a function that returns an address, or 0 on failure. Addresses above 2 GiB arrive as negative numbers. */
  #address(doing: string, action: (faiss: FaissExports) => Pointer): Pointer {
    const signed = this.#call(doing, action);
    if (signed === 0) throw this.#failure(doing);
    return signed >>> 0;
  }

  /** Calls a C function. These do not throw, so an error is a trap of the WebAssembly machine. */
  #call<Result>(doing: string, action: (faiss: FaissExports) => Result): Result {
    try {
      return action(this.#exports);
    } catch (cause) {
      throw new VectorIndexError(`FAISS could not ${doing}: the WebAssembly code stopped`, { cause });
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

/** Answer to system calls of the C library: "not supported". FAISS neither prints nor reads. */
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
