/** What a store tells about one object without its content. */
export interface BlobInfo {
  /** Relative to the store's prefix; see `assertBlobKey`. */
  readonly key: string;
  /** Bytes as stored. */
  readonly size: number;
  /** By the store's clock, milliseconds since 1970; some stores round to seconds. */
  readonly lastModified: number;
  /** Opaque; changes whenever the content changes. Null where the store has none. */
  readonly etag: string | null;
}

/** An object with its content. */
export interface Blob extends BlobInfo {
  /** The whole object, or the range that was asked for. `size` is always that of the whole object. */
  readonly bytes: Uint8Array;
}

/** What a store answered to a write. */
export interface BlobReceipt {
  readonly etag: string | null;
}

export interface BlobCallOptions {
  /** Ends the call early; it then rejects with the signal's reason, and a write may or may not have happened. */
  readonly signal?: AbortSignal | undefined;
}

/** Bytes `start` (included) to `end` (excluded), cut off at the end of the object. */
export interface ByteRange {
  readonly start: number;
  readonly end: number;
}

export interface BlobGetOptions extends BlobCallOptions {
  readonly range?: ByteRange | undefined;
  /**
   * More bytes than this are refused with reason `too-large` before they fill the memory.
   * Default 64 MiB. Counts the range, not the object, when a range is asked for.
   */
  readonly maxBytes?: number | undefined;
}

/** `'absent'`: only if there is no such object. `{ etag }`: only if the object still has this etag. */
export type PutCondition = 'absent' | { readonly etag: string };

export interface BlobPutOptions extends BlobCallOptions {
  /**
   * An extra guard, never something to rely on: several servers accept a condition and ignore it. Pass it only
   * where `probeBlobStore` showed that it works. Not met → reason `precondition`; refused → `unsupported`.
   */
  readonly onlyIf?: PutCondition | undefined;
}

/**
 * A flat map from keys to bytes on another machine or disk: S3, Google Cloud Storage, Azure Blob, a folder.
 *
 * All that is asked of a store: PUT, GET, LIST and DELETE, each of which shows every write that was
 * acknowledged before it. No conditional write, no lock, no common clock.
 *
 * **Atomic**: `put` replaces the whole object at once: a reader gets the old bytes or the new ones, never a mix,
 * and after a crash one of the two. Nothing is atomic across two keys.
 *
 * **Absent** is a result, not an error: `get` and `head` answer null, `delete` succeeds. A missing bucket or
 * folder, a refused permission or an unreachable server is never reported as absent.
 *
 * **Retry**: every method without `onlyIf` may be repeated safely. Adapters try once; `withRetries` repeats.
 * A failed `put` may have happened (`BlobStoreError.maybeApplied`).
 *
 * **Keys** are lower-case paths, see `assertBlobKey`; no key may be the folder of another (`a` beside `a/b`).
 *
 * **Errors** are `BlobStoreError`, with a `reason` and with `retryable` decided where the fact is known; the
 * exceptions are an aborted signal's own reason, and `InvalidInputError` for a bad key. No error, log line or
 * `location` contains a credential.
 *
 * Whoever created a store closes it, after the last call has settled. Calls may run at the same time.
 */
export interface BlobStore {
  /** For people: where the objects are, for example `s3://bucket/prefix/ at minio.example.org`. */
  readonly location: string;
  /** Stores the bytes, which must not change until the promise settles. Resolves when they are durable. */
  put(key: string, bytes: Uint8Array, options?: BlobPutOptions): Promise<BlobReceipt>;
  get(key: string, options?: BlobGetOptions): Promise<Blob | null>;
  head(key: string, options?: BlobCallOptions): Promise<BlobInfo | null>;
  /**
   * Every object whose key starts with `prefix` (a string, not a folder; empty = all), in no particular order.
   * All pages, or an error: never a part of the list. Objects whose keys break the rules are left out.
   */
  list(prefix: string, options?: BlobCallOptions): Promise<readonly BlobInfo[]>;
  delete(key: string, options?: BlobCallOptions): Promise<void>;
  /**
   * The store's clock now, milliseconds since 1970; null until an answer told it, as that to a `put` always does.
   * Ages of objects are this minus `lastModified`; the local clock may be years off.
   */
  serverTime(): number | null;
  /** Frees connections. Idempotent; later calls of other methods may fail. */
  close(): Promise<void>;
}

/** A store that can create the bucket, container or folder it keeps its objects in. */
export interface CreatableBlobStore extends BlobStore {
  /** Only ever on the user's explicit wish; `existed` when there was nothing to do. */
  createBucket(options?: BlobCallOptions): Promise<'created' | 'existed'>;
}
