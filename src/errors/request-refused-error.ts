import { type ErrorCode, FaissMemoryError } from './faiss-memory-error.ts';

/** Why a request does not even reach a service. */
export type RefusalCode = Extract<
  ErrorCode,
  | 'UNAUTHORIZED'
  | 'FORBIDDEN'
  | 'HOST_NOT_ALLOWED'
  | 'ORIGIN_NOT_ALLOWED'
  | 'RATE_LIMITED'
  | 'REQUEST_TOO_LARGE'
  | 'UNSUPPORTED_MEDIA_TYPE'
  | 'NO_SUCH_ROUTE'
  | 'METHOD_NOT_ALLOWED'
  | 'TIMED_OUT'
>;

/** The HTTP server turned a request away. Nothing was changed. */
export class RequestRefusedError extends FaissMemoryError {
  /** Headers that belong to the answer, for example `Retry-After`. */
  readonly headers: Readonly<Record<string, string>>;

  constructor(
    code: RefusalCode,
    message: string,
    options: { readonly fix: string; readonly headers?: Readonly<Record<string, string>> },
  ) {
    super(code, message, { fix: options.fix, retryable: code === 'RATE_LIMITED' || code === 'TIMED_OUT' });
    this.headers = options.headers ?? {};
  }
}
