import { describe, expect, test } from 'vitest';
import { combineReports } from '../../../src/backup/restore/snapshot-restorer.ts';
import type { ChangeList, ChangeReport } from '../../../src/store/replica-store.ts';

function list(count: number, name: string): ChangeList {
  const examples = Array.from({ length: Math.min(count, 5) }, (_, index) => ({
    id: `${name}${index}`,
    text: name,
  }));
  return { count, examples };
}

function digests(name: string): ChangeReport['before'] {
  return { clock: {}, contentDigest: name, stateDigest: name };
}

function report(name: string, changes: Partial<ChangeReport> = {}): ChangeReport {
  return {
    applied: true,
    held: false,
    removedLately: 0,
    added: list(3, name),
    changed: list(1, name),
    removed: list(0, name),
    conflicts: 1,
    reusedDots: 2,
    missingIds: 3,
    keptErased: 4,
    broughtBack: 5,
    before: digests(`before ${name}`),
    after: digests(`after ${name}`),
    ...changes,
  };
}

describe('combineReports', () => {
  test('of none is null, of one is that one', () => {
    expect(combineReports([])).toBeNull();
    const only = report('a');
    expect(combineReports([only])).toEqual(only);
  });

  test('adds counts, keeps five examples, and spans from the first state to the last', () => {
    const combined = combineReports([report('a'), report('b'), report('c')]);
    expect(combined).toMatchObject({
      added: { count: 9 },
      changed: { count: 3 },
      removed: { count: 0, examples: [] },
      conflicts: 3,
      reusedDots: 6,
      missingIds: 9,
      keptErased: 12,
      broughtBack: 15,
      before: { stateDigest: 'before a' },
      after: { stateDigest: 'after c' },
    });
    expect(combined?.added.examples.map(({ id }) => id)).toEqual(['a0', 'a1', 'a2', 'b0', 'b1']);
  });

  test('is held when one is, and applied only when all are', () => {
    const held = report('b', { applied: false, held: true });
    expect(combineReports([report('a'), held])).toMatchObject({ applied: false, held: true });
  });
});
