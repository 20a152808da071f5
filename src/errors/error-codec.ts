import {
  EmbeddingRejectedError,
  EmbeddingUnavailableError,
  ModelDamagedError,
  VectorIndexError,
} from './embedding-errors.ts';
import { FaissMemoryError, type ErrorCode } from './faiss-memory-error.ts';
import { InvalidInputError, NotFoundError, StateChangedError } from './input-errors.ts';
import { RepositoryDamagedError } from './backup-errors.ts';
import {
  StoreBusyError,
  StoreDamagedError,
  StoreFullError,
  StoreReadOnlyError,
  StoreTooNewError,
  StoreUnavailableError,
} from './store-errors.ts';

/** An error as plain data for a message between threads, because structured clone loses its class and fields. */
export interface EncodedError {
  readonly name: string;
  readonly code: ErrorCode;
  readonly message: string;
  readonly fix: string | undefined;
  readonly retryable: boolean;
  /** Own fields of the class, for example `ids` or `path`. */
  readonly fields: Readonly<Record<string, unknown>>;
  /** Stack in the other thread, with those of its causes; for logs. */
  readonly trace: string;
}

/** Classes of errors that the workers raise. */
const CLASSES: readonly (typeof FaissMemoryError)['prototype'][] = [
  EmbeddingRejectedError.prototype,
  EmbeddingUnavailableError.prototype,
  InvalidInputError.prototype,
  ModelDamagedError.prototype,
  NotFoundError.prototype,
  RepositoryDamagedError.prototype,
  StateChangedError.prototype,
  StoreBusyError.prototype,
  StoreDamagedError.prototype,
  StoreFullError.prototype,
  StoreReadOnlyError.prototype,
  StoreTooNewError.prototype,
  StoreUnavailableError.prototype,
  VectorIndexError.prototype,
];

/** Encodes any thrown value. Values other than the product's errors become `INTERNAL` errors. */
export function encodeError(thrown: unknown): EncodedError {
  const trace = traceOf(thrown);
  if (!(thrown instanceof FaissMemoryError)) {
    const message = thrown instanceof Error ? thrown.message : String(thrown);
    return {
      name: 'FaissMemoryError',
      code: 'INTERNAL',
      message,
      fix: undefined,
      retryable: false,
      fields: {},
      trace,
    };
  }
  const { name, code, message, fix, retryable, ...fields } = thrown;
  return { name, code, message, fix, retryable, fields, trace };
}

function traceOf(thrown: unknown): string {
  if (!(thrown instanceof Error)) return String(thrown);
  const own = thrown.stack ?? thrown.message;
  return thrown.cause === undefined ? own : `${own}\ncaused by ${traceOf(thrown.cause)}`;
}

/** Restores the error as an instance of its class. Its cause is the trace from the other thread. */
export function decodeError(encoded: EncodedError): FaissMemoryError {
  const { name, code, message, fix, retryable, fields, trace } = encoded;
  const error = new FaissMemoryError(code, message, { cause: new Error(trace) });
  const prototype = CLASSES.find((candidate) => candidate.constructor.name === name);
  // The constructors have different parameters, so the class is set afterwards.
  if (prototype !== undefined) Object.setPrototypeOf(error, prototype);
  return Object.assign(error, { name, fix, retryable, ...fields });
}
