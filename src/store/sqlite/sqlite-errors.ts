import { accessSync, constants, existsSync, statfsSync, statSync } from 'node:fs';
import { basename, dirname } from 'node:path';
import { FaissMemoryError } from '../../errors/faiss-memory-error.ts';
import {
  StoreBusyError,
  StoreDamagedError,
  StoreFullError,
  StoreReadOnlyError,
  StoreUnavailableError,
} from '../../errors/store-errors.ts';
import { codeOf, reasonOf } from '../../util/caught.ts';

/** Primary result codes, https://sqlite.org/rescode.html. */
const PERM = 3;
const BUSY = 5;
const LOCKED = 6;
const READONLY = 8;
const IOERR = 10;
const CORRUPT = 11;
const FULL = 13;
const CANTOPEN = 14;
/** The connection lost a race for the locks of the write-ahead log. */
const PROTOCOL = 15;
const NOTADB = 26;

/** Second byte of those IOERR codes that concern locks: UNLOCK, RDLOCK, CHECKRESERVEDLOCK, LOCK and SHMLOCK. */
const LOCK_CALLS: ReadonlySet<number> = new Set([8, 9, 14, 15, 20]);

/** The database file was renamed or deleted while open. */
const READONLY_DBMOVED = 1032;

const FULL_BELOW_BYTES = 256 * 1024;

/** SQLite's messages for its result codes, because the library gives no code for an error in the middle of a result. */
const CODE_OF_MESSAGE: readonly (readonly [message: RegExp, code: number])[] = [
  [/^database (table )?is locked/, BUSY],
  [/^attempt to write a readonly database/, READONLY],
  [/^disk I\/O error/, IOERR],
  [/^database disk image is malformed|corrupt/, CORRUPT],
  [/^database or disk is full/, FULL],
  [/^unable to open database file/, CANTOPEN],
  [/^locking protocol/, PROTOCOL],
  [/^file is not a database/, NOTADB],
];

/** SQLite's extended result code, 0 when it is unknown; null for errors that are not SQLite's. */
function resultCode(error: unknown): number | null {
  if (!(error instanceof Error) || !('code' in error) || error.code !== 'ERR_SQLITE_ERROR') return null;
  if ('errcode' in error && typeof error.errcode === 'number') return error.errcode;
  return CODE_OF_MESSAGE.find(([message]) => message.test(error.message))?.[1] ?? 0;
}

/** SQLite can read the database, but its content is inconsistent: damage that SQLite does not detect. */
export class InconsistentStore extends Error {}

/** True when another connection holds a lock, so that the same call may succeed a moment later. */
export function isBusy(error: unknown): boolean {
  const code = resultCode(error);
  return code !== null && [BUSY, LOCKED, PROTOCOL].includes(code & 0xff);
}

/** Turns an error of the database or the file system into one of the product's; those stay unchanged. */
export function toStoreError(error: unknown, path: string, waitedMs: number): FaissMemoryError {
  if (error instanceof FaissMemoryError) return error;
  if (error instanceof InconsistentStore) {
    return new StoreDamagedError(path, `is damaged (${error.message})`, { cause: error });
  }
  const code = resultCode(error);
  if (code !== null) return fromSqlite(error, { code, path, waitedMs });
  return fromFileSystem(error, path) ?? internal(error, path);
}

function fromSqlite(
  cause: unknown,
  { code, path, waitedMs }: { readonly code: number; readonly path: string; readonly waitedMs: number },
): FaissMemoryError {
  if (isBusy(cause)) return new StoreBusyError(path, waitedMs, { cause });
  if (code === READONLY_DBMOVED) return moved(path, cause);
  switch (code & 0xff) {
    case CORRUPT:
      return new StoreDamagedError(path, `is damaged (${reasonOf(cause)})`, { cause });
    case NOTADB:
      return new StoreDamagedError(path, 'is not an SQLite database', { cause });
    case FULL:
      return new StoreFullError(path, { cause });
    case PERM:
      // SQLite says this of a lock too.
      return refusing(path).length === 0 ? noLocks(path, cause) : readOnly(path, cause);
    case READONLY:
      return readOnly(path, cause);
    case CANTOPEN:
      return cannotOpen(path, cause);
    case IOERR:
      if (LOCK_CALLS.has(code >> 8)) return noLocks(path, cause);
      if (isDiskFull(path)) return new StoreFullError(path, { cause });
      return new StoreUnavailableError(
        `Reading or writing the memory store ${path} failed: ${reasonOf(cause)}`,
        {
          fix: 'Check that the disk is connected and healthy, then try again.',
          retryable: true,
          cause,
        },
      );
    default:
      return internal(cause, path);
  }
}

function fromFileSystem(cause: unknown, path: string): FaissMemoryError | null {
  if (!(cause instanceof Error) || !('code' in cause) || !('syscall' in cause)) return null;
  switch (cause.code) {
    case 'EACCES':
    case 'EPERM':
    case 'EROFS':
      return readOnly(path, cause);
    case 'ENOSPC':
    case 'EDQUOT':
      return new StoreFullError(path, { cause });
    case 'EEXIST':
    case 'ENOTDIR':
      return new StoreUnavailableError(
        `The memory store ${path} cannot be opened: a part of its path is a file, not a folder`,
        { fix: 'Choose another folder with MEMORY_DATA_DIR, or move that file away.', cause },
      );
    case 'ELOOP':
      return badPath(path, { problem: 'the links in its path lead in a circle', cause });
    case 'ENAMETOOLONG':
      return badPath(path, { problem: 'a name in its path is too long for the disk', cause });
    default:
      return refusing(path).length === 0 ? unavailable(path, cause) : readOnly(path, cause);
  }
}

