import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { truncateSync } from 'node:fs';
import { mkdir, readdir, readFile, stat, symlink, utimes, writeFile, chmod } from 'node:fs/promises';
import { join } from 'node:path';
import { build } from 'esbuild';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { FolderBlobStore } from '../../src/blob/folder/folder-blob-store.ts';
import { bytesOf, errorOf, keysOf, textOf } from '../helpers/blob-values.ts';
import { dataFolder } from '../helpers/servers/server-process.ts';

let data: Awaited<ReturnType<typeof dataFolder>>;
let root: string;
let store: FolderBlobStore;

beforeEach(async () => {
  data = await dataFolder('folder');
  root = join(data.path, 'backups');
  store = new FolderBlobStore(root);
  await store.createBucket();
});
afterEach(() => data.remove());

describe('a folder store', () => {
  test('keeps objects as plain files of the same names, private to the user', async () => {
    await store.put('v1/machine/segments/abc', bytesOf('content'));
    expect(await readFile(join(root, 'v1/machine/segments/abc'), 'utf8')).toBe('content');
    for (const folder of [root, join(root, 'v1'), join(root, 'v1/machine')]) {
      expect((await stat(folder)).mode & 0o777).toBe(0o700);
    }
    expect((await stat(join(root, 'v1/machine/segments/abc'))).mode & 0o777).toBe(0o600);
    expect(await readdir(join(root, 'v1/machine/segments'))).toEqual(['abc']);
  });

  test('does not create the folder by itself: its disk may not be mounted', async () => {
    const missing = new FolderBlobStore(join(data.path, 'not-mounted'));
    expect((await errorOf(missing.put('a', bytesOf('x')))).reason).toBe('no-bucket');
    expect(await readdir(data.path)).toEqual(['backups']);
  });

  test('says so when the folder is a file', async () => {
    await writeFile(join(data.path, 'file'), '');
    const file = new FolderBlobStore(join(data.path, 'file'));
    expect((await errorOf(file.get('a'))).reason).toBe('no-bucket');
    expect((await errorOf(file.list(''))).reason).toBe('no-bucket');
    expect((await errorOf(file.put('a/b', bytesOf('x')))).reason).toBe('no-bucket');
  });

  test('does not follow links out of the folder, nor wait at a pipe', async () => {
    await writeFile(join(data.path, 'private'), 'not yours');
    await symlink(join(data.path, 'private'), join(root, 'link'));
    execFileSync('mkfifo', [join(root, 'pipe')]);
    for (const key of ['link', 'pipe']) {
      expect(await store.get(key)).toBeNull();
      expect(await store.head(key)).toBeNull();
    }
    expect(await store.list('')).toEqual([]);
    await store.put('link', bytesOf('mine'));
    expect(await readFile(join(data.path, 'private'), 'utf8')).toBe('not yours');
    expect(textOf((await store.get('link'))?.bytes)).toBe('mine');
  });

  test('leaves out files that are not its own', async () => {
    await writeFile(join(root, 'README.TXT'), '');
    await writeFile(join(root, '.DS_Store'), '');
    await mkdir(join(root, 'Upper'));
    await writeFile(join(root, 'Upper', 'file'), '');
    await store.put('mine', bytesOf('x'));
    expect(keysOf(await store.list(''))).toEqual(['mine']);
  });

  test('treats a folder in the place of an object as absent, and refuses to write over it', async () => {
    await store.put('a/b', bytesOf('x'));
    expect(await store.get('a')).toBeNull();
    expect(await store.get('a/b/c')).toBeNull();
    expect((await errorOf(store.put('a', bytesOf('x')))).retryable).toBe(false);
    expect((await errorOf(store.put('a/b/c', bytesOf('x')))).retryable).toBe(false);
    expect(textOf((await store.get('a/b'))?.bytes)).toBe('x');
    expect(await readdir(root)).toEqual(['a']);
  });

  test('removes folders that became empty, even while others write into them', async () => {
    await Promise.all(
      Array.from({ length: 8 }, async (_, worker) => {
        for (let round = 0; round < 25; round++) {
          await store.put(`busy/folder/${worker}`, bytesOf(String(round)));
          expect(textOf((await store.get(`busy/folder/${worker}`))?.bytes)).toBe(String(round));
          await store.delete(`busy/folder/${worker}`);
        }
      }),
    );
    expect(await readdir(root)).toEqual([]);
  });

  test('removes temporary files that a crash left behind, but not young ones', async () => {
    await store.put('m/head', bytesOf('x'));
    const dayAgo = new Date(Date.now() - 25 * 60 * 60 * 1000);
    await writeFile(join(root, 'm', '.tmp-old'), 'half');
    await utimes(join(root, 'm', '.tmp-old'), dayAgo, dayAgo);
    await writeFile(join(root, 'm', '.tmp-young'), 'half');
    // The age counts by the clock of the file system, which a store knows once it has written.
    expect(keysOf(await new FolderBlobStore(root).list(''))).toEqual(['m/head']);
    expect(await readdir(join(root, 'm'))).toContain('.tmp-old');
    expect(keysOf(await store.list(''))).toEqual(['m/head']);
    expect((await readdir(join(root, 'm'))).sort()).toEqual(['.tmp-young', 'head']);
  });

  test('leaves no temporary file behind when a write fails', async () => {
    await mkdir(join(root, 'taken', 'by-a-folder'), { recursive: true });
    await errorOf(store.put('taken', bytesOf('x')));
    await errorOf(store.put('m/head', bytesOf('x'), { onlyIf: { etag: 'any' } }));
    await store.put('m/head', bytesOf('x'));
    await errorOf(store.put('m/head', bytesOf('y'), { onlyIf: 'absent' }));
    expect(await readdir(root)).toEqual(['m', 'taken']);
    expect(await readdir(join(root, 'm'))).toEqual(['head']);
  });

  test('notices a file that another program cuts while it is read', async () => {
    await store.put('cut', bytesOf('a long text'));
    const signal = new AbortController().signal;
    // The store asks its signal before it opens the file, and again between the file's length and its bytes.
    const asked = vi
      .spyOn(signal, 'throwIfAborted')
      .mockImplementationOnce(() => undefined)
      .mockImplementationOnce(() => {
        truncateSync(join(root, 'cut'), 'short'.length);
      });
    const failure = await errorOf(store.get('cut', { signal }));
    expect(failure).toMatchObject({ reason: 'interrupted', retryable: true });
    expect(asked).toHaveBeenCalledTimes(3);
    expect(textOf((await store.get('cut'))?.bytes)).toBe('a lon');
  });
});

