import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';

const SCRIPT = resolve('scripts/check-changelog.mjs');
let folder: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'changelog-'));
  writeFileSync(join(folder, 'package.json'), '{ "version": "1.2.0" }');
});
afterEach(() => {
  rmSync(folder, { recursive: true });
});

function check(changelog: string, ...parameters: string[]): { status: number | null; stderr: string } {
  writeFileSync(join(folder, 'CHANGELOG.md'), changelog);
  return spawnSync(process.execPath, [SCRIPT, ...parameters], { cwd: folder, encoding: 'utf8' });
}

test('a section of the coming version that says something passes', () => {
  expect(
    check('# Changelog\n\n## 1.2.0 (unreleased)\n\n- New.\n\n## 1.1.0 (2026-01-31)\n\n- Old.\n'),
  ).toMatchObject({
    status: 0,
    stderr: '',
  });
});

test.each([
  ['no section', '# Changelog\n', 'no section'],
  ['another version', '## 1.1.0 (2026-01-31)\n\n- Old.\n', 'add "## 1.2.0 (unreleased)"'],
  ['an empty section', '## 1.2.0 (unreleased)\n\n## 1.1.0 (2026-01-31)\n\n- Old.\n', 'has no entry'],
])('%s fails', (_name, changelog, reason) => {
  const { status, stderr } = check(changelog);
  expect(status).toBe(1);
  expect(stderr).toContain(reason);
});

test('a release needs the day and the version of the tag', () => {
  expect(check('## 1.2.0 (unreleased)\n\n- New.\n', '--release', '1.2.0').stderr).toContain(
    'day of its release',
  );
  expect(check('## 1.2.0 (2026-01-31)\n\n- New.\n', '--release', '1.2.1').stderr).toContain(
    'The tag says 1.2.1',
  );
  expect(check('## 1.2.0 (2026-01-31)\n\n- New.\n', '--release', '1.2.0').status).toBe(0);
});

test('a change of src needs a word in the changelog', () => {
  const git = (...parameters: string[]): void => {
    const identity = ['-c', 'user.name=t', '-c', 'user.email=t@example.org', '-c', 'commit.gpgsign=false'];
    expect(spawnSync('git', [...identity, ...parameters], { cwd: folder }).status).toBe(0);
  };
  const changelog = '## 1.2.0 (unreleased)\n\n- New.\n';
  writeFileSync(join(folder, 'CHANGELOG.md'), changelog);
  git('init', '-q', '-b', 'main');
  git('add', '.');
  git('commit', '-q', '-m', 'base');
  git('checkout', '-q', '-b', 'work');
  spawnSync('mkdir', ['src'], { cwd: folder });
  writeFileSync(join(folder, 'src', 'a.ts'), 'export {};\n');
  git('add', '.');
  git('commit', '-q', '-m', 'change');
  expect(check(changelog, '--base', 'main').stderr).toContain('src changed and CHANGELOG.md did not');
  writeFileSync(join(folder, 'CHANGELOG.md'), `${changelog}- More.\n`);
  git('commit', '-q', '-a', '-m', 'word');
  expect(check(`${changelog}- More.\n`, '--base', 'main').status).toBe(0);
});
