import type { BigIntStats, Dirent } from 'node:fs';
import { lstat, readdir, unlink } from 'node:fs/promises';
import { join } from 'node:path';
import { isTemporaryName } from '../../util/durable-file.ts';
import { isBlobKey } from '../arguments.ts';
import { systemCode } from './file-errors.ts';

export interface FolderListing {
  readonly root: string;
  /** Beginning of the wanted keys. */
  readonly prefix: string;
  /** The file system's clock in milliseconds since the epoch. When known, temporary files older than a day are deleted. */
  readonly now: number | null;
}

export interface ListedFile {
  readonly key: string;
  readonly stats: BigIntStats;
}

const temporaryLifetime = 24 * 60 * 60 * 1000;

/** Yields the files whose keys start with a prefix. Files that disappear meanwhile are left out. */
export async function* listFolder(listing: FolderListing): AsyncGenerator<ListedFile> {
  const pending = [listing.prefix.slice(0, listing.prefix.lastIndexOf('/') + 1)];
  for (let folder = pending.pop(); folder !== undefined; folder = pending.pop()) {
    for (const entry of await readFolder(join(listing.root, folder))) {
      const key = folder + entry.name;
      if (isTemporaryName(entry.name)) await removeStale(join(listing.root, key), listing.now);
      if (!isBlobKey(key)) continue;
      if (entry.isDirectory() && couldHold(key + '/', listing.prefix)) pending.push(key + '/');
      if (!entry.isFile() || !key.startsWith(listing.prefix)) continue;
      const stats = await ifPresent(lstat(join(listing.root, key), { bigint: true }));
      if (stats?.isFile() === true) yield { key, stats };
    }
  }
}

function couldHold(folder: string, prefix: string): boolean {
  return folder.startsWith(prefix) || prefix.startsWith(folder);
}

async function readFolder(path: string): Promise<Dirent[]> {
  return (await ifPresent(readdir(path, { withFileTypes: true }))) ?? [];
}

/** Deletes the temporary file of a killed writer. No write takes a day. */
async function removeStale(path: string, now: number | null): Promise<void> {
  if (now === null) return;
  const stats = await ifPresent(lstat(path));
  if (stats === undefined || now - stats.mtimeMs < temporaryLifetime) return;
  // The process may lack the permission to delete. The list must still succeed.
  await unlink(path).catch(() => undefined);
}

async function ifPresent<T>(action: Promise<T>): Promise<T | undefined> {
  try {
    return await action;
  } catch (error) {
    const code = systemCode(error);
    if (code === 'ENOENT' || code === 'ENOTDIR') return undefined;
    throw error;
  }
}
