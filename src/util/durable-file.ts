import { randomBytes } from 'node:crypto';
import { type BigIntStats, closeSync, fsyncSync, mkdirSync, openSync, statSync } from 'node:fs';
import { type FileHandle, link, open, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { codeOf } from './caught.ts';
import { removeUnlessInUse, renamePatiently } from './rename.ts';

const TEMPORARY_PREFIX = '.tmp-';
/** For this user alone. */
const PRIVATE = 0o600;

/** Names of files that are not complete yet; no object key can look like this. */
export function isTemporaryName(name: string): boolean {
  return name.startsWith(TEMPORARY_PREFIX);
}

export interface CommitOptions {
  /** Fail with `EEXIST` instead of replacing; needs a file system with hard links. @default false */
  readonly onlyIfAbsent?: boolean;
  /** Runs when everything is on the disk, last before the file appears; an error keeps it from appearing. */
  readonly check?: () => Promise<void> | void;
}

/** A file that appears complete or not at all. Every way ends with `commit` or `discard`. */
export interface DurableFile {
  write(data: string | Uint8Array): Promise<void>;
  /**
   * Makes the content durable, then the name.
   * @returns the facts of the file system about the new file
   */
  commit(options?: CommitOptions): Promise<BigIntStats>;
  /** Removes the unfinished file; does nothing after `commit`. */
  discard(): Promise<void>;
}

/**
 * Begins to replace a file so that every reader, and every crash, sees the whole old content or the whole new one:
 * temporary file beside the target, write, fsync, rename, fsync of the folder.
 * @throws the error of the file system
 */
export async function createDurableFile(path: string, mode = PRIVATE): Promise<DurableFile> {
  const temporary = join(dirname(path), TEMPORARY_PREFIX + randomBytes(8).toString('hex'));
  const handle = await open(temporary, 'wx', mode);
  let committed = false;
  return {
    write: (data) => handle.appendFile(data),
    commit: async ({ onlyIfAbsent = false, check } = {}) => {
      // The mode given to open is narrowed by the umask.
      if (mode !== PRIVATE) await handle.chmod(mode);
      await handle.sync();
      const stats = await handle.stat({ bigint: true });
      await handle.close();
      await check?.();
      if (onlyIfAbsent) {
        await link(temporary, path);
        removeUnlessInUse(temporary);
      } else {
        await renamePatiently(temporary, path);
      }
      committed = true;
      await syncFolder(dirname(path));
      return stats;
    },
    discard: async () => {
      if (committed) return;
      await handle.close().catch(() => undefined);
      // The write failed; a file that cannot be removed either must not hide that.
      await rm(temporary, { force: true }).catch(() => undefined);
    },
  };
}

export interface DurableWrite extends CommitOptions {
  readonly path: string;
  readonly data: string | Uint8Array;
  /** @default 0o600, for this user alone */
  readonly mode?: number;
}

/** Replaces a file at once, as `createDurableFile` does. */
export async function writeDurably({ path, data, mode, ...options }: DurableWrite): Promise<BigIntStats> {
  const file = await createDurableFile(path, mode);
  try {
    await file.write(data);
    return await file.commit(options);
  } finally {
    await file.discard();
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

/**
 * Makes the names that were created, renamed or removed in a folder survive a power cut. Windows does so by itself
 * and cannot open a folder; where the file system has no such operation, or the user may write to the folder but
 * not read it, there is nothing more to be done.
 * @throws the error of the file system when the disk fails
 */
export async function syncFolder(path: string): Promise<void> {
  if (process.platform === 'win32') return;
  let folder: FileHandle | undefined;
  try {
    folder = await open(path, 'r');
    await folder.sync();
  } catch (error) {
    if (!isWithoutFolderSync(error)) throw error;
  } finally {
    await folder?.close();
  }
}

/** The same for code that may block its thread, such as that of SQLite. */
export function syncFolderBlocking(path: string): void {
  if (process.platform === 'win32') return;
  let folder: number | undefined;
  try {
    folder = openSync(path, 'r');
    fsyncSync(folder);
  } catch (error) {
    if (!isWithoutFolderSync(error)) throw error;
  } finally {
    if (folder !== undefined) closeSync(folder);
  }
}

const WITHOUT_FOLDER_SYNC = new Set([
  'EINVAL',
  'ENOSYS',
  'ENOTSUP',
  'EOPNOTSUPP',
  'ENOTTY',
  'EACCES',
  'EPERM',
]);

function isWithoutFolderSync(error: unknown): boolean {
  return error instanceof Error && 'code' in error && WITHOUT_FOLDER_SYNC.has(String(error.code));
}

/**
 * Creates a folder and its missing parents, by default accessible to this user only. Existing folders stay unchanged.
 * The recursive `mkdir` of Node.js does not end on a file system that answers "not found" for every new folder, as
 * /proc does.
 * @returns the created folders, the outermost first
 * @throws the error of the file system, for example EEXIST or ENOTDIR when a part of the path is a file
 */
export function createFolders(path: string, mode = 0o700): string[] {
  const missing: string[] = [];
  let folder = path;
  for (; statSync(folder, { throwIfNoEntry: false }) === undefined; folder = dirname(folder)) {
    missing.unshift(folder);
    if (dirname(folder) === folder) break;
  }
  // Raises the error of the file system for the file that is in the way.
  if (missing.length === 0 && !statSync(folder).isDirectory()) mkdirSync(folder);
  return missing.filter((next) => createFolder(next, mode));
}

/** @returns false when another process was faster */
function createFolder(path: string, mode: number): boolean {
  try {
    mkdirSync(path, { mode });
    return true;
  } catch (error) {
    const exists = codeOf(error) === 'EEXIST';
    if (!exists || !statSync(path).isDirectory()) throw error;
    return false;
  }
}
