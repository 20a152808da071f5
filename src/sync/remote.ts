import type { RandomBytes } from '../backup/format/names.ts';
import type { Keyring } from '../backup/repository/keyring.ts';
import { Repository } from '../backup/repository/repository.ts';
import { HeadCache } from '../backup/repository/repository-objects.ts';
import type { BlobStore, BlobTraffic, CreatableBlobStore } from '../blob/blob-store.ts';
import { SyncOffError } from '../errors/remote-errors.ts';
import type { ReplicaStore } from '../store/replica-store.ts';

export interface RemoteRepositoryParts {
  readonly replica: ReplicaStore;
  /** Null when no bucket is configured. */
  readonly access: RemoteAccess | null;
  /** False with sync off: the remote is not used, but its bucket can still be checked and created. */
  readonly enabled: boolean;
  /** Id of the remote in the journal. It depends on the address and the bucket, not on the keys. */
  readonly repositoryId: string;
  /** Null = backups are not encrypted. */
  readonly keyring: Keyring | null;
  /** Milliseconds since the epoch. */
  readonly now: () => number;
  readonly random?: RandomBytes | undefined;
}

/** The backup repository at the remote. The connection is opened on first use. */
export class RemoteRepository {
  readonly #parts: RemoteRepositoryParts;
  readonly #session: RemoteSession;
  readonly #heads = new HeadCache();

  /** @param count gets the traffic */
  constructor(parts: RemoteRepositoryParts, count: (traffic: Partial<BlobTraffic>) => void) {
    this.#parts = parts;
    this.#session = new RemoteSession(parts.access, count);
  }

  get enabled(): boolean {
    return this.#parts.enabled && this.#parts.access !== null;
  }

  /** Address to show to people, without credentials; null when sync is off or the store cannot be opened. */
  async location(): Promise<string | null> {
    const opened = await this.#store().catch(() => null);
    return opened?.location ?? null;
  }

  /** The repository, opened for the store's present machine id. @throws SyncOffError, BlobStoreError */
  async own(): Promise<Repository> {
    return this.of((await this.#parts.replica.identity()).machine);
  }

  /** The repository, opened for a given machine id. @throws SyncOffError, BlobStoreError */
  async of(machine: string): Promise<Repository> {
    const { repositoryId, replica, keyring, now, random } = this.#parts;
    const store = await this.#store();
    const options = { store, repositoryId, machine, journal: replica, keyring, now, heads: this.#heads };
    return new Repository(random === undefined ? options : { ...options, random });
  }

  /** Creates the bucket; works with sync off when one is configured. @throws SyncOffError, BlobStoreError */
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
  /** Creates the store without connecting to it. */
  readonly open: () => Promise<CreatableBlobStore>;
  /** Adds retries, limits and logging, and reports the traffic. */
  readonly decorate: (store: BlobStore, count: (traffic: Partial<BlobTraffic>) => void) => BlobStore;
}

/** The remote store, opened on first use and kept until `close`. */
class RemoteSession {
  readonly #access: RemoteAccess | null;
  readonly #count: (traffic: Partial<BlobTraffic>) => void;
  #opened: Promise<{ readonly plain: CreatableBlobStore; readonly store: BlobStore }> | null = null;

  constructor(access: RemoteAccess | null, count: (traffic: Partial<BlobTraffic>) => void) {
    this.#access = access;
    this.#count = count;
  }

  /** @throws SyncOffError, BlobStoreError */
  async store(): Promise<BlobStore> {
    return (await this.#open()).store;
  }

  /** The store without decorators, because creating a bucket is not retried. @throws SyncOffError, BlobStoreError */
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
    this.#opened ??= access.open().then((plain) => ({ plain, store: access.decorate(plain, this.#count) }));
    try {
      return await this.#opened;
    } catch (error) {
      this.#opened = null;
      throw error;
    }
  }
}
