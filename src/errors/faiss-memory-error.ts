import { visibleLine } from '../util/visible-text.ts';

/** Stable codes for programs. A released code never changes its meaning. */
export type ErrorCode =
  | 'INVALID_INPUT'
  | 'NOT_FOUND'
  | 'CONFIGURATION'
  | 'SECRET_REJECTED'
  | 'STORE_UNAVAILABLE'
  | 'STORE_DAMAGED'
  | 'STORE_TOO_NEW'
  | 'STORE_READ_ONLY'
  | 'STORE_FULL'
  | 'STORE_BUSY'
  | 'VECTOR_INDEX'
  | 'EMBEDDING_UNAVAILABLE'
  | 'EMBEDDING_REJECTED'
  | 'MODEL_DAMAGED'
  | 'BLOB_STORE'
  | 'REPOSITORY_DAMAGED'
  | 'REPOSITORY_TOO_NEW'
  | 'OBJECT_MISSING'
  | 'WRONG_PASSPHRASE'
  | 'MISSING_KEY'
  | 'ENCRYPTION_DOWNGRADE'
  | 'MACHINE_FORKED'
  | 'SNAPSHOT_NOT_FOUND'
  | 'SNAPSHOT_AMBIGUOUS'
  | 'STATE_CHANGED'
  | 'BACKUP_BUSY'
  | 'SYNC_OFF'
  | 'UNAUTHORIZED'
  | 'AUTH_UNAVAILABLE'
  | 'FORBIDDEN'
  | 'HOST_NOT_ALLOWED'
  | 'ORIGIN_NOT_ALLOWED'
  | 'RATE_LIMITED'
  | 'REQUEST_TOO_LARGE'
  | 'UNSUPPORTED_MEDIA_TYPE'
  | 'NO_SUCH_ROUTE'
  | 'METHOD_NOT_ALLOWED'
  | 'TIMED_OUT'
  | 'OVERLOADED'
  | 'CONFIRMATION_NEEDED'
  | 'QUOTA_EXCEEDED'
  | 'INSTALL_FAILED'
  | 'INTERNAL';

export interface FaissMemoryErrorOptions {
  /** How the user can fix the problem, as an imperative sentence. */
  readonly fix?: string;
  /** True when the same call may succeed later. Default false. */
  readonly retryable?: boolean;
  readonly cause?: unknown;
}

/**
 * Base of all errors that the product raises on purpose. The message names the thing and the value; `fix` says how to
 * correct it. Both are one line: a name or an answer of another program that is quoted in them may hold anything.
 * Edges (MCP, CLI, HTTP) catch it once and render `code`, `message` and `fix`.
 */
export class FaissMemoryError extends Error {
  readonly code: ErrorCode;
  readonly fix: string | undefined;
  readonly retryable: boolean;

  constructor(code: ErrorCode, message: string, options: FaissMemoryErrorOptions = {}) {
    super(visibleLine(message), options.cause === undefined ? undefined : { cause: options.cause });
    this.name = new.target.name;
    this.code = code;
    this.fix = options.fix === undefined ? undefined : visibleLine(options.fix);
    this.retryable = options.retryable ?? false;
  }
}
