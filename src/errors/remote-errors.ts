import { FaissMemoryError } from './faiss-memory-error.ts';

/** What went wrong at an object store, for programs; stable like an error code. */
export type BlobStoreReason =
  /** No connection: name not found, refused, no route. */
  | 'unreachable'
  /** The connection broke while a request was under way. */
  | 'interrupted'
  | 'timeout'
  /** The certificate was refused, or one side spoke http and the other https. */
  | 'tls'
  /** Keys are missing, unknown, expired, or the signature does not match. */
  | 'bad-credentials'
  /** Known, but not allowed to do this. */
  | 'access-denied'
  /** The bucket, container or folder does not exist. */
  | 'no-bucket'
  | 'wrong-region'
  /** This is not the address of an object store, or not in the expected path style. */
  | 'wrong-endpoint'
  /** The two clocks differ by more than the store allows. */
  | 'clock-skew'
  /** Too many requests. */
  | 'throttled'
  /** The store failed on its side. */
  | 'server-error'
  /** Another write to the same object was under way. */
  | 'conflict'
  /** The condition of a conditional write was not met. */
  | 'precondition'
  /** The store does not offer this. */
  | 'unsupported'
  /** Bytes were damaged on the way, and the store or this side noticed. */
  | 'integrity'
  /** The object is larger than the store, or the caller, allows. */
  | 'too-large'
  /** Quota or disk is used up. */
  | 'full'
  /** The object is in cold storage and cannot be read now. */
  | 'archived'
  /** The answer does not follow the protocol. */
  | 'protocol'
  /** The settings contradict each other or are incomplete. */
  | 'misconfigured'
  /** An optional package is not installed. */
  | 'missing-package'
  /** The store was closed before the call. */
  | 'closed';

export type BlobOperation = 'open' | 'put' | 'get' | 'head' | 'list' | 'delete' | 'create-bucket';

export interface BlobStoreErrorDetails {
  readonly operation: BlobOperation;
  /** For people, without credentials; `BlobStore.location`. */
  readonly location: string;
  readonly key?: string | undefined;
  /** What the store or the system said, without credentials. */
  readonly problem: string;
  readonly fix?: string | undefined;
  readonly retryable?: boolean | undefined;
  /** HTTP status, when there was an answer. */
  readonly status?: number | undefined;
  /** The provider's own error code, for example `NoSuchBucket` or `ECONNREFUSED`. */
  readonly providerCode?: string | undefined;
  /** How long the store asked to wait before the next try. */
  readonly retryAfterMs?: number | undefined;
  /** True when a write failed without an answer that rules out that it happened. */
  readonly maybeApplied?: boolean | undefined;
  readonly cause?: unknown;
}

/** An object store did not do what it was asked. `reason` says why, `retryable` whether a later try may succeed. */
export class BlobStoreError extends FaissMemoryError {
  readonly reason: BlobStoreReason;
  readonly operation: BlobOperation;
  readonly location: string;
  readonly key: string | undefined;
  readonly status: number | undefined;
  readonly providerCode: string | undefined;
  readonly retryAfterMs: number | undefined;
  readonly maybeApplied: boolean;

  constructor(reason: BlobStoreReason, details: BlobStoreErrorDetails) {
    super('BLOB_STORE', describe(reason, details), {
      ...(details.fix === undefined ? {} : { fix: details.fix }),
      ...(details.cause === undefined ? {} : { cause: details.cause }),
      retryable: details.retryable ?? false,
    });
    this.reason = reason;
    this.operation = details.operation;
    this.location = details.location;
    this.key = details.key;
    this.status = details.status;
    this.providerCode = details.providerCode;
    this.retryAfterMs = details.retryAfterMs;
    this.maybeApplied = details.maybeApplied ?? false;
  }
}

function describe(reason: BlobStoreReason, details: BlobStoreErrorDetails): string {
  const target = details.key === undefined || details.key === '' ? '' : ` ${details.key}`;
  return `${details.location}: ${details.operation}${target} failed (${reason}): ${details.problem}`;
}

/** A remote was asked for, and none is configured. */
export class SyncOffError extends FaissMemoryError {
  constructor() {
    super('SYNC_OFF', 'Sync is off: no remote is configured', {
      fix: 'Set CLOUD_SYNC_ENABLED=true and CLOUD_SYNC_BUCKET (see docs/sync.md), then run "faiss-memory sync doctor".',
    });
  }
}

/** A backup was made here, and could not be copied to the remote. Carries the code of what prevented it. */
export class NotUploadedError extends FaissMemoryError {
  /** @param snapshot name of the backup that was made */
  constructor(snapshot: string, cause: FaissMemoryError) {
    super(cause.code, `The backup ${snapshot} was made here, but not uploaded: ${cause.message}`, {
      ...(cause.fix === undefined ? {} : { fix: cause.fix }),
      retryable: cause.retryable,
      cause,
    });
  }
}
