import type { MissingPackage } from '../util/load-optional-package.ts';
import { retryAfterMs, tlsProblem, type TlsProblem } from '../util/network-problem.ts';
import { ProxyError } from '../util/proxy.ts';
import { type BlobOperation, BlobStoreError, type BlobStoreReason } from '../errors/remote-errors.ts';

/** A kind of failure: the part of a `BlobStoreError` that does not depend on the call. */
export interface Failure {
  readonly reason: BlobStoreReason;
  readonly retryable?: boolean;
  readonly fix?: string;
  /** Explanation that precedes the library's own message. */
  readonly problem?: string;
  /** True when the request was certainly refused before it took effect. */
  readonly refused?: boolean;
}

/** The call that failed. */
export interface CallContext {
  readonly operation: BlobOperation;
  readonly location: string;
  readonly key?: string | undefined;
}

/** The facts about a request that failed, for the provider's own translation of errors. */
export interface FailedCall extends CallContext {
  /** Ran out of time; the error itself then looks like any broken connection. */
  readonly timedOut: boolean;
  /** Values that no message may contain. */
  readonly secrets: readonly (string | undefined)[];
}

/** The facts that a provider's translation reads out of the error of its library. */
export interface FailureFacts {
  readonly failure: Failure;
  /** In the words of the library. */
  readonly said: string;
  readonly status: number | undefined;
  readonly providerCode: string | undefined;
  /** The `Retry-After` header of the answer. */
  readonly retryAfter: string | null | undefined;
}

/** Never keeps the error of the library, which holds signed headers or tokens. */
export function failedCallError(call: FailedCall, facts: FailureFacts): BlobStoreError {
  const { operation, location, key, timedOut, secrets } = call;
  const { status, providerCode, retryAfter } = facts;
  const failure: Failure = timedOut ? noProgress : facts.failure;
  const said = timedOut ? 'no progress within the time allowed' : facts.said;
  const mayChange = operation === 'put' || operation === 'delete' || operation === 'create-bucket';
  return new BlobStoreError(failure.reason, {
    operation,
    location,
    key,
    problem: safeText(failure.problem === undefined ? said : `${failure.problem} (${said})`, secrets),
    fix: failure.fix,
    retryable: failure.retryable,
    status,
    providerCode,
    retryAfterMs: retryAfterMs(retryAfter, Date.now()),
    maybeApplied: mayChange && failure.refused !== true,
  });
}

/** The remedy of a failure, where that does not depend on the provider. */
export const fixes = {
  reach: 'Check the network and the endpoint.',
  credentials: 'Check the access key and the secret key.',
  permissions: 'Allow this key to put, get, list and delete objects under the prefix of the bucket.',
  bucket: 'Create the bucket or correct its name.',
  region: "Set the region to the bucket's own.",
  endpoint: 'Check the endpoint: it is the address of the service, without the name of the bucket.',
  between:
    'Check the endpoint, and whether a proxy, gateway or firewall in front of the store cuts connections or limits the size of objects: "faiss-memory sync doctor" tries.',
  clock: "Set this computer's clock.",
  bodies:
    'Raise the limit of request bodies to 64 MiB at the proxy or gateway in front of the store (nginx: client_max_body_size 64m).',
  space: 'Free some space or raise the quota at the provider.',
} as const;

const refused = { refused: true } as const;
const noProgress: Failure = { reason: 'timeout', retryable: true, fix: fixes.reach };

/** Classifies an HTTP status when the body of the answer says no more. */
export function failureOfStatus(status: number): Failure {
  if (status >= 300 && status < 400) return { reason: 'wrong-endpoint', fix: fixes.endpoint, ...refused };
  return byStatus[status] ?? defaultOfStatus(status);
}

