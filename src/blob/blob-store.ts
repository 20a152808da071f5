/** The properties of an object, without its content. */
export interface BlobInfo {
  /** Key relative to the store's prefix, in the form that `assertBlobKey` requires. */
  readonly key: string;
  /** Size in bytes. */
  readonly size: number;
  /** Milliseconds since the epoch by the store's clock. Some stores round to seconds. */
  readonly lastModified: number;
  /** Opaque text that changes whenever the content changes. Null when the store has none. */
  readonly etag: string | null;
}

/** An object with its content. */
export interface Blob extends BlobInfo {
  /** The whole object, or the requested range. `size` is always the size of the whole object. */
  readonly bytes: Uint8Array;
}

/** The store's answer to a write. */
export interface BlobReceipt {
  readonly etag: string | null;
}

export interface BlobCallOptions {
  /** Ends the call early. It then rejects with the signal's reason. An aborted write may have taken effect. */
  readonly signal?: AbortSignal | undefined;
}

/** Bytes `start` (included) to `end` (excluded). A range may extend beyond the end of the object. */
export interface ByteRange {
  readonly start: number;
  readonly end: number;
}

export interface BlobGetOptions extends BlobCallOptions {
  readonly range?: ByteRange | undefined;
  /**
   * A larger object is refused with reason `too-large` before it fills the memory. With a range, the size of the range
   * counts.
   * @default 67108864
   */
  readonly maxBytes?: number | undefined;
}

export type UnrangedGetOptions = Omit<BlobGetOptions, 'range'>;

/** `'absent'`: write only if the object does not exist. `{ etag }`: write only if the object has this etag. */
export type PutCondition = 'absent' | { readonly etag: string };

export interface BlobPutOptions extends BlobCallOptions {
  /**
   * An extra guard. Correctness must not depend on it, because several servers accept a condition and ignore it. Pass
   * it only where `probeBlobStore` found that it works. The reason is `precondition` when the condition is not met,
   * and `unsupported` when the store refuses conditions.
   */
  readonly onlyIf?: PutCondition | undefined;
}

/**
 * A flat map from keys to bytes on another machine or disk: S3, Google Cloud Storage, Azure Blob, a folder.
 *
 * A store must offer PUT, GET, LIST and DELETE, and each must show every write that was acknowledged before it.
 * Conditional writes, locks and a common clock are not needed.
 *
 * **Atomic**: `put` replaces the whole object at once. A reader, also after a crash, gets either the old bytes or
 * the new ones, never a mix. Nothing is atomic across two keys.
 *
 * **Absent** is a result, not an error: `get` and `head` answer null, `delete` succeeds. A missing bucket or
 * folder, a refused permission or an unreachable server is never reported as absent.
 *
 * **Retry**: every call without `onlyIf` may be repeated safely. Adapters try once; `retryingBlobStore` repeats.
 * A failed `put` may have taken effect (`BlobStoreError.maybeApplied`).
 *
 * **Keys** are lower-case paths that `assertBlobKey` accepts. No key may be the folder of another (`a` beside `a/b`).
 *
 * **Errors** are `BlobStoreError` with a `reason` and `retryable`. The exceptions are the reason of an aborted signal,
 * and `InvalidInputError` for a bad key. No error, log line or `location` contains a credential.
 *
 * **Closing**: the creator of a store closes it after the last call has settled. Calls may run at the same time.
 */
export interface BlobStore {
  /** Address of the objects for messages, for example `s3://bucket/prefix/ at minio.example.org`. */
  readonly location: string;
  /** Stores the bytes. They must not change until the promise settles. Resolves when they are durable. */
  put(key: string, bytes: Uint8Array, options?: BlobPutOptions): Promise<BlobReceipt>;
  get(key: string, options?: BlobGetOptions): Promise<Blob | null>;
  /**
   * Like `get`, but answers `'unchanged'` without the bytes when the object still has this etag. A store that ignores
   * the condition and sends the object all the same gives the same answer.
   * @param etag from an earlier answer of this store
   */
  getIfChanged(key: string, etag: string, options?: UnrangedGetOptions): Promise<Blob | null | 'unchanged'>;
  head(key: string, options?: BlobCallOptions): Promise<BlobInfo | null>;
  /**
   * Lists every object whose key starts with `prefix`, in no particular order. The prefix may end inside a segment;
   * empty lists all. Fails rather than return a part of the list. Objects with invalid keys are left out.
   */
  list(prefix: string, options?: BlobCallOptions): Promise<readonly BlobInfo[]>;
  delete(key: string, options?: BlobCallOptions): Promise<void>;
  /**
   * The store's present time in milliseconds since the epoch. Null until an answer contained the time; the answer to a
   * `put` always does. The age of an object is this minus `lastModified`, because the local clock may be wrong.
   */
  serverTime(): number | null;
  /** Frees connections. Idempotent. Later calls of other methods may fail. */
  close(): Promise<void>;
}

/** Requests and bytes of objects, as providers count them. */
export interface BlobTraffic {
  /** Writes and pages of lists; most providers call them class A. */
  readonly writes: number;
  /** Reads; most providers call them class B. */
  readonly reads: number;
  readonly bytesUp: number;
  readonly bytesDown: number;
}

/** A store that can create the bucket, container or folder it keeps its objects in. */
export interface CreatableBlobStore extends BlobStore {
  /** Creates the bucket, container or folder. A remote one only when the user asked for it. */
  createBucket(options?: BlobCallOptions): Promise<'created' | 'existed'>;
}