/** Root may do everything, so a test of permissions steps down from it. */
async function asOrdinaryUser(action: () => Promise<void>): Promise<void> {
  if (process.geteuid?.() !== 0) return action();
  const nobody = 65_534;
  execFileSync('chown', ['-R', String(nobody), data.path]);
  process.seteuid?.(nobody);
  try {
    await action();
  } finally {
    process.seteuid?.(0);
  }
}

test('says access denied where permission is missing', async () => {
  await store.put('m/head', bytesOf('x'));
  await asOrdinaryUser(async () => {
    await chmod(join(root, 'm'), 0o500);
    expect(await errorOf(store.put('m/head', bytesOf('y')))).toMatchObject({ reason: 'access-denied' });
    expect(await errorOf(store.delete('m/head'))).toMatchObject({ reason: 'access-denied' });
    await chmod(join(root, 'm'), 0o000);
    expect(await errorOf(store.get('m/head'))).toMatchObject({ reason: 'access-denied' });
    expect(await errorOf(store.list(''))).toMatchObject({ reason: 'access-denied' });
    await chmod(join(root, 'm'), 0o700);
    expect(textOf((await store.get('m/head'))?.bytes)).toBe('x');
  });
});

describe('kill -9 in the middle of writes', () => {
  test('never loses an acknowledged object, and never leaves half of one', async () => {
    const bundle = join(data.path, 'writer.mjs');
    await build({
      entryPoints: ['tests/helpers/folder-writer.ts'],
      bundle: true,
      platform: 'node',
      format: 'esm',
      outfile: bundle,
    });
    let next = 0;
    for (let round = 0; round < 10; round++) {
      const writer = spawn(process.execPath, [bundle, root, String(next)], {
        stdio: ['ignore', 'pipe', 'inherit'],
      });
      let output = '';
      writer.stdout.on('data', (chunk: Buffer) => {
        output += chunk.toString();
        // A different place in the write each time.
        if (output.split('\n').length > round + 2) writer.kill('SIGKILL');
      });
      await once(writer, 'close');
      const acknowledged = Number(output.trim().split('\n').at(-1));
      const bytes = (await store.get('machine/head'))?.bytes ?? new Uint8Array(0);
      const found = bytes.length - 20_000;
      expect(found).toBeGreaterThanOrEqual(acknowledged);
      expect(found).toBeLessThanOrEqual(acknowledged + 1);
      expect(bytes.every((byte) => byte === found % 251)).toBe(true);
      expect(keysOf(await store.list(''))).toEqual(['machine/head']);
      next = found + 1;
    }
  });
});

/** A tmpfs of 256 KiB, where this user may mount one. */
function mountSmallDisk(path: string): boolean {
  try {
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=256k', 'tmpfs', path], { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
}

test('keeps the old object whole when the disk is full', async () => {
  // Where no small disk can be mounted, the same test on another machine has to do.
  if (!mountSmallDisk(root)) {
    expect(isRequiredHere()).toBe(false);
    return;
  }
  try {
    await store.put('m/head', Buffer.alloc(100_000, 1));
    const error = await errorOf(store.put('m/head', Buffer.alloc(300_000, 2)));
    expect(error).toMatchObject({ reason: 'full', retryable: false });
    expect(error.fix).toMatch(/free some space/i);
    expect((await store.get('m/head'))?.bytes).toHaveLength(100_000);
    expect(await readdir(join(root, 'm'))).toEqual(['head']);
    await store.put('m/small', Buffer.alloc(1000));
  } finally {
    execFileSync('umount', [root]);
  }
});

function isRequiredHere(): boolean {
  return process.env['REQUIRE_SMALL_DISK'] === '1';
}
