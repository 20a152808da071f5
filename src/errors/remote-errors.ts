import { FaissMemoryError } from './faiss-memory-error.ts';

/** Kind of a failure of an object store, for programs. Stable like an error code. */
export type BlobStoreReason =
  /** No connection: the name is unknown, the server refused, or there is no route. */
  | 'unreachable'
  /** The connection broke during a request. */
  | 'interrupted'
  | 'timeout'
  /** The certificate was refused, or one side used http and the other https. */
  | 'tls'
  /** The keys are missing, unknown or expired, or the signature does not match. */
  | 'bad-credentials'
  /** The keys are valid but do not permit this operation. */
  | 'access-denied'
  /** The bucket, container or folder does not exist. */
  | 'no-bucket'
  | 'wrong-region'
  /** The address is not that of an object store, or has the wrong path style. */
  | 'wrong-endpoint'
  /** The clocks of this machine and the store differ by more than the store allows. */
  | 'clock-skew'
  /** Too many requests. */
  | 'throttled'
  /** The store reported an internal failure. */
  | 'server-error'
  /** Another request was writing the same object. */
  | 'conflict'
  /** The condition of a conditional write was not met. */
  | 'precondition'
  /** The store does not support the operation. */
  | 'unsupported'
  /** The store or this program found that bytes were damaged during the transfer. */
  | 'integrity'
  /** The object is larger than the store or the caller allows. */
  | 'too-large'
  /** The quota or the disk is full. */
  | 'full'
  /** The object is in an archive tier and cannot be read now. */
  | 'archived'
  /** The answer does not follow the protocol. */
  | 'protocol'
  /** The settings are incomplete or contradict each other. */
  | 'misconfigured'
  /** An optional package is not installed. */
  | 'missing-package'
  /** The store was closed before the call. */
  | 'closed';

export type BlobOperation = 'open' | 'put' | 'get' | 'head' | 'list' | 'delete' | 'create-bucket';

export interface BlobStoreErrorDetails {
  readonly operation: BlobOperation;
  /** `BlobStore.location`: address to show to people, without credentials. */
  readonly location: string;
  readonly key?: string | undefined;
  /** Message of the store or the system, without credentials. */
  readonly problem: string;
  readonly fix?: string | undefined;
  readonly retryable?: boolean | undefined;
  /** HTTP status of the answer, if there was one. */
  readonly status?: number | undefined;
  /** The provider's own error code, for example `NoSuchBucket` or `ECONNREFUSED`. */
  readonly providerCode?: string | undefined;
  /** Time that the store asks to wait before the next try. */
  readonly retryAfterMs?: number | undefined;
  /** True when a failed write may have taken effect. */
  readonly maybeApplied?: boolean | undefined;
  readonly cause?: unknown;
}

/** An operation of an object store failed. `reason` says why, and `retryable` whether a later try may succeed. */
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

/** The call needs a remote, and none is configured. */
export class SyncOffError extends FaissMemoryError {
  constructor() {
    super('SYNC_OFF', 'Sync is off: no remote is configured', {
      fix: 'Set CLOUD_SYNC_ENABLED=true and CLOUD_SYNC_BUCKET (see docs/sync.md), then run "faiss-memory sync doctor".',
    });
  }
}

/** A backup was made locally but could not be uploaded. The error has the code of its cause. */
export class NotUploadedError extends FaissMemoryError {
  /** @param snapshot name of the local backup */
  constructor(snapshot: string, cause: FaissMemoryError) {
    super(cause.code, `The backup ${snapshot} was made on this machine, but not uploaded: ${cause.message}`, {
      ...(cause.fix === undefined ? {} : { fix: cause.fix }),
      retryable: cause.retryable,
      cause,
    });
  }
}
