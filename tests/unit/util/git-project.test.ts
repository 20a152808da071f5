import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { projectOf, projectOfUrl, remoteProject } from '../../../src/util/git-project.ts';

const home = realpathSync(mkdtempSync(join(tmpdir(), 'git-project-')));
afterAll(() => {
  rmSync(home, { recursive: true, force: true });
});

function git(folder: string, ...args: readonly string[]): void {
  const identity = [
    '-c',
    'user.name=Ada',
    '-c',
    'user.email=ada@example.org',
    '-c',
    'protocol.file.allow=always',
  ];
  const env = { PATH: process.env['PATH'], HOME: home, GIT_CONFIG_NOSYSTEM: '1' };
  execFileSync('git', [...identity, ...args], { cwd: folder, env, stdio: 'pipe' });
}

function folderOf(...names: readonly string[]): string {
  const folder = join(home, ...names);
  mkdirSync(folder, { recursive: true });
  return folder;
}

function repository(name: string, remotes: Readonly<Record<string, string>> = {}): string {
  const folder = folderOf(name);
  git(folder, 'init', '-q');
  for (const [remote, url] of Object.entries(remotes)) git(folder, 'remote', 'add', remote, url);
  return folder;
}

const find = (folder: string): Promise<string | null> => projectOf(folder, { home });

describe('projectOfUrl', () => {
  test.each([
    'https://github.com/Owner/Repo.git',
    'https://github.com/owner/repo/',
    'https://user:secret@GitHub.com:443/owner/repo.git?x=1#y',
    'git@github.com:owner/repo.git',
    'github.com:owner/repo',
    'ssh://git@github.com:22/owner/repo.git',
    'ssh://git@ssh.github.com:443/owner/repo.git',
    'git://github.com/owner/repo',
    'git+ssh://git@github.com//owner/repo.git',
  ])('%s is one project', (url) => {
    expect(projectOfUrl(url)).toBe('github.com/owner/repo');
  });

  test.each([
    ['git@git.example.org:Team/Sub/App.git', 'git.example.org/Team/Sub/App'],
    ['git@ssh.dev.azure.com:v3/org/shop/app', 'dev.azure.com/org/shop/app'],
    ['https://org@dev.azure.com/org/shop/_git/app', 'dev.azure.com/org/shop/app'],
    ['ssh://git@[::1]:2222/app.git', '[::1]/app'],
    ['https://example.org/a%20b.git', 'example.org/a b'],
  ])('%s is %s', (url, project) => {
    expect(projectOfUrl(url)).toBe(project);
  });

  test.each([
    '',
    '/srv/git/app.git',
    '../app',
    'C:\\code\\app',
    'C:/code/app',
    'file:///srv/git/app.git',
    'https://github.com/',
    'git@github.com:../x',
    'ext::sh -c evil',
    'https://',
    `https://example.org/${'x'.repeat(300)}`,
    'https://example.org/a%0Ab',
    'git@example.org:a\u202eb',
  ])('%j is none', (url) => {
    expect(projectOfUrl(url)).toBeNull();
  });
});

test('the remotes of a configuration are read whatever its form', () => {
  expect(
    remoteProject(
      [
        '; comment',
        '[core]\n\turl = https://example.org/not/this',
        '[remote "backup"] url = /mnt/backup.git',
        '[REMOTE "origin"]\n\tURL = "https://example.org/a/b.git" # mine',
        '\turl = https://example.org/second',
      ].join('\n'),
    ),
  ).toBe('example.org/a/b');
  expect(remoteProject('[remote "x"]\nurl = git@example.org:a/\\\nb.git')).toBe('example.org/a/b');
  expect(remoteProject('[remote "')).toBeNull();
});

