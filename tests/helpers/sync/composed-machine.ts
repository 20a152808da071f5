import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';
import { BackupService } from '../../../src/backup/backup-service.ts';
import { DEFAULT_RETENTION } from '../../../src/backup/repository/retention.ts';
import { createBlobStore } from '../../../src/blob/create-blob-store.ts';
import { FolderBlobStore } from '../../../src/blob/folder/folder-blob-store.ts';
import { retryingBlobStore } from '../../../src/blob/decorators.ts';
import { startWorkerStore } from '../../../src/store/worker/client.ts';
import type { MemoryStore } from '../../../src/store/memory-store.ts';
import type { ReplicaStore } from '../../../src/store/replica-store.ts';
import { SqliteWorkLock } from '../../../src/store/sqlite/sqlite-work-lock.ts';
import type { RemoteAccess } from '../../../src/sync/remote.ts';
import { SyncService } from '../../../src/sync/sync-service.ts';
import { draft } from '../drafts.ts';
import { quickKeyring } from '../test-repository.ts';
import type { TestBucket } from './bucket-server.ts';

export interface Line {
  /** Of a proxy before the server. */
  readonly port?: number;
  /** Longest silence; default as users have it. */
  readonly timeoutMs?: number;
  /** Tries of each request, without waits in between; default 1. */
  readonly attempts?: number;
}

/** The services over the real database and a real bucket, in this process. */
export class ComposedMachine {
  readonly memory: MemoryStore;
  readonly replica: ReplicaStore;
  readonly backup: BackupService;
  /** Straight to the server. */
  readonly sync: SyncService;
  readonly #bucket: TestBucket;
  readonly #common;

  /**
   * Closed, and its folder gone, after the test.
   * @param passphrase encrypts, with a quick key derivation
   */
  constructor(bucket: TestBucket, passphrase?: string) {
    const dataDir = mkdtempSync(join(tmpdir(), 'faiss-memory-machine-'));
    const { memory, replica } = startWorkerStore({ dataDir, vectorIndex: 'exact' });
    this.#common = {
      replica,
      keyring: passphrase === undefined ? null : quickKeyring(passphrase),
      lock: new SqliteWorkLock({ dataDir }),
      retention: DEFAULT_RETENTION,
      now: () => Date.now(),
      createScratch: () => Promise.reject(new Error('these tests make no drills')),
    };
    this.memory = memory;
    this.replica = replica;
    this.backup = new BackupService({
      ...this.#common,
      store: new FolderBlobStore(join(dataDir, 'backups')),
    });
    this.#bucket = bucket;
    onTestFinished(async () => {
      await memory.close();
      rmSync(dataDir, { recursive: true, force: true, maxRetries: 5 });
    });
    this.sync = this.syncBy({});
  }

  /** The same machine over another line to the same bucket. */
  syncBy(line: Line): SyncService {
    const sync = new SyncService({
      ...this.#common,
      backup: this.backup,
      access: accessTo(this.#bucket, line),
      enabled: true,
      mode: 'backup',
      repositoryId: this.#bucket.store.location,
      probe: null,
    });
    onTestFinished(() => sync.close());
    return sync;
  }

  /** @returns the ids */
  async add(...texts: readonly string[]): Promise<string[]> {
    const outcomes = await this.memory.add(texts.map((text) => draft(text)));
    return outcomes.map(({ memory }) => memory.id);
  }

  async texts(): Promise<string[]> {
    const page = await this.memory.list({ filter: {}, which: 'live', order: 'oldest', limit: 1000 });
    return page.memories.map(({ text }) => text).toSorted();
  }

  /** Equal before and after = nothing was changed. */
  async stateDigest(): Promise<string> {
    return (await this.replica.identity()).stateDigest;
  }
}

function accessTo({ settings }: TestBucket, { port, timeoutMs, attempts = 1 }: Line): RemoteAccess {
  const endpoint = port === undefined ? settings.endpoint : `http://127.0.0.1:${port}`;
  return {
    open: () => createBlobStore({ ...settings, endpoint, timeoutMs }),
    decorate: (store) => retryingBlobStore(store, { attempts, wait: () => Promise.resolve() }),
  };
}
