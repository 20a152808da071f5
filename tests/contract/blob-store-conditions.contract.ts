import { describe, expect, test } from 'vitest';
import type { BlobStore } from '../../src/blob/blob-store.ts';
import type { BlobStoreError } from '../../src/errors/remote-errors.ts';
import { bytesOf, errorOf, textOf } from '../helpers/blob-values.ts';

/** honoured: both kinds. absent-only: `{ etag }` is always refused. refused: both are. ignored: both are overlooked. */
export type ConditionBehaviour = 'honoured' | 'absent-only' | 'refused' | 'ignored';

/** What becomes of `onlyIf`, for each of the ways stores treat it. */
export function describeConditions(behaviour: ConditionBehaviour, store: () => BlobStore): void {
  describe('conditions', () => {
    if (behaviour === 'honoured' || behaviour === 'absent-only') {
      test('let exactly one of many writers create an object', async () => {
        const writers = Array.from({ length: 12 }, (_, index) =>
          store().put('created', bytesOf(String(index)), { onlyIf: 'absent' }),
        );
        const outcomes = await Promise.allSettled(writers);
        const winners = outcomes.flatMap(({ status }, index) => (status === 'fulfilled' ? [index] : []));
        expect(winners).toHaveLength(1);
        expect(textOf((await store().get('created'))?.bytes)).toBe(String(winners[0]));
        for (const outcome of outcomes) {
          if (outcome.status === 'fulfilled') continue;
          expect(['precondition', 'conflict']).toContain((outcome.reason as BlobStoreError).reason);
        }
        const late = await errorOf(store().put('created', bytesOf('late'), { onlyIf: 'absent' }));
        expect(late).toMatchObject({ reason: 'precondition', retryable: false, maybeApplied: false });
      });
    }

    if (behaviour === 'honoured') {
      test('replace an object only when its etag still matches', async () => {
        const first = await store().put('guarded', bytesOf('1'));
        const second = await store().put('guarded', bytesOf('22'), { onlyIf: { etag: first.etag ?? '' } });
        const stale = await errorOf(
          store().put('guarded', bytesOf('3'), { onlyIf: { etag: first.etag ?? '' } }),
        );
        expect(stale).toMatchObject({ reason: 'precondition', maybeApplied: false });
        expect(textOf((await store().get('guarded'))?.bytes)).toBe('22');
        await store().delete('guarded');
        const gone = await errorOf(
          store().put('guarded', bytesOf('4'), { onlyIf: { etag: second.etag ?? '' } }),
        );
        expect(gone.reason).toBe('precondition');
        expect(await store().head('guarded')).toBeNull();
      });
    }

    if (behaviour === 'refused') {
      test('are refused as unsupported', async () => {
        const { etag } = await store().put('plain', bytesOf('1'));
        for (const onlyIf of ['absent', { etag: etag ?? '' }] as const) {
          const error = await errorOf(store().put('plain', bytesOf('2'), { onlyIf }));
          expect(error).toMatchObject({ reason: 'unsupported', retryable: false, maybeApplied: false });
        }
        expect(textOf((await store().get('plain'))?.bytes)).toBe('1');
      });
    }

    if (behaviour === 'absent-only') {
      test('on an etag are refused, whether they match or not', async () => {
        const { etag } = await store().put('plain', bytesOf('1'));
        const error = await errorOf(store().put('plain', bytesOf('2'), { onlyIf: { etag: etag ?? '' } }));
        expect(['unsupported', 'precondition']).toContain(error.reason);
        expect(error).toMatchObject({ retryable: false, maybeApplied: false });
        expect(textOf((await store().get('plain'))?.bytes)).toBe('1');
      });
    }

    if (behaviour === 'ignored') {
      test('are overlooked, which is why nothing relies on them', async () => {
        await store().put('overwritten', bytesOf('1'));
        await store().put('overwritten', bytesOf('2'), { onlyIf: 'absent' });
        expect(textOf((await store().get('overwritten'))?.bytes)).toBe('2');
      });
    }
  });
}
