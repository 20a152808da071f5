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
const denied: Failure = { reason: 'access-denied', fix: fixes.permissions, refused: true };
const damaged: Failure = { reason: 'integrity', retryable: true, refused: true };
const noContainer: Failure = {
  reason: 'no-bucket',
  fix: 'Create the container or correct its name.',
  refused: true,
};

const byCode: Readonly<Record<string, Failure>> = {
  ContainerNotFound: noContainer,
  ContainerDisabled: noContainer,
  ContainerBeingDeleted: { ...noContainer, retryable: true },
  AuthenticationFailed: credentials,
  InvalidAuthenticationInfo: credentials,
  AuthorizationFailure: denied,
  AuthorizationPermissionMismatch: denied,
  InsufficientAccountPermissions: denied,
  BlobAlreadyExists: { reason: 'precondition', refused: true },
  ConditionNotMet: { reason: 'precondition', refused: true },
  Md5Mismatch: damaged,
  BlobArchived: { reason: 'archived', fix: 'Move the blob to an online tier.', refused: true },
  ServerBusy: { reason: 'throttled', retryable: true },
  OperationTimedOut: { reason: 'timeout', retryable: true },
  RequestBodyTooLarge: { reason: 'too-large', fix: fixes.bodies, refused: true },
};

/** The members of the SDK's error that are read here. */
interface RestErrorLike extends Error {
  readonly code?: string;
  readonly statusCode?: number;
  readonly details?: { readonly errorCode?: string };
  readonly response?: { readonly headers?: { get(name: string): string | undefined } };
}

/** Azure's error code, for example `BlobNotFound`. Answers to HEAD have it in a header. */
export function azureCode(error: unknown): string | undefined {
  if (!(error instanceof Error)) return undefined;
  const { details, response, code } = error as RestErrorLike;
  return response?.headers?.get('x-ms-error-code') ?? details?.errorCode ?? code;
}

export function azureStatus(error: unknown): number | undefined {
  return error instanceof Error ? (error as RestErrorLike).statusCode : undefined;
}

/** Tells the meaning of an error of the Azure client. */
export function azureError(thrown: unknown, call: FailedCall): BlobStoreError {
  const error = (thrown instanceof Error ? thrown : new Error(String(thrown))) as RestErrorLike;
  const status = azureStatus(error);
  const code = azureCode(error);
  const firstLine = error.message.split('\n')[0] ?? '';
  return failedCallError(call, {
    failure: classify(error),
    said: `${status === undefined ? '' : `HTTP ${status} `}${code ?? ''} ${firstLine}`,
    status,
    providerCode: code,
    retryAfter: error.response?.headers?.get('retry-after'),
  });
}

function classify(error: RestErrorLike): Failure {
  const body = failureOfBody(error);
  if (body !== undefined) return body;
  const known = byCode[azureCode(error) ?? ''];
  if (known !== undefined) return known;
  if (error.statusCode !== undefined && error.statusCode >= 300) return failureOfStatus(error.statusCode);
  return failureOfNetwork(error) ?? { reason: 'protocol', retryable: true, fix: fixes.endpoint };
}
