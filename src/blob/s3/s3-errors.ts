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

const credentials: Failure = { reason: 'bad-credentials', fix: fixes.credentials, refused: true };
const region: Failure = { reason: 'wrong-region', fix: fixes.region, refused: true };
const clock: Failure = { reason: 'clock-skew', fix: fixes.clock, refused: true };
const damaged: Failure = { reason: 'integrity', retryable: true, refused: true };
const full: Failure = { reason: 'full', fix: fixes.space, refused: true };
const busy: Failure = { reason: 'throttled', retryable: true, refused: true };
const misnamed: Failure = { reason: 'misconfigured', fix: fixes.bucket, refused: true };

const byCode: Readonly<Record<string, Failure>> = {
  NoSuchBucket: { reason: 'no-bucket', fix: fixes.bucket, refused: true },
  InvalidBucketName: misnamed,
  InvalidAccessKeyId: credentials,
  SignatureDoesNotMatch: credentials,
  XAdminUserNotFound: credentials,
  AuthorizationHeaderMalformed: credentials,
  InvalidToken: credentials,
  ExpiredToken: credentials,
  TokenRefreshRequired: credentials,
  CredentialsProviderError: { ...credentials, fix: 'Set the access key and the secret key.' },
  TokenProviderError: credentials,
  RequestTimeTooSkewed: { ...clock, retryable: true },
  RequestExpired: clock,
  PermanentRedirect: region,
  TemporaryRedirect: region,
  IllegalLocationConstraintException: region,
  RequestTimeout: { reason: 'timeout', retryable: true },
  BadDigest: damaged,
  IncompleteBody: damaged,
  XAmzContentSHA256Mismatch: damaged,
  XAmzContentChecksumMismatch: damaged,
  EntityTooLarge: { reason: 'too-large', fix: fixes.bodies, refused: true },
  OperationAborted: { reason: 'conflict', retryable: true, refused: true },
  ConditionalRequestConflict: { reason: 'conflict', retryable: true, refused: true },
  PreconditionFailed: { reason: 'precondition', refused: true },
  NotImplemented: { reason: 'unsupported', refused: true },
  InvalidObjectState: { reason: 'archived', fix: 'Restore the object from cold storage.', refused: true },
  SlowDown: busy,
  TooManyRequests: busy,
  Throttling: busy,
  QuotaExceeded: full,
  XMinioStorageFull: full,
  InsufficientStorage: full,
};

/** The members of an SDK error that are read here. Each of them may be missing. */
interface SdkError extends Error {
  readonly $metadata?: { readonly httpStatusCode?: number };
  readonly $response?: { readonly statusCode?: number; readonly headers?: Readonly<Record<string, string>> };
  readonly Region?: string;
}

/** The S3 error code, for example `NoSuchKey`; undefined without an answer. */
export function s3Code(error: unknown): string | undefined {
  return error instanceof Error && s3Status(error) !== undefined ? error.name : undefined;
}

/** The HTTP status of a failed call; undefined without an answer. */
export function s3Status(error: unknown): number | undefined {
  if (!(error instanceof Error)) return undefined;
  const { $metadata, $response } = error as SdkError;
  return $metadata?.httpStatusCode ?? $response?.statusCode;
}

/** Tells the meaning of an error of the S3 client. */
export function s3Error(thrown: unknown, call: FailedCall): BlobStoreError {
  const error = (thrown instanceof Error ? thrown : new Error(String(thrown))) as SdkError;
  const status = s3Status(error);
  return failedCallError(call, {
    failure: classify(error, status),
    said: problemOf(error, status),
    status,
    providerCode: failureOfNetwork(error)?.code ?? error.name,
    retryAfter: error.$response?.headers?.['retry-after'],
  });
}

function classify(error: SdkError, status: number | undefined): Failure {
  const body = failureOfBody(error);
  if (body !== undefined) return body;
  const bucketRegion = regionOf(error);
  if (bucketRegion !== undefined) return { ...region, fix: `Set the region to ${bucketRegion}.` };
  const known = byCode[error.name];
  if (known !== undefined) return known;
  if (status !== undefined && status >= 300) {
    const failure = failureOfStatus(status);
    return status === 403 && isForeign(error) ? { ...failure, fix: fixes.between } : failure;
  }
  const network = failureOfNetwork(error);
  if (network !== undefined) return network;
  if (/checksum mismatch/i.test(error.message)) return damaged;
  // A successful answer that cannot be parsed comes from a proxy or a sign-in page, not from the store.
  if (status !== undefined) return { reason: 'protocol', retryable: true, fix: fixes.endpoint };
  return failureBeforeSending(error);
}

/** The bucket's region, when the store's answer to a request for another region names it. */
function regionOf(error: SdkError): string | undefined {
  const mentions = [
    'AuthorizationHeaderMalformed',
    'PermanentRedirect',
    'TemporaryRedirect',
    'Redirect',
    '301',
  ];
  const status = s3Status(error);
  if (!mentions.includes(error.name) && status !== 301 && status !== 307) return undefined;
  const named = error.Region ?? error.$response?.headers?.['x-amz-bucket-region'];
  return named === undefined || !/^[a-z0-9-]{1,40}$/.test(named) ? undefined : named;
}

function failureBeforeSending(error: Error): Failure {
  if (/region is missing/i.test(error.message))
    return { reason: 'misconfigured', fix: 'Set the region.', refused: true };
  if (/credential|profile|sso|token/i.test(error.message)) return credentials;
  return { reason: 'protocol', fix: fixes.endpoint };
}

function problemOf(error: Error, status: number | undefined): string {
  const answer = status === undefined ? '' : `HTTP ${status} `;
  if (isForeign(error)) return `${answer}with an answer that is not a store's`;
  const text = error.message === error.name || error.message === 'UnknownError' ? '' : error.message;
  // The client calls a connection that was cut a TimeoutError; the text of such an error tells the cause.
  const name = error.name === 'Error' || 'code' in error ? '' : error.name;
  return `${answer}${name} ${text}`.trim();
}

/** A store answers in XML; this answer comes from something in front of it. */
function isForeign(error: Error): boolean {
  return error.message.includes('Deserialization error');
}
