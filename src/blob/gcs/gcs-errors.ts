import type { BlobStoreError } from '../../errors/remote-errors.ts';
import { failureOfBody } from '../answers.ts';
import {
  failedCallError,
  type FailedCall,
  type Failure,
  failureOfNetwork,
  failureOfStatus,
  fixes,
} from '../failure.ts';

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

/** Tells the meaning of an error of the Google client. */
export function gcsError(thrown: unknown, call: FailedCall): BlobStoreError {
  const error = (thrown instanceof Error ? thrown : new Error(String(thrown))) as ApiErrorLike;
  const status = gcsStatus(error);
  return failedCallError(call, {
    failure: classify(error),
    said: `${status === undefined ? '' : `HTTP ${status} `}${error.message.split('\n')[0] ?? ''}`,
    status,
    providerCode: error.code === undefined ? undefined : String(error.code),
    retryAfter: error.response?.headers?.['retry-after'],
  });
}

function classify(error: ApiErrorLike): Failure {
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
