import { describe, expect, test } from 'vitest';
import { unifiedDiff } from '../../../src/cli/clients/plan-change.ts';

describe('unifiedDiff', () => {
  test('shows a change with three lines around it', () => {
    const before = 'a\nb\nc\nd\ne\nf\ng\nh\n';
    expect(unifiedDiff('f', before, before.replace('e', 'E\nE2'))).toBe(
      ['--- f', '+++ f', '@@ -2,7 +2,8 @@', ' b', ' c', ' d', '-e', '+E', '+E2', ' f', ' g', ' h'].join('\n'),
    );
  });

  test('shows a new file', () => {
    expect(unifiedDiff('f', '', 'a\n')).toBe('--- f\n+++ f\n@@ -0,0 +1,1 @@\n+a');
  });

  test('counts repeated lines once', () => {
    expect(unifiedDiff('f', 'a\na\n', 'a\na\na\n')).toBe('--- f\n+++ f\n@@ -1,2 +1,3 @@\n a\n a\n+a');
  });

  test('is empty without a change', () => {
    expect(unifiedDiff('f', 'a\n', 'a\n')).toBe('');
  });
});