const byStatus: Readonly<Record<number, Failure>> = {
  401: { reason: 'bad-credentials', fix: fixes.credentials, ...refused },
  403: { reason: 'access-denied', fix: fixes.permissions, ...refused },
  404: { reason: 'wrong-endpoint', fix: fixes.endpoint, ...refused },
  405: { reason: 'wrong-endpoint', fix: fixes.endpoint, ...refused },
  407: {
    reason: 'unreachable',
    problem: 'the proxy requires a user name and a password',
    fix: 'Put the user name and password into the proxy address: http://user:password@host:port.',
    ...refused,
  },
  408: { reason: 'timeout', retryable: true },
  409: { reason: 'conflict', retryable: true, ...refused },
  412: { reason: 'precondition', ...refused },
  413: { reason: 'too-large', fix: fixes.bodies, ...refused },
  425: { reason: 'throttled', retryable: true, ...refused },
  429: { reason: 'throttled', retryable: true, ...refused },
  501: { reason: 'unsupported', ...refused },
  503: { reason: 'throttled', retryable: true },
  507: { reason: 'full', fix: fixes.space, ...refused },
};

function defaultOfStatus(status: number): Failure {
  if (status >= 500) return { reason: 'server-error', retryable: true };
  return { reason: 'protocol', fix: fixes.endpoint, refused: status >= 400 };
}

const noConnection: Failure = { reason: 'unreachable', retryable: true, fix: fixes.reach, ...refused };
const brokenConnection: Failure = { reason: 'interrupted', retryable: true, fix: fixes.between };

const bySystemCode: Readonly<Record<string, Failure>> = {
  ECONNREFUSED: noConnection,
  ENOTFOUND: noConnection,
  EAI_AGAIN: noConnection,
  ENETUNREACH: noConnection,
  EHOSTUNREACH: noConnection,
  ENETDOWN: noConnection,
  EADDRNOTAVAIL: noConnection,
  ERR_SOCKET_BAD_PORT: { reason: 'misconfigured', fix: fixes.endpoint, ...refused },
  ECONNRESET: brokenConnection,
  ECONNABORTED: brokenConnection,
  EPIPE: brokenConnection,
  ERR_STREAM_PREMATURE_CLOSE: brokenConnection,
  ETIMEDOUT: noProgress,
};

/** Classifies a network error of Node, searching its causes. Undefined for any other error. */
export function failureOfNetwork(error: unknown): (Failure & { readonly code: string }) | undefined {
  for (let current = error; current instanceof Error; current = current.cause) {
    const code = 'code' in current && typeof current.code === 'string' ? current.code : current.name;
    if (current instanceof ProxyError) return { ...proxyFailure(current), code: current.code };
    const tls = tlsProblem(current);
    const failure = tls === undefined ? failureOfCode(code) : tlsFailure(tls);
    if (failure !== undefined) return { ...failure, code };
    if (current instanceof AggregateError && current.errors.length > 0) {
      return failureOfNetwork(current.errors[0]);
    }
  }
  return undefined;
}

function proxyFailure({ message, fix }: ProxyError): Failure {
  return { reason: 'unreachable', retryable: true, problem: message, fix, ...refused };
}

function tlsFailure({ problem, fix }: TlsProblem): Failure {
  return { reason: 'tls', problem: `the server ${problem}`, fix, ...refused };
}

function failureOfCode(code: string): Failure | undefined {
  if (bySystemCode[code] !== undefined) return bySystemCode[code];
  if (code === 'TimeoutError') return bySystemCode['ETIMEDOUT'];
  // The server does not speak HTTP, or sent more than it had announced.
  if (code.startsWith('HPE_')) return { reason: 'protocol', retryable: true, fix: fixes.endpoint };
  return undefined;
}

/** One line without any of the secrets, and without control characters that could move a terminal's cursor. */
export function safeText(text: string, secrets: readonly (string | undefined)[]): string {
  let safe = text;
  for (const secret of secrets) {
    if (secret !== undefined && secret !== '') safe = safe.replaceAll(secret, '***');
  }
  return safe
    .replace(/[\u0000-\u001f\u007f-\u009f]+/g, ' ')
    .trim()
    .slice(0, 300);
}

/** The error of a store whose package is not installed. @param location address of the store */
export function missingPackageError(location: string, missing: MissingPackage): BlobStoreError {
  return new BlobStoreError('missing-package', { operation: 'open', location, ...missing });
}