function badPath(
  path: string,
  { problem, cause }: { readonly problem: string; readonly cause: unknown },
): StoreUnavailableError {
  return new StoreUnavailableError(`The memory store ${path} cannot be opened: ${problem}`, {
    fix: 'Choose another folder with MEMORY_DATA_DIR, or correct the path.',
    cause,
  });
}

function readOnly(path: string, cause: unknown): StoreReadOnlyError {
  const refused = refusing(path);
  const uid = process.getuid?.();
  const isForeign = refused.some((file) => uid !== undefined && ownerOf(file.path) !== uid);
  const diskIsReadOnly = refused.length > 0 && refused.every(({ code }) => code === 'EROFS');
  return new StoreReadOnlyError(path, {
    refusing: refused.map(({ path: refusedPath }) => refusedPath),
    diskIsReadOnly: diskIsReadOnly || codeOf(cause) === 'EROFS',
    ...(isForeign ? { foreignTo: uid } : {}),
    cause,
  });
}

const REFUSALS: ReadonlySet<unknown> = new Set(['EACCES', 'EPERM', 'EROFS']);

/**
 * The nearest existing folder, or the files of the database, that this process may not write. An absent folder is
 * checked through its parent, where creating it would fail. The two files beside the database have its mode.
 */
function refusing(path: string): { readonly path: string; readonly code: unknown }[] {
  let folder = dirname(path);
  while (!existsSync(folder) && dirname(folder) !== folder) folder = dirname(folder);
  const { R_OK, W_OK, X_OK } = constants;
  const code = refusalOf(folder, R_OK | W_OK | X_OK);
  if (REFUSALS.has(code)) return [{ path: folder, code }];
  return [path, `${path}-wal`, `${path}-shm`].flatMap((file) => {
    const refusal = refusalOf(file, R_OK | W_OK);
    return REFUSALS.has(refusal) ? [{ path: file, code: refusal }] : [];
  });
}

function ownerOf(path: string): number | undefined {
  return statSync(path, { throwIfNoEntry: false })?.uid;
}

function refusalOf(path: string, wanted: number): unknown {
  try {
    accessSync(path, wanted);
    return undefined;
  } catch (error) {
    return codeOf(error);
  }
}

/** @throws StoreReadOnlyError when this process may not write the database, which SQLite opens read-only without an error */
export function checkWritable(path: string): void {
  if (refusing(path).length > 0) throw readOnly(path, undefined);
}

/** Asks the file system for the reason, because SQLite says only "unable to open". */
function cannotOpen(path: string, cause: unknown): FaissMemoryError {
  if (isDiskFull(path)) return new StoreFullError(path, { cause });
  try {
    if (statSync(path).isDirectory()) return notAFile(path);
    accessSync(path, constants.R_OK | constants.W_OK);
    accessSync(dirname(path), constants.W_OK);
  } catch (error) {
    return fromFileSystem(error, path) ?? unavailable(path, cause);
  }
  return unavailable(path, cause);
}

export function notAFile(path: string): StoreUnavailableError {
  return new StoreUnavailableError(`The memory store ${path} cannot be opened: it is a folder, not a file`, {
    fix: `Move ${path} away, or choose another folder with MEMORY_DATA_DIR.`,
  });
}

export function moved(path: string, cause?: unknown): StoreUnavailableError {
  return new StoreUnavailableError(`The memory store ${path} was moved, replaced or deleted while in use`, {
    fix: 'Put the file back in its place, or restart the program to begin with an empty store.',
    retryable: true,
    cause,
  });
}

/**
 * The write-ahead log beside the database was deleted or replaced: SQLite would go on writing to the old one, which
 * that cannot be opened any more.
 */
export class LogGone extends Error {}

/** @param saved true when the log's content is in the database file now */
export function logGone(path: string, saved: boolean): StoreUnavailableError {
  const state = saved ? 'Everything that was stored before is safe' : 'Changes of other programs wait for it';
  return new StoreUnavailableError(
    `The file ${path}-wal of the memory store was deleted or replaced by another program while in use. This change was not stored`,
    {
      fix: `${state}. Try again, and keep other programs from deleting the files ${basename(path)}-wal and ${basename(path)}-shm.`,
      retryable: true,
    },
  );
}

/** The file system refuses all locks, as some network shares do, so waiting does not help. */
export function noLocks(path: string, cause?: unknown): StoreUnavailableError {
  return new StoreUnavailableError(
    `The memory store ${path} cannot be used: the file system of its folder refuses to lock files, and no other program holds a lock there`,
    {
      fix: `Choose a folder on a local disk with MEMORY_DATA_DIR, and move the files of ${dirname(path)} there while no client runs; for a network share, turn on its lock service.`,
      cause,
    },
  );
}

function unavailable(path: string, cause: unknown): StoreUnavailableError {
  return new StoreUnavailableError(`The memory store ${path} cannot be opened: ${reasonOf(cause)}`, {
    fix: 'Check that your user may create, read and write that folder, or choose another one with MEMORY_DATA_DIR.',
    retryable: true,
    cause,
  });
}

function internal(cause: unknown, path: string): FaissMemoryError {
  return new FaissMemoryError(
    'INTERNAL',
    `Unexpected error of the memory store ${path}: ${reasonOf(cause)}`,
    {
      cause,
    },
  );
}

function isDiskFull(path: string): boolean {
  try {
    const { bavail, bsize } = statfsSync(dirname(path));
    return bavail * bsize < FULL_BELOW_BYTES;
  } catch {
    return false;
  }
}
