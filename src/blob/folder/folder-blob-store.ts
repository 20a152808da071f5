import { constants, type BigIntStats } from 'node:fs';
import { open, rmdir, stat, unlink, type FileHandle } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { BlobStoreError, type BlobOperation } from '../../errors/remote-errors.ts';
import {
  assertBlobKey,
  assertBlobPrefix,
  assertByteRange,
  assertNotTooLarge,
  clampRange,
  defaultMaxBytes,
} from '../arguments.ts';
import type {
  Blob,
  BlobCallOptions,
  BlobGetOptions,
  BlobInfo,
  BlobPutOptions,
  BlobReceipt,
  CreatableBlobStore,
  UnrangedGetOptions,
} from '../blob-store.ts';
import { makeFolderDurably, syncFolder, writeDurably } from '../../util/durable-file.ts';
import { fileError, systemCode } from './file-errors.ts';
import { listFolder } from './list-folder.ts';
import { ServerClock } from '../request-runner.ts';

/** Number of attempts to write into a folder that a concurrent delete may remove as empty. */
const folderAttempts = 20;

/** Do not follow symbolic links, and do not wait for the other end of a pipe. On Windows both flags are undefined. */
const openFlags = constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK;

/**
 * Stores objects as files below a folder: on a local disk, on a network share, or in a folder that another program
 * synchronises. Only `createBucket` creates the folder itself. Otherwise a write while the disk is not mounted would
 * look like success. The only write condition is `absent`. Folders get mode 0700, files 0600.
 */
export class FolderBlobStore implements CreatableBlobStore {
  readonly location: string;
  readonly #root: string;
  readonly #clock = new ServerClock();
  #closed = false;

  /** @param path folder of the objects; a relative path is resolved now */
  constructor(path: string) {
    this.#root = resolve(path);
    this.location = `folder ${this.#root}`;
  }

