import { expect, test } from 'vitest';
import { exitCodeOf } from '../../../src/cli/exit-code.ts';
import { FaissMemoryError, type ErrorCode } from '../../../src/errors/faiss-memory-error.ts';

test.each<[ErrorCode, number]>([
  ['INVALID_INPUT', 2],
  ['CONFIGURATION', 2],
  ['SECRET_REJECTED', 2],
  ['NOT_FOUND', 3],
  ['STORE_UNAVAILABLE', 4],
  ['STORE_DAMAGED', 4],
  ['STORE_TOO_NEW', 4],
  ['STORE_READ_ONLY', 4],
  ['STORE_FULL', 4],
  ['STORE_BUSY', 4],
  ['VECTOR_INDEX', 5],
  ['EMBEDDING_UNAVAILABLE', 5],
  ['EMBEDDING_REJECTED', 5],
  ['MODEL_DAMAGED', 5],
  ['SNAPSHOT_NOT_FOUND', 3],
  ['SNAPSHOT_AMBIGUOUS', 2],
  ['SYNC_OFF', 2],
  ['STATE_CHANGED', 1],
  ['BACKUP_BUSY', 1],
  ['BLOB_STORE', 1],
  ['WRONG_PASSPHRASE', 1],
  ['INTERNAL', 1],
])('%s ends with %i', (code, exitCode) => {
  expect(exitCodeOf(new FaissMemoryError(code, 'message'))).toBe(exitCode);
});

test('anything else thrown ends with 1', () => {
  expect(exitCodeOf(new Error('bug'))).toBe(1);
  expect(exitCodeOf(undefined)).toBe(1);
});
