import { describe, expect, test } from 'vitest';
import { rememberCommit, wentBack, type Commit } from '../../../src/backup/format/head.ts';

function commit(seq: number): Commit {
  return { seq, commitId: seq.toString(16).padStart(16, '0'), ownWrites: seq };
}

describe('rememberCommit', () => {
  let past: Commit[] = [];
  for (let seq = 1; seq <= 100_000; seq += 1) past = rememberCommit(commit(seq), past);

  test('keeps the newest without gaps, and the list short', () => {
    expect(past.slice(0, 32).map(({ seq }) => seq)).toEqual(
      Array.from({ length: 32 }, (_, index) => 100_000 - index),
    );
    expect(past.length).toBeLessThan(32 + 16 * 13);
  });

  test('has a commit not much older than any that one looks for', () => {
    for (const seq of [99_990, 99_900, 99_000, 90_000, 50_000, 40_000]) {
      const age = 100_000 - seq;
      const found = past.find((candidate) => candidate.seq <= seq);
      expect(found).toBeDefined();
      expect(seq - (found?.seq ?? 0)).toBeLessThanOrEqual(age / 8);
    }
  });
});

test('a head went back when its seq is lower, its id another, or it is gone', () => {
  const seen = { seq: 5, commitId: 'a' };
  expect(wentBack(null, null)).toBe(false);
  expect(wentBack({ seq: 1, commitId: 'x' }, null)).toBe(false);
  expect(wentBack(seen, seen)).toBe(false);
  expect(wentBack({ seq: 6, commitId: 'b' }, seen)).toBe(false);
  expect(wentBack({ seq: 4, commitId: 'b' }, seen)).toBe(true);
  expect(wentBack({ seq: 5, commitId: 'b' }, seen)).toBe(true);
  expect(wentBack(null, seen)).toBe(true);
});
