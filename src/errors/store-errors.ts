import { dirname } from 'node:path';
import { FaissMemoryError } from './faiss-memory-error.ts';

/** The store cannot be used now: its file was moved, I/O failed, its thread ended or it is closed. No acknowledged write is lost. */
export class StoreUnavailableError extends FaissMemoryError {
  constructor(message: string, options: { fix?: string; retryable?: boolean; cause?: unknown } = {}) {
    super('STORE_UNAVAILABLE', message, options);
  }
}

/** Another process kept the store locked for longer than normal operations take. Nothing was changed. */
export class StoreBusyError extends FaissMemoryError {
  readonly path: string;

  constructor(path: string, waitedMs: number, options: { cause?: unknown } = {}) {
    super('STORE_BUSY', `The memory store ${path} was locked by another process for ${waitedMs} ms`, {
      fix: 'Find the process that holds the file open (for example a database browser) and close it, then try again.',
      retryable: true,
      ...options,
    });
    this.path = path;
  }
}

/** The disk or the quota is full. This write was not stored; all acknowledged writes are safe. */
export class StoreFullError extends FaissMemoryError {
  readonly path: string;

  constructor(path: string, options: { cause?: unknown } = {}) {
    super(
      'STORE_FULL',
      `No space is left on the disk of the memory store ${path}; this change was not stored`,
      {
        fix: 'Free some disk space and try again; the store needs no repair.',
        retryable: true,
        ...options,
      },
    );
    this.path = path;
  }
}

export interface ReadOnlyDetails {
  /** The files and folders that cannot be written, if known. */
  readonly refusing?: readonly string[];
  /** True when the disk is mounted read-only. */
  readonly diskIsReadOnly?: boolean;
  /** The user id of this process, when another user owns the refusing files or folders. */
  readonly foreignTo?: number | undefined;
  readonly cause?: unknown;
}

/** This process may not write the store's file or folder. */
export class StoreReadOnlyError extends FaissMemoryError {
  readonly path: string;

  constructor(path: string, details: ReadOnlyDetails = {}) {
    const { refusing = [], diskIsReadOnly = false, cause } = details;
    const things = refusing.length === 0 ? 'the file or its folder' : refusing.join(' and ');
    const what = diskIsReadOnly ? 'its disk is mounted read-only' : `your user may not write ${things}`;
    const fix = diskIsReadOnly ? 'Mount the disk for writing' : allow(path, details);
    super('STORE_READ_ONLY', `The memory store ${path} cannot be written: ${what}`, {
      fix: `${fix}, or choose another folder with MEMORY_DATA_DIR.`,
      cause,
    });
    this.path = path;
  }
}

function allow(database: string, { refusing = [], foreignTo }: ReadOnlyDetails): string {
  if (refusing.length === 0) return 'Give your user write permission on the folder';
  if (foreignTo === undefined)
    return `Give your user the permission (as the owner: chmod u+rwX ${quoted(refusing)})`;
  const folder = dirname(database);
  const isThere = refusing.some((path) => path === folder || dirname(path) === folder);
  const command = isThere
    ? `chown -R ${foreignTo} "${folder}"`
    : `install -d -m 700 -o ${foreignTo} "${folder}"`;
  return `Another user owns it: have it given to you (as root: ${command})`;
}

function quoted(paths: readonly string[]): string {
  return paths.map((path) => `"${path}"`).join(' ');
}

/** The store's file is damaged or not a store. It was not changed. */
export class StoreDamagedError extends FaissMemoryError {
  /** Absolute path of the damaged file. */
  readonly path: string;

  /** @param problem the rest of a sentence that begins with the path */
  constructor(path: string, problem: string, options: { cause?: unknown } = {}) {
    super('STORE_DAMAGED', `The memory store ${path} ${problem}. Nothing was changed or deleted.`, {
      fix:
        `Move ${path} and its -wal and -shm files to a safe place, then restore a backup ` +
        'or start again with an empty store; `faiss-memory restore --help` shows how.',
      ...options,
    });
    this.path = path;
  }
}

/** A newer version of the program wrote this store. Nothing was changed. */
export class StoreTooNewError extends FaissMemoryError {
  readonly path: string;
  /** Schema version of the file. */
  readonly found: number;
  /** Newest schema version that this program can use. */
  readonly supported: number;

  constructor(path: string, found: number, supported: number) {
    super(
      'STORE_TOO_NEW',
      `The memory store ${path} has schema version ${found}; this version of faiss-memory supports up to ${supported}`,
      {
        fix: 'Update faiss-memory (npm install faiss-memory@latest) and restart every client that uses this store.',
      },
    );
    this.path = path;
    this.found = found;
    this.supported = supported;
  }
}
