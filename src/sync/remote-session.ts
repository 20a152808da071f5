import type { BlobStore, CreatableBlobStore } from '../blob/blob-store.ts';
import { SyncOffError } from '../errors/remote-errors.ts';

/** How to reach the remote. */
export interface RemoteAccess {
  /** Connects to nothing yet. */
  readonly open: () => Promise<CreatableBlobStore>;
  /** Adds retries, limits and logging; stacked by the composition root. */
  readonly decorate: (store: BlobStore) => BlobStore;
}

/** The remote store, opened at the first use and kept until the end. Never opened when sync is off. */
export class RemoteSession {
  readonly #access: RemoteAccess | null;
  #opened: Promise<{ readonly plain: CreatableBlobStore; readonly store: BlobStore }> | null = null;

  constructor(access: RemoteAccess | null) {
    this.#access = access;
  }

  /** @throws SyncOffError, BlobStoreError */
  async store(): Promise<BlobStore> {
    return (await this.#open()).store;
  }

  /** Not decorated: making a bucket is asked for once. */
  async plain(): Promise<CreatableBlobStore> {
    return (await this.#open()).plain;
  }

  async close(): Promise<void> {
    const opened = await this.#opened?.catch(() => null);
    await opened?.store.close();
  }

  async #open(): Promise<{ readonly plain: CreatableBlobStore; readonly store: BlobStore }> {
    const access = this.#access;
    if (access === null) throw new SyncOffError();
    this.#opened ??= access.open().then((plain) => ({ plain, store: access.decorate(plain) }));
    try {
      return await this.#opened;
    } catch (error) {
      this.#opened = null;
      throw error;
    }
  }
}