describe('projectOf', () => {
  test('a repository, its subfolders and a folder in it that is gone', async () => {
    const folder = repository('app', { origin: 'git@github.com:me/app.git' });
    const inside = folderOf('app', 'packages', 'core');
    for (const place of [folder, inside, join(inside, 'gone', 'long-ago'), join(folder, '.git', 'hooks')])
      expect(await find(place)).toBe('github.com/me/app');
  });

  test('the clone of a fork belongs to the original', async () => {
    const remotes = { origin: 'git@github.com:me/lib.git', upstream: 'https://github.com/them/lib' };
    expect(await find(repository('fork', remotes))).toBe('github.com/them/lib');
  });

  test('a worktree is the project of its repository, with a remote and without', async () => {
    const named = repository('tree', { origin: 'https://example.org/tree.git' });
    const plain = repository('plain');
    for (const [folder, project] of [
      [named, 'example.org/tree'],
      [plain, '~/plain'],
    ] as const) {
      git(folder, 'commit', '-q', '--allow-empty', '-m', 'first');
      git(folder, 'worktree', 'add', '-q', `${folder}-work`);
      expect(await find(`${folder}-work`)).toBe(project);
      expect(await find(folder)).toBe(project);
    }
  });

  test('a submodule is the project of its own remote', async () => {
    const library = repository('library', { origin: 'https://example.org/library.git' });
    git(library, 'commit', '-q', '--allow-empty', '-m', 'first');
    const outer = repository('outer', { origin: 'https://example.org/outer.git' });
    git(outer, 'submodule', '--quiet', 'add', library, 'lib');
    git(join(outer, 'lib'), 'remote', 'set-url', 'origin', 'https://example.org/library.git');
    expect(await find(join(outer, 'lib'))).toBe('example.org/library');
    expect(await find(outer)).toBe('example.org/outer');
  });

  test('a bare repository', async () => {
    const bare = folderOf('bare.git');
    git(bare, 'init', '-q', '--bare');
    expect(await find(bare)).toBe('~/bare');
    git(bare, 'remote', 'add', 'origin', 'https://example.org/bare.git');
    expect(await find(join(bare, 'hooks'))).toBe('example.org/bare');
  });

  test('a repository outside the home folder is named by its path', async () => {
    const folder = repository('elsewhere');
    expect(await projectOf(folder, { home: join(home, 'other') })).toBe(folder);
  });

  test('no repository, a repository in the home folder, no path', async () => {
    expect(await find(folderOf('nothing', 'here'))).toBeNull();
    const dotfiles = repository('dotfiles');
    expect(await projectOf(join(dotfiles, 'gone'), { home: dotfiles })).toBeNull();
    for (const place of ['', 'relative/path', '/a\0b']) expect(await find(place)).toBeNull();
  });

  test('files that lead nowhere or are of another form make no project and no error', async () => {
    for (const [name, content] of [
      ['empty', ''],
      ['binary', '\0\xff'.repeat(50_000)],
      ['itself', 'gitdir: .git'],
      ['missing', 'gitdir: ../not-there/.git/worktrees/x'],
      ['share', 'gitdir: //server/share/.git'],
      ['null', 'gitdir: a\0b'],
    ] as const) {
      writeFileSync(join(folderOf('odd', name), '.git'), content);
      expect(await find(join(home, 'odd', name))).toBeNull();
    }
    mkdirSync(join(folderOf('odd', 'empty-folder'), '.git'));
    expect(await find(join(home, 'odd', 'empty-folder'))).toBeNull();
  });

  test('of a huge configuration only the beginning is read', async () => {
    const folder = repository('huge');
    const filler = `[alias]\n${'\tx = y\n'.repeat(200_000)}`;
    writeFileSync(
      join(folder, '.git', 'config'),
      `${filler}[remote "origin"]\nurl = https://example.org/late`,
    );
    expect(await find(folder)).toBe('~/huge');
  });
});

describe('a package inside a repository', () => {
  const inPackage = (folder: string): Promise<string | null> => projectOf(folder, { home, packages: true });

  test('is a project of its own when that is wanted', async () => {
    const root = repository('mono', { origin: 'https://github.com/ann/Mono.git' });
    const api = folderOf('mono', 'packages', 'api');
    const deep = folderOf('mono', 'packages', 'api', 'src', 'deep');
    const crate = folderOf('mono', 'crates', 'core');
    const installed = folderOf('mono', 'packages', 'api', 'node_modules', 'left');
    writeFileSync(join(root, 'package.json'), '{}');
    for (const folder of [api, installed]) writeFileSync(join(folder, 'package.json'), '{}');
    writeFileSync(join(crate, 'Cargo.toml'), '');
    expect(await inPackage(api)).toBe('github.com/ann/mono/packages/api');
    expect(await inPackage(deep)).toBe('github.com/ann/mono/packages/api');
    expect(await inPackage(installed)).toBe('github.com/ann/mono/packages/api');
    expect(await inPackage(crate)).toBe('github.com/ann/mono/crates/core');
    expect(await inPackage(folderOf('mono', 'docs'))).toBe('github.com/ann/mono');
    expect(await inPackage(root)).toBe('github.com/ann/mono');
    expect(await find(deep)).toBe('github.com/ann/mono');
    git(root, 'add', '.');
    git(root, 'commit', '-qm', 'all');
    git(root, 'worktree', 'add', '-q', join(home, 'other-tree'));
    expect(await inPackage(folderOf('other-tree', 'crates', 'core'))).toBe('github.com/ann/mono/crates/core');
  });

  test('is that of the repository where there is no name for it', async () => {
    repository('plain');
    const folder = folderOf('plain', 'go');
    writeFileSync(join(folder, 'go.mod'), '');
    expect(await inPackage(folder)).toBe('~/plain/go');
    const long = folderOf('plain', 'x'.repeat(150), 'y'.repeat(150));
    writeFileSync(join(long, 'pyproject.toml'), '');
    expect(await inPackage(long)).toBe('~/plain');
    expect(await inPackage(folderOf('nowhere'))).toBeNull();
  });
});
