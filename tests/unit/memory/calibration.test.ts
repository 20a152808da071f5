import { describe, expect, test } from 'vitest';
import { calibrationFor } from '../../../src/memory/calibration.ts';

describe('the bundled model', () => {
  const { isWeak, relevance } = calibrationFor('e5-small-v2-int8');

  test.each([
    [{ gap: 0.03, vectors: 30, tokenMatch: null }, true],
    [{ gap: 0.09, vectors: 30, tokenMatch: null }, false],
    [{ gap: 0.03, vectors: 4, tokenMatch: null }, false],
    [{ gap: null, vectors: 30, tokenMatch: null }, false],
    [{ gap: 0.03, vectors: 30, tokenMatch: 0.9 }, true],
    [{ gap: 0.055, vectors: 30, tokenMatch: null }, false],
    [{ gap: 0.055, vectors: 30, tokenMatch: 0.45 }, true],
    [{ gap: 0.055, vectors: 30, tokenMatch: 0.6 }, false],
    [{ gap: 0.055, vectors: 20, tokenMatch: 0.45 }, false],
    [{ gap: 0.09, vectors: 30, tokenMatch: 0.2 }, false],
  ])('a best hit with %j is weak: %s', (evidence, weak) => {
    expect(isWeak(evidence)).toBe(weak);
  });

  test('turns cosines into percentages', () => {
    expect(relevance?.(0.86)).toBe(0.75);
  });
});

test('a model that was not measured calls nothing weak and shows no percentages', () => {
  const { isWeak, relevance } = calibrationFor('openai:some-model');
  expect(isWeak({ gap: 0.001, vectors: 1_000, tokenMatch: 0.1 })).toBe(false);
  expect(relevance).toBeNull();
});
