import { randomBytes } from 'node:crypto';
import type { BigIntStats } from 'node:fs';
import { link, open, rename, unlink } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { createFolders } from '../../util/create-folders.ts';

const temporaryPrefix = '.tmp-';

/** Names that `writeDurably` uses before a file is complete; no object key can look like this. */
export function isTemporaryName(name: string): boolean {
  return name.startsWith(temporaryPrefix);
}

export interface DurableWrite {
  readonly path: string;
  readonly bytes: Uint8Array;
  /** Fail with `EEXIST` instead of replacing; needs a file system with hard links. */
  readonly onlyIfAbsent: boolean;
  readonly signal?: AbortSignal | undefined;
}

/**
 * Replaces a file so that every reader, and every crash, sees the whole old content or the whole new one:
 * temporary file beside the target, write, fsync, rename, fsync of the folder. File mode 0600.
 * @returns what the file system says about the new file
 */
export async function writeDurably(write: DurableWrite): Promise<BigIntStats> {
  const folder = dirname(write.path);
  const temporary = join(folder, temporaryPrefix + randomBytes(8).toString('hex'));
  try {
    const stats = await writeAndSync(temporary, write.bytes);
    write.signal?.throwIfAborted();
    if (write.onlyIfAbsent) {
      await link(temporary, write.path);
      await unlink(temporary);
    } else {
      await rename(temporary, write.path);
    }
    await syncFolder(folder);
    return stats;
  } catch (error) {
    // What failed is the write; a file that cannot be removed either must not hide that.
    await unlink(temporary).catch(() => undefined);
    throw error;
  }
}

async function writeAndSync(path: string, bytes: Uint8Array): Promise<BigIntStats> {
  const file = await open(path, 'wx', 0o600);
  try {
    await file.writeFile(bytes);
    await file.sync();
    return await file.stat({ bigint: true });
  } finally {
    await file.close();
  }
}

/**
 * Creates a folder and its missing parents with mode 0700, each entry durable. Existing folders are left alone.
 * @returns whether anything was created
 */
export async function makeFolderDurably(path: string): Promise<boolean> {
  const created = createFolders(path);
  for (const folder of created) await syncFolder(dirname(folder));
  return created.length > 0;
}

/** Makes renames and removals in a folder durable. Windows does so by itself and cannot open a folder. */
export async function syncFolder(path: string): Promise<void> {
  if (process.platform === 'win32') return;
  const folder = await open(path, 'r');
  try {
    await folder.sync();
  } finally {
    await folder.close();
  }
}
