import { chmodSync, chownSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, onTestFinished, test, vi } from 'vitest';
import {
  createDurableFile,
  isTemporaryName,
  syncFolder,
  syncFolderBlocking,
  writeDurably,
} from '../../../src/util/durable-file.ts';
import { temporaryFolder } from '../../helpers/sqlite-store.ts';

function withUmask(umask: number): void {
  const before = process.umask(umask);
  onTestFinished(() => {
    process.umask(before);
  });
}

/** Root may do everything, so a test of permissions steps down from it. */
async function asOrdinaryUser(folder: string, action: () => Promise<void>): Promise<void> {
  if (process.geteuid?.() !== 0) return action();
  const user = 65_534;
  chownSync(folder, user, user);
  process.seteuid?.(user);
  try {
    await action();
  } finally {
    process.seteuid?.(0);
  }
}

describe('a durable file', () => {
  test('has another name until it is complete', async () => {
    const folder = temporaryFolder();
    const file = await createDurableFile(join(folder, 'list'));
    await file.write('one\n');
    await file.write(Buffer.from('two\n'));
    expect(readdirSync(folder).every(isTemporaryName)).toBe(true);
    const stats = await file.commit();
    await file.discard();
    expect(readdirSync(folder)).toEqual(['list']);
    expect(readFileSync(join(folder, 'list'), 'utf8')).toBe('one\ntwo\n');
    expect(stats.ino).toBe(statSync(join(folder, 'list'), { bigint: true }).ino);
  });

  test('is never read half written', async () => {
    const path = join(temporaryFolder(), 'list');
    const contents = ['a', 'b'].map((letter) => letter.repeat(300_000));
    await writeDurably({ path, data: contents[0] ?? '' });
    const seen = new Set<string>();
    const rounds = Array.from({ length: 40 }, (_, round) => contents[round % 2] ?? '');
    const done = new AbortController();
    const reader = (async () => {
      while (!done.signal.aborted) seen.add(await readFile(path, 'utf8'));
    })();
    for (const data of rounds) await writeDurably({ path, data });
    done.abort();
    await reader;
    expect([...seen].filter((content) => !contents.includes(content))).toEqual([]);
  });

  test.each([
    [0o000, undefined, 0o600],
    [0o077, 0o644, 0o644],
    [0o000, 0o640, 0o640],
    [0o027, 0o400, 0o400],
  ])('with umask %o and mode %o gets mode %o', async (umask, mode, expected) => {
    withUmask(umask);
    const path = join(temporaryFolder(), 'file');
    await writeDurably({ path, data: 'x', ...(mode === undefined ? {} : { mode }) });
    expect(statSync(path).mode & 0o777).toBe(expected);
  });

  test.each([
    [
      'a check refuses it',
      { check: () => Promise.reject(new Error('changed meanwhile')) },
      /changed meanwhile/,
    ],
    ['it must not replace another', { onlyIfAbsent: true }, /EEXIST/],
  ])('leaves everything as it was when %s', async (_, options, problem) => {
    const folder = temporaryFolder();
    const path = join(folder, 'file');
    writeFileSync(path, 'old');
    await expect(writeDurably({ path, data: 'new', ...options })).rejects.toThrow(problem);
    expect(readFileSync(path, 'utf8')).toBe('old');
    expect(readdirSync(folder)).toEqual(['file']);
  });

  test('leaves nothing behind where its name is that of a folder', async () => {
    const folder = temporaryFolder();
    await expect(writeDurably({ path: folder, data: 'x' })).rejects.toThrow(/EISDIR|ENOTEMPTY|EEXIST|EPERM/);
    expect(readdirSync(join(folder, '..')).filter(isTemporaryName)).toEqual([]);
  });

  test('appears in a folder that may be written but not read', async () => {
    const folder = temporaryFolder();
    const path = join(folder, 'file');
    chmodSync(folder, 0o300);
    await asOrdinaryUser(folder, async () => {
      await writeDurably({ path, data: 'x' });
      syncFolderBlocking(folder);
    });
    chmodSync(folder, 0o700);
    expect(readdirSync(folder)).toEqual(['file']);
  });
});

describe('the names in a folder', () => {
  test('are not called durable when the folder is gone', async () => {
    const gone = join(temporaryFolder(), 'gone');
    await expect(syncFolder(gone)).rejects.toThrow(/ENOENT/);
    expect(() => {
      syncFolderBlocking(gone);
    }).toThrow(/ENOENT/);
  });

  test('are durable by themselves on Windows, where no folder can be opened', async () => {
    const platform = vi.spyOn(process, 'platform', 'get').mockReturnValue('win32');
    onTestFinished(() => {
      platform.mockRestore();
    });
    const gone = join(temporaryFolder(), 'gone');
    await syncFolder(gone);
    syncFolderBlocking(gone);
  });
});
