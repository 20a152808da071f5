import { BlobStoreError, type BlobStoreReason } from '../errors/remote-errors.ts';
import { FaissMemoryError, type ErrorCode } from '../errors/faiss-memory-error.ts';
import type { JsonValue } from '../memory/version.ts';
import type { SyncProblem } from './sync-api.ts';

/** What went wrong, for users: the messages and fixes of our own errors, which never hold secrets or texts. */
export function toSyncProblem(error: unknown, at: number): SyncProblem {
  if (!(error instanceof FaissMemoryError)) {
    return { code: 'INTERNAL', message: 'An unexpected failure, see the log', at };
  }
  const { fix, message } = error;
  const code = error instanceof BlobStoreError ? error.reason : error.code;
  return { code, message, at, ...(fix === undefined ? {} : { fix }) };
}

/** A problem out of a note. */
export function readSyncProblem(value: JsonValue | undefined): SyncProblem | null {
  if (value === null || typeof value !== 'object' || Array.isArray(value)) return null;
  const { code, message, fix, at } = value;
  if (typeof code !== 'string' || typeof message !== 'string' || typeof at !== 'number') return null;
  return { code, message, at, ...(typeof fix === 'string' ? { fix } : {}) };
}

const UNREACHABLE: readonly BlobStoreReason[] = [
  'unreachable',
  'interrupted',
  'timeout',
  'tls',
  'throttled',
  'server-error',
];

/** The remote did not answer, in contrast to a remote that refused. */
export function isUnreachable(error: unknown): boolean {
  return error instanceof BlobStoreError && UNREACHABLE.includes(error.reason);
}

/** Mistakes of a caller, and work that was put off, say nothing about the remote. */
const NOT_OBSERVED: ReadonlySet<ErrorCode> = new Set([
  'INVALID_INPUT',
  'STATE_CHANGED',
  'SNAPSHOT_NOT_FOUND',
  'SNAPSHOT_AMBIGUOUS',
  'BACKUP_BUSY',
  'SYNC_OFF',
]);

/** What the status should tell about a failed call; null = nothing. */
export function observedProblem(error: unknown, at: number): SyncProblem | null {
  if (!(error instanceof FaissMemoryError) || NOT_OBSERVED.has(error.code)) return null;
  // We ended it ourselves.
  if (error instanceof BlobStoreError && error.reason === 'closed') return null;
  return toSyncProblem(error, at);
}
