import { execFileSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';

const PAGES = [
  'README.md',
  ...readdirSync('docs')
    .filter((name) => name.endsWith('.md'))
    .map((name) => join('docs', name)),
];

describe('the pictures', () => {
  test('show the page as it is now; "npm run pictures" makes them', () => {
    const check = ['scripts/run-ts.mjs', 'scripts/pictures/make-pictures.ts', '--check'];
    execFileSync(process.execPath, check, { stdio: 'pipe' });
  });

  test('are all used, and all there, each for light and dark', () => {
    const used = PAGES.flatMap((page) =>
      [...readFileSync(page, 'utf8').matchAll(/pictures\/([\w-]+\.(?:png|svg))/g)].map(
        ([, name = '']) => name,
      ),
    );
    const made = readdirSync('docs/pictures').filter((name) => name !== 'sources.json');
    expect([...new Set(used)].sort()).toEqual(made.sort());
  });
});
