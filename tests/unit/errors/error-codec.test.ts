import { describe, expect, test } from 'vitest';
import { decodeError, encodeError } from '../../../src/errors/error-codec.ts';
import { FaissMemoryError } from '../../../src/errors/faiss-memory-error.ts';
import { InvalidInputError, NotFoundError } from '../../../src/errors/input-errors.ts';
import {
  StoreDamagedError,
  StoreTooNewError,
  StoreUnavailableError,
} from '../../../src/errors/store-errors.ts';
import { VectorIndexError } from '../../../src/errors/embedding-errors.ts';

function overTheWire(error: unknown): FaissMemoryError {
  return decodeError(structuredClone(encodeError(error)));
}

describe('errors between threads', () => {
  test.each([
    new NotFoundError(['a', 'b']),
    new InvalidInputError('drafts[0].text', 'is empty', 'allowed is a text'),
    new StoreDamagedError('/data/memory.sqlite', 'is damaged'),
    new StoreTooNewError('/data/memory.sqlite', 9, 1),
    new StoreUnavailableError('gone', { fix: 'Come back.', retryable: true }),
    new VectorIndexError('no memory'),
  ])('keep class, message and fields: $name', (error) => {
    const received = overTheWire(error);
    expect(received).toBeInstanceOf(error.constructor);
    expect(received).toBeInstanceOf(FaissMemoryError);
    expect(received.message).toBe(error.message);
    expect(Object.entries(received)).toEqual(expect.arrayContaining(Object.entries(error)));
    expect(String(received)).toBe(String(error));
  });

  test('keep the trace and the causes for logs', () => {
    const error = new StoreUnavailableError('outer', { cause: new Error('inner', { cause: 'root' }) });
    const { cause } = overTheWire(error);
    expect(String(cause)).toMatch(/outer[^]*error-codec\.test[^]*caused by Error: inner[^]*caused by root/);
  });

  test.each([
    ['a bug', new TypeError('x is not a function'), 'x is not a function'],
    ['no error at all', 'text', 'text'],
  ])('turn %s into an internal error', (_, thrown, message) => {
    const received = overTheWire(thrown);
    expect(received).toBeInstanceOf(FaissMemoryError);
    expect(received).toMatchObject({ code: 'INTERNAL', message, retryable: false });
  });
});
