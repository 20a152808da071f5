import { createHash } from 'node:crypto';
import { BlobStoreError, type BlobOperation } from '../errors/remote-errors.ts';
import {
  assertBlobKey,
  assertBlobPrefix,
  assertByteRange,
  assertNotTooLarge,
  clampRange,
  defaultMaxBytes,
} from './arguments.ts';
import type {
  Blob,
  BlobCallOptions,
  BlobGetOptions,
  BlobInfo,
  BlobPutOptions,
  BlobReceipt,
  CreatableBlobStore,
  UnrangedGetOptions,
} from './blob-store.ts';

export interface StoredBlob {
  readonly bytes: Uint8Array;
  readonly lastModified: number;
  readonly etag: string;
}

/** One recorded call to an `InMemoryBlobStore`. */
export interface BlobCall {
  readonly operation: Exclude<BlobOperation, 'open' | 'create-bucket'>;
  /** The key, or the prefix of a list. */
  readonly key: string;
}

export interface InMemoryBlobStoreOptions {
  /** The objects by key. Several stores with the same map act as several machines with one bucket. */
  readonly objects?: Map<string, StoredBlob>;
  /** True to start without a bucket. `createBucket` creates it. @default false */
  readonly missing?: boolean;
  /** The store's clock in milliseconds since the epoch. @default Date.now */
  readonly now?: () => number;
  /** Awaited before each call takes effect. It may delay the call, or throw to make it fail. */
  readonly beforeCall?: (call: BlobCall) => void | Promise<void>;
}

/**
 * A complete object store in memory, for tests. Tests may read and damage `objects`. `calls` records all calls.
 * Conditional writes work.
 */
export class InMemoryBlobStore implements CreatableBlobStore {
  readonly location = 'memory:';
  readonly objects: Map<string, StoredBlob>;
  readonly calls: BlobCall[] = [];
  #missing: boolean;
  readonly #now: () => number;
  readonly #beforeCall: (call: BlobCall) => void | Promise<void>;
  #closed = false;

  constructor(options: InMemoryBlobStoreOptions = {}) {
    this.objects = options.objects ?? new Map<string, StoredBlob>();
    this.#missing = options.missing ?? false;
    this.#now = options.now ?? Date.now;
    this.#beforeCall = options.beforeCall ?? (() => undefined);
  }

  async put(key: string, bytes: Uint8Array, options: BlobPutOptions = {}): Promise<BlobReceipt> {
    assertBlobKey(key);
    const copy = Uint8Array.from(bytes);
    await this.#begin({ operation: 'put', key }, options);
    this.#assertCondition(key, options);
    // The time is part of the hash, so that code that uses an etag as a hash of the content fails in tests.
    const etag = createHash('sha1').update(copy).update(String(this.#now())).digest('hex');
    this.objects.set(key, { bytes: copy, lastModified: this.#now(), etag });
    return { etag };
  }

  async get(key: string, options: BlobGetOptions = {}): Promise<Blob | null> {
    assertBlobKey(key);
    if (options.range !== undefined) assertByteRange(options.range);
    await this.#begin({ operation: 'get', key }, options);
    const found = this.objects.get(key);
    if (found === undefined) return null;
    const { start, end } = clampRange(options.range, found.bytes.length);
    assertNotTooLarge(end - start, options.maxBytes ?? defaultMaxBytes, { location: this.location, key });
    return { ...infoOf(key, found), bytes: found.bytes.slice(start, end) };
  }

  async getIfChanged(
    key: string,
    etag: string,
    options: UnrangedGetOptions = {},
  ): Promise<Blob | null | 'unchanged'> {
    const found = await this.get(key, options);
    return found?.etag === etag ? 'unchanged' : found;
  }

  async head(key: string, options: BlobCallOptions = {}): Promise<BlobInfo | null> {
    assertBlobKey(key);
    await this.#begin({ operation: 'head', key }, options);
    const found = this.objects.get(key);
    return found === undefined ? null : infoOf(key, found);
  }

  async list(prefix: string, options: BlobCallOptions = {}): Promise<readonly BlobInfo[]> {
    assertBlobPrefix(prefix);
    await this.#begin({ operation: 'list', key: prefix }, options);
    return [...this.objects]
      .filter(([key]) => key.startsWith(prefix))
      .map(([key, blob]) => infoOf(key, blob));
  }

  async delete(key: string, options: BlobCallOptions = {}): Promise<void> {
    assertBlobKey(key);
    await this.#begin({ operation: 'delete', key }, options);
    this.objects.delete(key);
  }

  createBucket(): Promise<'created' | 'existed'> {
    const existed = !this.#missing;
    this.#missing = false;
    return Promise.resolve(existed ? 'existed' : 'created');
  }

  serverTime(): number | null {
    return this.calls.length === 0 ? null : this.#now();
  }

  close(): Promise<void> {
    this.#closed = true;
    return Promise.resolve();
  }

  async #begin(call: BlobCall, options: BlobCallOptions): Promise<void> {
    options.signal?.throwIfAborted();
    if (this.#closed) {
      throw new BlobStoreError('closed', {
        ...call,
        location: this.location,
        problem: 'the store is closed',
      });
    }
    this.calls.push(call);
    await this.#beforeCall(call);
    options.signal?.throwIfAborted();
    if (this.#missing) {
      const details = { ...call, location: this.location, problem: 'there is no bucket', fix: 'Create it.' };
      throw new BlobStoreError('no-bucket', details);
    }
  }

  #assertCondition(key: string, { onlyIf }: BlobPutOptions): void {
    if (onlyIf === undefined) return;
    const etag = this.objects.get(key)?.etag;
    if (onlyIf === 'absent' ? etag === undefined : etag === onlyIf.etag) return;
    throw new BlobStoreError('precondition', {
      operation: 'put',
      location: this.location,
      key,
      problem: etag === undefined ? 'there is no such object' : `the object has the etag ${etag}`,
    });
  }
}

function infoOf(key: string, blob: StoredBlob): BlobInfo {
  return { key, size: blob.bytes.length, lastModified: blob.lastModified, etag: blob.etag };
}
