import { FaissMemoryError, type ErrorCode } from '../errors/faiss-memory-error.ts';

/** Exit codes of every command; part of the public surface. */
export const EXIT_CODES = {
  ok: 0,
  failure: 1,
  usage: 2,
  notFound: 3,
  store: 4,
  embedding: 5,
  interrupted: 130,
} as const;

export type ExitCode = (typeof EXIT_CODES)[keyof typeof EXIT_CODES];

/** For --help and the reference. */
export const EXIT_CODE_MEANINGS: readonly (readonly [ExitCode, string])[] = [
  [0, 'done'],
  [1, 'failed: a check of doctor, a line of an import, a backup, the remote, or an unexpected error'],
  [2, 'wrong usage, bad input or bad configuration; nothing was changed'],
  [3, 'no memory or snapshot has that id or name'],
  [4, 'the memories cannot be opened, read or written'],
  [5, 'the embedding model or the vector index failed'],
  [130, 'interrupted by Ctrl-C'],
];

export function exitCodeOf(error: unknown): ExitCode {
  return error instanceof FaissMemoryError ? exitCodeOfError(error.code) : EXIT_CODES.failure;
}

const USAGE: ReadonlySet<ErrorCode> = new Set<ErrorCode>([
  'INVALID_INPUT',
  'CONFIGURATION',
  'SECRET_REJECTED',
  'SNAPSHOT_AMBIGUOUS',
  'SYNC_OFF',
]);

function exitCodeOfError(code: ErrorCode): ExitCode {
  if (code.startsWith('STORE_')) return EXIT_CODES.store;
  if (code.startsWith('EMBEDDING_') || code.startsWith('MODEL_') || code === 'VECTOR_INDEX') {
    return EXIT_CODES.embedding;
  }
  if (code === 'NOT_FOUND' || code === 'SNAPSHOT_NOT_FOUND') return EXIT_CODES.notFound;
  return USAGE.has(code) ? EXIT_CODES.usage : EXIT_CODES.failure;
}
