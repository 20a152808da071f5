import { BlobStoreError } from '../../errors/remote-errors.ts';
import { failureOfBody } from '../answers.ts';
import {
  failureOfNetwork,
  failureOfStatus,
  fixes,
  problemText,
  retryAfterMs,
  safeText,
  type Failure,
} from '../failure.ts';
import type { FailedCall } from '../request-runner.ts';

const damaged: Failure = { reason: 'integrity', retryable: true, refused: true };
const credentials: Failure = {
  reason: 'bad-credentials',
  fix: 'Set a service account key file, or log in with application default credentials.',
  refused: true,
};

const byCode: Readonly<Record<string, Failure>> = {
  CONTENT_DOWNLOAD_MISMATCH: damaged,
  invalid_grant: credentials,
};

/** The members of the library's error that are read here. `code` is an HTTP status or a name. */
interface ApiErrorLike extends Error {
  readonly code?: number | string;
  readonly response?: { readonly headers?: Readonly<Record<string, string>> };
}

/** The HTTP status of a failed call; undefined without an answer. */
export function gcsStatus(error: unknown): number | undefined {
  const code = error instanceof Error ? Number((error as ApiErrorLike).code) : NaN;
  return Number.isInteger(code) ? code : undefined;
}

/** Translates an error of the Google client. The client's error contains tokens, so it is not kept as cause. */
export function gcsError(thrown: unknown, call: FailedCall): BlobStoreError {
  const error = (thrown instanceof Error ? thrown : new Error(String(thrown))) as ApiErrorLike;
  const failure = classify(error, call);
  const status = gcsStatus(error);
  const said = `${status === undefined ? '' : `HTTP ${status} `}${error.message.split('\n')[0] ?? ''}`;
  return new BlobStoreError(failure.reason, {
    operation: call.operation,
    location: call.location,
    key: call.key,
    problem: call.timedOut
      ? 'no progress within the time allowed'
      : safeText(problemText(failure, said), call.secrets),
    fix: failure.fix,
    retryable: failure.retryable,
    status,
    providerCode: error.code === undefined ? undefined : String(error.code),
    retryAfterMs: retryAfterMs(error.response?.headers?.['retry-after'], Date.now()),
    maybeApplied: ['put', 'delete', 'create-bucket'].includes(call.operation) && failure.refused !== true,
  });
}

function classify(error: ApiErrorLike, call: FailedCall): Failure {
  if (call.timedOut) return { reason: 'timeout', retryable: true, fix: fixes.reach };
  const body = failureOfBody(error);
  if (body !== undefined) return body;
  const known = byCode[String(error.code)];
  if (known !== undefined) return known;
  const status = gcsStatus(error);
  // Only a missing bucket leads here: a missing object is a result, not an error.
  if (status === 404) return { reason: 'no-bucket', fix: fixes.bucket, refused: true };
  if (status !== undefined && status >= 300) return failureOfStatus(status);
  const network = failureOfNetwork(error);
  if (network !== undefined) return network;
  if (/default credentials|refresh token|private key|ENOENT/i.test(error.message)) return credentials;
  return { reason: 'protocol', retryable: true, fix: fixes.endpoint };
}
