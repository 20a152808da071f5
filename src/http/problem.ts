import { STATUS_CODES } from 'node:http';
import type { ContentfulStatusCode } from 'hono/utils/http-status';
import { ConfirmationNeededError, RequestRefusedError } from '../errors/input-errors.ts';
import { type ErrorCode, FaissMemoryError } from '../errors/faiss-memory-error.ts';
import { errorMessage, isUnexpected } from '../api/errors.ts';
import { visibleJson } from '../util/visible-text.ts';
import type { HttpContext } from './http-environment.ts';

const STATUSES: Readonly<Record<ErrorCode, ContentfulStatusCode>> = {
  INVALID_INPUT: 400,
  NOT_FOUND: 404,
  CONFIGURATION: 500,
  SECRET_REJECTED: 422,
  STORE_UNAVAILABLE: 503,
  STORE_DAMAGED: 503,
  STORE_TOO_NEW: 503,
  STORE_READ_ONLY: 503,
  STORE_FULL: 507,
  STORE_BUSY: 503,
  VECTOR_INDEX: 503,
  EMBEDDING_UNAVAILABLE: 503,
  EMBEDDING_REJECTED: 502,
  MODEL_DAMAGED: 503,
  BLOB_STORE: 502,
  REPOSITORY_DAMAGED: 502,
  REPOSITORY_TOO_NEW: 409,
  OBJECT_MISSING: 502,
  WRONG_PASSPHRASE: 409,
  MISSING_KEY: 409,
  ENCRYPTION_DOWNGRADE: 409,
  MACHINE_FORKED: 409,
  SNAPSHOT_NOT_FOUND: 404,
  SNAPSHOT_AMBIGUOUS: 409,
  STATE_CHANGED: 409,
  BACKUP_BUSY: 503,
  SYNC_OFF: 409,
  UNAUTHORIZED: 401,
  AUTH_UNAVAILABLE: 503,
  FORBIDDEN: 403,
  HOST_NOT_ALLOWED: 403,
  ORIGIN_NOT_ALLOWED: 403,
  RATE_LIMITED: 429,
  REQUEST_TOO_LARGE: 413,
  UNSUPPORTED_MEDIA_TYPE: 415,
  NO_SUCH_ROUTE: 404,
  METHOD_NOT_ALLOWED: 405,
  TIMED_OUT: 503,
  OVERLOADED: 503,
  CONFIRMATION_NEEDED: 409,
  QUOTA_EXCEEDED: 507,
  INSTALL_FAILED: 500,
  INTERNAL: 500,
};

/** An error as RFC 9457 writes it; `code` and `fix` are ours. */
export interface Problem {
  readonly type: 'about:blank';
  readonly title: string;
  readonly status: ContentfulStatusCode;
  /** The problem, with the value. */
  readonly detail: string;
  readonly code: ErrorCode;
  /** The remedy. */
  readonly fix?: string;
  /** The same request may succeed later. */
  readonly retryable: boolean;
  readonly request_id: string;
  /** With CONFIRMATION_NEEDED: the planned effect. */
  readonly dry_run?: Readonly<Record<string, unknown>>;
}

export const PROBLEM_TYPE = 'application/problem+json';

/** @param requestId names the entry in the log */
export function toProblem(error: unknown, requestId: string): Problem {
  const { code, fix, retryable } = error instanceof FaissMemoryError ? error : UNEXPECTED;
  const status = STATUSES[code];
  return {
    type: 'about:blank',
    title: TITLES[status] ?? 'Error',
    status,
    detail: errorMessage(error),
    code,
    ...(fix === undefined || isUnexpected(error) ? {} : { fix }),
    retryable,
    request_id: requestId,
    ...(error instanceof ConfirmationNeededError ? { dry_run: error.dryRun } : {}),
  };
}

const UNEXPECTED = { code: 'INTERNAL', fix: undefined, retryable: false } as const;

/** The phrases of RFC 9110, as a problem without a type of its own must have them; Node.js has older ones for two. */
const TITLES: Readonly<Record<number, string | undefined>> = {
  ...STATUS_CODES,
  413: 'Content Too Large',
  422: 'Unprocessable Content',
};

const RETRY_AFTER_SECONDS = 2;

/** When a request that failed for a passing reason is worth another try. */
function soonAgain({ code, status, retryable }: Problem): Readonly<Record<string, string>> {
  if (code === 'AUTH_UNAVAILABLE') return { 'Retry-After': '5' };
  return status === 503 && retryable ? { 'Retry-After': String(RETRY_AFTER_SECONDS) } : {};
}

/** Answers with a problem, keeping the headers that guards have set. */
export function answerProblem(context: HttpContext, error: unknown): Response {
  const problem = toProblem(error, context.get('requestId'));
  const headers = error instanceof RequestRefusedError ? error.headers : soonAgain(problem);
  return context.body(visibleJson(problem), problem.status, { 'Content-Type': PROBLEM_TYPE, ...headers });
}
