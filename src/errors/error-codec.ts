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

/** An error as plain data, for a message between threads: structured clone would lose its class and fields. */
export interface EncodedError {
  readonly name: string;
  readonly code: ErrorCode;
  readonly message: string;
  readonly fix: string | undefined;
  readonly retryable: boolean;
  /** Own fields of the class, for example `ids` or `path`. */
  readonly fields: Readonly<Record<string, unknown>>;
  /** Where it was raised in the other thread, with its causes; for logs. */
  readonly trace: string;
}

/** The classes that a worker of ours may raise. */
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

/** Anything that was thrown; what is not the product's own becomes an `INTERNAL` error. */
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

/** The error again, as an instance of its class. Its cause is the trace from the other thread. */
export function decodeError(encoded: EncodedError): FaissMemoryError {
  const { name, code, message, fix, retryable, fields, trace } = encoded;
  const error = new FaissMemoryError(code, message, { cause: new Error(trace) });
  const prototype = CLASSES.find((candidate) => candidate.constructor.name === name);
  // Constructors take other arguments in each class, so the instance is given its class afterwards.
  if (prototype !== undefined) Object.setPrototypeOf(error, prototype);
  return Object.assign(error, { name, fix, retryable, ...fields });
}
