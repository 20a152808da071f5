import { BlobStoreError, type BlobOperation, type BlobStoreReason } from '../../errors/remote-errors.ts';

interface Meaning {
  readonly reason: BlobStoreReason;
  readonly retryable?: boolean;
  readonly fix?: string;
}

const fixes = {
  access: 'Give this user read and write permission on the folder.',
  full: 'Free some space on the disk of the folder.',
  reach: 'Check that the disk or network share is mounted and responds.',
};

const meanings: Readonly<Record<string, Meaning>> = {
  EACCES: { reason: 'access-denied', fix: fixes.access },
  EPERM: { reason: 'access-denied', fix: fixes.access },
  EROFS: { reason: 'access-denied', fix: 'The file system is mounted read-only; choose another folder.' },
  ENOSPC: { reason: 'full', fix: fixes.full },
  EDQUOT: { reason: 'full', fix: fixes.full },
  EFBIG: { reason: 'too-large' },
  EEXIST: { reason: 'precondition' },
  ENAMETOOLONG: { reason: 'misconfigured', fix: 'Choose a folder with a shorter path.' },
  EIO: { reason: 'unreachable', retryable: true, fix: fixes.reach },
  ESTALE: { reason: 'unreachable', retryable: true, fix: fixes.reach },
  ENOTCONN: { reason: 'unreachable', retryable: true, fix: fixes.reach },
  EHOSTDOWN: { reason: 'unreachable', retryable: true, fix: fixes.reach },
  ETIMEDOUT: { reason: 'timeout', retryable: true, fix: fixes.reach },
  ENOENT: { reason: 'conflict', retryable: true },
  EBUSY: { reason: 'conflict', retryable: true },
  EAGAIN: { reason: 'conflict', retryable: true },
  EMFILE: { reason: 'throttled', retryable: true },
  ENFILE: { reason: 'throttled', retryable: true },
};

/**
 * With these Windows refuses a file also for the moment in which another program has it open or is replacing it.
 */
const PERHAPS_IN_USE = new Set(['EACCES', 'EPERM']);

export interface FileErrorContext {
  readonly operation: BlobOperation;
  readonly location: string;
  readonly key?: string;
  /** Default: that of the process. */
  readonly platform?: NodeJS.Platform;
}

/** Code of a system error, for example `ENOENT`; undefined for any other value. */
export function systemCode(error: unknown): string | undefined {
  // Many errors have a `code`, but only system errors have a `syscall`.
  if (!(error instanceof Error) || !('code' in error) || !('syscall' in error)) return undefined;
  return typeof error.code === 'string' ? error.code : undefined;
}

/** Translates a system error of a file operation into a `BlobStoreError`. */
export function fileError(
  error: Error,
  { platform = process.platform, ...context }: FileErrorContext,
): BlobStoreError {
  const code = systemCode(error) ?? '';
  const meaning: Meaning = meanings[code] ?? { reason: 'protocol' };
  return new BlobStoreError(meaning.reason, {
    ...context,
    problem: error.message,
    providerCode: code === '' ? undefined : code,
    retryable: platform === 'win32' && PERHAPS_IN_USE.has(code) ? true : meaning.retryable,
    fix: meaning.fix,
    // A rename that failed half-way looks like one that did not start.
    maybeApplied: context.operation === 'put' && meaning.reason !== 'precondition',
    cause: error,
  });
}