  async put(key: string, bytes: Uint8Array, options: BlobPutOptions = {}): Promise<BlobReceipt> {
    assertBlobKey(key);
    return this.#run({ operation: 'put', key }, options, async () => {
      if (options.onlyIf !== undefined && options.onlyIf !== 'absent') throw this.#unsupportedCondition(key);
      await this.#assertRoot('put');
      const path = this.#path(key);
      const onlyIfAbsent = options.onlyIf === 'absent';
      const stats = await this.#inFolder(dirname(path), () =>
        writeDurably({ path, data: bytes, onlyIfAbsent, check: () => options.signal?.throwIfAborted() }),
      );
      this.#clock.observe(Number(stats.mtimeMs));
      return { etag: etagOf(stats) };
    });
  }

  async get(key: string, options: BlobGetOptions = {}): Promise<Blob | null> {
    assertBlobKey(key);
    if (options.range !== undefined) assertByteRange(options.range);
    return this.#reading(key, options, (file) => this.#read(key, file, options));
  }

  async getIfChanged(
    key: string,
    etag: string,
    options: UnrangedGetOptions = {},
  ): Promise<Blob | null | 'unchanged'> {
    assertBlobKey(key);
    return this.#reading(key, options, async (file) =>
      etagOf(await file.stat({ bigint: true })) === etag ? 'unchanged' : this.#read(key, file, options),
    );
  }

  async head(key: string, options: BlobCallOptions = {}): Promise<BlobInfo | null> {
    assertBlobKey(key);
    return this.#run({ operation: 'head', key }, options, async () => {
      const file = await this.#openIfPresent('head', key);
      if (file === null) return null;
      try {
        const stats = await file.stat({ bigint: true });
        return stats.isFile() ? infoOf(key, stats) : null;
      } finally {
        await file.close();
      }
    });
  }

  async list(prefix: string, options: BlobCallOptions = {}): Promise<readonly BlobInfo[]> {
    assertBlobPrefix(prefix);
    return this.#run({ operation: 'list', key: prefix }, options, async () => {
      await this.#assertRoot('list');
      const found: BlobInfo[] = [];
      const request = { root: this.#root, prefix, now: this.#clock.now() };
      for await (const file of listFolder(request)) {
        options.signal?.throwIfAborted();
        found.push(infoOf(file.key, file.stats));
      }
      return found;
    });
  }

  async delete(key: string, options: BlobCallOptions = {}): Promise<void> {
    assertBlobKey(key);
    await this.#run({ operation: 'delete', key }, options, async () => {
      const path = this.#path(key);
      try {
        await unlink(path);
      } catch (error) {
        if (!isAbsence(error)) throw error;
        await this.#assertRoot('delete');
        return;
      }
      await this.#removeEmptyFolders(dirname(path));
    });
  }

  async createBucket(options: BlobCallOptions = {}): Promise<'created' | 'existed'> {
    return this.#run({ operation: 'create-bucket', key: '' }, options, async () => {
      return (await makeFolderDurably(this.#root)) ? 'created' : 'existed';
    });
  }

  /** The file system's clock, read at the last `put`. */
  serverTime(): number | null {
    return this.#clock.now();
  }

  close(): Promise<void> {
    this.#closed = true;
    return Promise.resolve();
  }

  #path(key: string): string {
    return join(this.#root, ...key.split('/'));
  }

  async #run<T>(
    context: { readonly operation: BlobOperation; readonly key: string },
    options: BlobCallOptions,
    action: () => Promise<T>,
  ): Promise<T> {
    options.signal?.throwIfAborted();
    if (this.#closed) {
      throw new BlobStoreError('closed', {
        ...context,
        location: this.location,
        problem: 'the store is closed',
      });
    }
    try {
      return await action();
    } catch (error) {
      if (systemCode(error) === undefined || !(error instanceof Error)) throw error;
      throw fileError(error, { ...context, location: this.location });
    }
  }

  /** Opens a file for one use. @returns null when there is no such file */
  #reading<Result>(
    key: string,
    options: BlobCallOptions,
    use: (file: FileHandle) => Promise<Result>,
  ): Promise<Result | null> {
    return this.#run({ operation: 'get', key }, options, async () => {
      const file = await this.#openIfPresent('get', key);
      if (file === null) return null;
      try {
        return await use(file);
      } finally {
        await file.close();
      }
    });
  }

  async #read(key: string, file: FileHandle, options: BlobGetOptions): Promise<Blob | null> {
    const stats = await file.stat({ bigint: true });
    if (!stats.isFile()) return null;
    const { start, end } = clampRange(options.range, Number(stats.size));
    assertNotTooLarge(end - start, options.maxBytes ?? defaultMaxBytes, { location: this.location, key });
    const bytes = new Uint8Array(end - start);
    for (let filled = 0; filled < bytes.length;) {
      options.signal?.throwIfAborted();
      const { bytesRead } = await file.read(bytes, filled, bytes.length - filled, start + filled);
      if (bytesRead === 0) throw this.#shrunk(key);
      filled += bytesRead;
    }
    return { ...infoOf(key, stats), bytes };
  }

  async #openIfPresent(operation: BlobOperation, key: string): Promise<FileHandle | null> {
    try {
      return await open(this.#path(key), openFlags);
    } catch (error) {
      if (!isAbsence(error)) throw error;
      await this.#assertRoot(operation);
      return null;
    }
  }

  /** Creates a folder and writes into it. Tries again when a concurrent `delete` removes the empty folder in between. */
  async #inFolder<T>(folder: string, action: () => Promise<T>): Promise<T> {
    for (let attempt = 1; ; attempt++) {
      try {
        await makeFolderDurably(folder);
        return await action();
      } catch (error) {
        if (systemCode(error) !== 'ENOENT' || attempt === folderAttempts) throw error;
      }
    }
  }

  async #removeEmptyFolders(start: string): Promise<void> {
    let folder = start;
    try {
      for (; folder !== this.#root; folder = dirname(folder)) await rmdir(folder);
    } catch {
      // The folder is not empty or in use, so it stays.
    }
    await syncFolder(folder).catch((error: unknown) => {
      if (!isAbsence(error)) throw error;
    });
  }

  async #assertRoot(operation: BlobOperation): Promise<void> {
    const stats = await stat(this.#root).catch((error: unknown) => {
      if (isAbsence(error)) return undefined;
      throw error;
    });
    if (stats?.isDirectory() === true) return;
    throw new BlobStoreError('no-bucket', {
      operation,
      location: this.location,
      problem: stats === undefined ? 'the folder does not exist' : 'this is not a folder',
      fix: 'Create the folder, mount its disk, or set another path.',
    });
  }

  #shrunk(key: string): BlobStoreError {
    return new BlobStoreError('interrupted', {
      operation: 'get',
      location: this.location,
      key,
      problem: 'the file became shorter while it was read; another program writes to it',
      retryable: true,
    });
  }

  #unsupportedCondition(key: string): BlobStoreError {
    return new BlobStoreError('unsupported', {
      operation: 'put',
      location: this.location,
      key,
      problem: 'a folder cannot compare etags',
    });
  }
}

function isAbsence(error: unknown): boolean {
  const code = systemCode(error);
  // ELOOP: the key names a symbolic link, which is never an object.
  return code === 'ENOENT' || code === 'ENOTDIR' || code === 'ELOOP';
}

function infoOf(key: string, stats: BigIntStats): BlobInfo {
  return { key, size: Number(stats.size), lastModified: Number(stats.mtimeMs), etag: etagOf(stats) };
}

function etagOf(stats: BigIntStats): string {
  return `${stats.ino.toString(36)}-${stats.mtimeNs.toString(36)}-${stats.size.toString(36)}`;
}
