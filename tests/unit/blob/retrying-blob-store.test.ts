import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { InMemoryBlobStore } from '../../../src/blob/in-memory-blob-store.ts';
import { retryingBlobStore, type RetryOptions } from '../../../src/blob/decorators.ts';
import {
  BlobStoreError,
  type BlobStoreErrorDetails,
  type BlobStoreReason,
} from '../../../src/errors/remote-errors.ts';
import { bytesOf, errorOf } from '../../helpers/blob-values.ts';

function failure(reason: BlobStoreReason, details: Partial<BlobStoreErrorDetails> = {}): BlobStoreError {
  return new BlobStoreError(reason, {
    operation: 'get',
    location: 'memory:',
    problem: 'planned',
    ...details,
  });
}

/** A store whose first calls fail with these errors, and the waits between its tries. */
function failing(failures: readonly Error[], options: RetryOptions = {}) {
  const waits: number[] = [];
  const inner = new InMemoryBlobStore({
    beforeCall: () => {
      const error = failures[inner.calls.length - 1];
      if (error !== undefined) throw error;
    },
  });
  const store = retryingBlobStore(inner, {
    random: () => 0.5,
    wait: (milliseconds) => Promise.resolve(waits.push(milliseconds)),
    ...options,
  });
  return { store, inner, waits };
}

const slow = failure('server-error', { retryable: true });

describe('retryingBlobStore', () => {
  test('doubles the bound of its waits up to the maximum', async () => {
    const { store, waits } = failing(Array<Error>(7).fill(slow), {
      attempts: 8,
      baseDelayMs: 100,
      maxDelayMs: 1000,
    });
    expect(await store.get('a')).toBeNull();
    expect(waits).toEqual([50, 100, 200, 400, 500, 500, 500]);
  });

  test('waits anywhere between nothing and the bound', async () => {
    await fc.assert(
      fc.asyncProperty(fc.double({ min: 0, max: 0.999999, noNaN: true }), async (random) => {
        const { store, waits } = failing([slow, slow], { random: () => random, baseDelayMs: 100 });
        await store.get('a');
        expect(waits[0]).toBeCloseTo(random * 100);
        expect(waits[1]).toBeCloseTo(random * 200);
      }),
    );
  });

  test('gives up after the last try, with the error of that try', async () => {
    const last = failure('throttled', { retryable: true });
    const { store, inner } = failing([slow, slow, last], { attempts: 3 });
    expect(await errorOf(store.get('a'))).toBe(last);
    expect(inner.calls).toHaveLength(3);
  });

  test('does not repeat what is final, nor what it does not know', async () => {
    const denied = failing([failure('access-denied')]);
    expect((await errorOf(denied.store.get('a'))).reason).toBe('access-denied');
    expect(denied.inner.calls).toHaveLength(1);
    const bug = new TypeError('a bug');
    const broken = failing([bug]);
    await expect(broken.store.get('a')).rejects.toBe(bug);
    expect(broken.inner.calls).toHaveLength(1);
  });

  test('never waits less than the store asked for, and not at all when that is too long', async () => {
    const polite = failing([failure('throttled', { retryable: true, retryAfterMs: 7000 })]);
    await polite.store.get('a');
    expect(polite.waits).toEqual([7000]);
    const tooLong = failure('throttled', { retryable: true, retryAfterMs: 60_001 });
    const patient = failing([tooLong]);
    expect(await errorOf(patient.store.get('a'))).toBe(tooLong);
    expect(patient.waits).toEqual([]);
  });

  test('repeats a skewed clock once, at once', async () => {
    const skewed = failure('clock-skew', { retryable: true });
    const once = failing([skewed]);
    expect(await once.store.get('a')).toBeNull();
    expect(once.waits).toEqual([0]);
    const always = failing([skewed, skewed, skewed]);
    expect(await errorOf(always.store.get('a'))).toBe(skewed);
    expect(always.inner.calls).toHaveLength(2);
  });

  test('repeats a conditional put only when it certainly did not happen', async () => {
    const refused = failing([failure('throttled', { retryable: true, maybeApplied: false })]);
    await refused.store.put('a', bytesOf('x'), { onlyIf: 'absent' });
    expect(refused.inner.calls).toHaveLength(2);
    const lost = failure('interrupted', { retryable: true, maybeApplied: true });
    const unsure = failing([lost]);
    expect(await errorOf(unsure.store.put('a', bytesOf('x'), { onlyIf: 'absent' }))).toBe(lost);
    const plain = failing([lost]);
    await plain.store.put('a', bytesOf('x'));
    expect(plain.inner.calls).toHaveLength(2);
  });

  test('ends a wait when the signal aborts, with the reason of the signal', async () => {
    const controller = new AbortController();
    const reason = new Error('closing');
    const store = retryingBlobStore(
      new InMemoryBlobStore({
        beforeCall: () => {
          queueMicrotask(() => {
            controller.abort(reason);
          });
          throw failure('throttled', { retryable: true, retryAfterMs: 50_000 });
        },
      }),
    );
    await expect(store.get('a', { signal: controller.signal })).rejects.toBe(reason);
  });
});
