import { randomBytes } from 'node:crypto';
import type { BigIntStats } from 'node:fs';
import { link, open, rename, unlink } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { createFolders } from '../../util/create-folders.ts';

const temporaryPrefix = '.tmp-';

/** True for the names that `writeDurably` gives to incomplete files. No object key has such a name. */
export function isTemporaryName(name: string): boolean {
  return name.startsWith(temporaryPrefix);
}

export interface DurableWrite {
  readonly path: string;
  readonly bytes: Uint8Array;
  /** Fail with `EEXIST` when the file exists. Needs a file system with hard links. */
  readonly onlyIfAbsent: boolean;
  readonly signal?: AbortSignal | undefined;
}

/**
 * Replaces a file. Every reader, also after a crash, sees either the whole old content or the whole new content. Steps:
 * temporary file beside the target, write, fsync, rename, fsync of the folder. The file gets mode 0600.
 * @returns the file system's data about the new file
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
    // A failure to delete the temporary file must not hide the failure of the write.
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
 * Creates a folder and its missing parents durably, with mode 0700. Existing folders do not change.
 * @returns true when a folder was created
 */
export async function makeFolderDurably(path: string): Promise<boolean> {
  const created = createFolders(path);
  for (const folder of created) await syncFolder(dirname(folder));
  return created.length > 0;
}

/** Makes renames and deletions in a folder durable. Does nothing on Windows, which cannot open a folder. */
export async function syncFolder(path: string): Promise<void> {
  if (process.platform === 'win32') return;
  const folder = await open(path, 'r');
  try {
    await folder.sync();
  } finally {
    await folder.close();
  }
}
