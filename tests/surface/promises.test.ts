import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { packagePath } from '../../src/util/package.ts';
import { HOSTILE_BUCKET, PROMISES } from './promises.ts';

describe('the promises about data', () => {
  test('are those that docs/sync.md makes', () => {
    const page = readFileSync(packagePath('docs', 'sync.md'), 'utf8').replaceAll(/\s+/g, ' ');
    for (const { promise } of PROMISES) expect(page).toContain(promise);
  });

  test('about a hostile bucket are the lines of docs/security.md', () => {
    const page = readFileSync(packagePath('docs', 'security.md'), 'utf8');
    const [, section = ''] = page.split('### What a hostile bucket can do');
    const lines = [
      ...section
        .split('\n## ', 1)
        .join('')
        .matchAll(/^\| (can|cannot) +\| (.*?) +\|$/gm),
    ];
    expect(lines.map(([, can, what]) => `${can}: ${what}`)).toEqual(
      HOSTILE_BUCKET.map(({ promise }) => promise),
    );
  });

  test.each([...PROMISES, ...HOSTILE_BUCKET])('"$promise" is held by tests that run', ({ tests }) => {
    expect(tests.some(([file]) => !file.endsWith('.long.test.ts'))).toBe(true);
    for (const [file, title] of tests) {
      const source = readFileSync(packagePath('tests', file), 'utf8');
      const start = source.indexOf(`'${title}'`);
      expect(start, `${file} has no test "${title}"`).toBeGreaterThan(-1);
      expect(source.slice(Math.max(0, start - 40), start)).not.toMatch(/\b(?:skip|todo)\b/);
    }
  });
});
