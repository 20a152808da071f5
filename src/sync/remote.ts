import type { RandomBytes } from '../backup/format/names.ts';
import type { Keyring } from '../backup/repository/keyring.ts';
import { Repository } from '../backup/repository/repository.ts';
import type { BlobStore, CreatableBlobStore } from '../blob/blob-store.ts';
import { SyncOffError } from '../errors/remote-errors.ts';
import type { ReplicaStore } from '../store/replica-store.ts';

export interface RemoteRepositoryParts {
  readonly replica: ReplicaStore;
  /** Null when no bucket is set. */
  readonly access: RemoteAccess | null;
  /** False: the remote is not used, although it may be tried and made. */
  readonly enabled: boolean;
  /** Names the remote in the journal: the same when keys or spelling change, another for another bucket. */
  readonly repositoryId: string;
  /** Null = plain. */
  readonly keyring: Keyring | null;
  /** Milliseconds since the epoch. */
  readonly now: () => number;
  readonly random?: RandomBytes | undefined;
}

/** The repository at the remote, opened at the first use. */
export class RemoteRepository {
  readonly #parts: RemoteRepositoryParts;
  readonly #session: RemoteSession;

  constructor(parts: RemoteRepositoryParts) {
    this.#parts = parts;
    this.#session = new RemoteSession(parts.access);
  }

  get enabled(): boolean {
    return this.#parts.enabled && this.#parts.access !== null;
  }

  /** For people, without credentials; null when it is off or cannot be opened. */
  async location(): Promise<string | null> {
    const opened = await this.#store().catch(() => null);
    return opened?.location ?? null;
  }

  /** As the machine that the store is now. @throws SyncOffError, BlobStoreError */
  async own(): Promise<Repository> {
    return this.of((await this.#parts.replica.identity()).machine);
  }

  /** As that machine. @throws SyncOffError, BlobStoreError */
  async of(machine: string): Promise<Repository> {
    const { repositoryId, replica, keyring, now, random } = this.#parts;
    const store = await this.#store();
    const options = { store, repositoryId, machine, journal: replica, keyring, now };
    return new Repository(random === undefined ? options : { ...options, random });
  }

  /** Works with sync off as long as a bucket is set. */
  async createBucket(): Promise<'created' | 'existed'> {
    return (await this.#session.plain()).createBucket();
  }

  close(): Promise<void> {
    return this.#session.close();
  }

  #store(): Promise<BlobStore> {
    return this.enabled ? this.#session.store() : Promise.reject(new SyncOffError());
  }
}

/** How to reach the remote. */
export interface RemoteAccess {
  /** Connects to nothing yet. */
  readonly open: () => Promise<CreatableBlobStore>;
  /** Adds retries, limits and logging; stacked by the composition root. */
  readonly decorate: (store: BlobStore) => BlobStore;
}

/** The remote store, opened at the first use and kept until the end. Never opened when sync is off. */
class RemoteSession {
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
