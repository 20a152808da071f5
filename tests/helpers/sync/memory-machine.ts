import { BackupService } from '../../../src/backup/backup-service.ts';
import type { Keyring } from '../../../src/backup/repository/keyring.ts';
import { DEFAULT_RETENTION, type RetentionPolicy } from '../../../src/backup/repository/retention.ts';
import type { WorkLock } from '../../../src/backup/ports.ts';
import { InMemoryBlobStore, type BlobCall, type StoredBlob } from '../../../src/blob/in-memory-blob-store.ts';
import { BackupBusyError } from '../../../src/errors/backup-errors.ts';
import { BlobStoreError, type BlobStoreReason } from '../../../src/errors/remote-errors.ts';
import { SyncService } from '../../../src/sync/sync-service.ts';
import { InMemoryReplica } from '../in-memory-replica.ts';

/** One bucket that several machines use, with a clock that all of them read. */
export class MemoryBucket {
  readonly objects = new Map<string, StoredBlob>();
  time = Date.UTC(2026, 5, 1, 12);
  /** Makes every call fail while it is set. */
  down: BlobStoreReason | null = null;
  /** Looks at each call, which waits for it, and may throw. */
  onCall: (call: BlobCall) => unknown = () => undefined;

  readonly now = (): number => this.time;

  open(): InMemoryBlobStore {
    const beforeCall = async (call: BlobCall): Promise<void> => {
      if (this.down !== null) throw this.failure(this.down, call);
      await this.onCall(call);
    };
    return new InMemoryBlobStore({ objects: this.objects, now: this.now, beforeCall });
  }

  failure(reason: BlobStoreReason, call: BlobCall): BlobStoreError {
    return new BlobStoreError(reason, { ...call, location: 'memory:', problem: 'as the test wants it' });
  }

  keys(pattern: RegExp): string[] {
    return [...this.objects.keys()].filter((key) => pattern.test(key));
  }
}

/** Tries once, and never waits. */
export class InProcessLock implements WorkLock {
  held = false;

  async run<Result>(work: () => Promise<Result>, waitMs: number): Promise<Result> {
    if (this.held) throw new BackupBusyError('memory:', waitMs);
    this.held = true;
    try {
      return await work();
    } finally {
      this.held = false;
    }
  }
}

export interface MemoryMachineOptions {
  readonly replica?: InMemoryReplica;
  readonly keyring?: Keyring;
  readonly retention?: RetentionPolicy;
  /** Default true. */
  readonly enabled?: boolean;
  /** False = no bucket is set. Default true. */
  readonly access?: boolean;
  readonly repositoryId?: string;
  readonly statusWaitMs?: number;
  /** The local folder; default empty. */
  readonly folder?: Map<string, StoredBlob>;
}

/** The real services over a data folder in memory. */
export class MemoryMachine {
  readonly replica: InMemoryReplica;
  readonly folder: Map<string, StoredBlob>;
  readonly lock = new InProcessLock();
  readonly backup: BackupService;
  readonly sync: SyncService;
  readonly #bucket: MemoryBucket;
  readonly #options: MemoryMachineOptions;
  #writes = 0;

  constructor(bucket: MemoryBucket, options: MemoryMachineOptions = {}) {
    const {
      retention = DEFAULT_RETENTION,
      enabled = true,
      access = true,
      repositoryId = 'remote:test',
    } = options;
    this.#bucket = bucket;
    this.#options = options;
    this.replica = options.replica ?? new InMemoryReplica();
    this.folder = options.folder ?? new Map<string, StoredBlob>();
    const common = {
      replica: this.replica,
      keyring: options.keyring ?? null,
      lock: this.lock,
      retention,
      now: bucket.now,
      createScratch: () => {
        const replica = new InMemoryReplica();
        return Promise.resolve({ replica, close: () => Promise.resolve() });
      },
    };
    this.backup = new BackupService({
      ...common,
      store: new InMemoryBlobStore({ objects: this.folder, now: bucket.now }),
    });
    this.sync = new SyncService({
      ...common,
      backup: this.backup,
      enabled,
      mode: 'backup',
      repositoryId,
      probe: null,
      statusWaitMs: options.statusWaitMs,
      access: access ? { open: () => Promise.resolve(bucket.open()), decorate: (store) => store } : null,
    });
  }

  /** @returns the id of the new memory */
  add(text: string): string {
    this.#writes += 1;
    const id = `${this.replica.machine.slice(0, 8)}-0000-7000-8000-${String(this.#writes).padStart(12, '0')}`;
    this.replica.write(id, text);
    return id;
  }

  /** Live texts, sorted. */
  texts(): string[] {
    const { table } = this.replica;
    const current = table.ids().map((id) => table.current(id));
    return current.flatMap((version) => (version?.state === 'live' ? [version.text] : [])).sort();
  }

  async stateDigest(): Promise<string> {
    return (await this.replica.identity()).stateDigest;
  }

  /** A copy of the data folder, as it is now, on another machine. */
  copy(): MemoryMachine {
    const replica = this.replica.clone();
    return new MemoryMachine(this.#bucket, { ...this.#options, replica, folder: new Map(this.folder) });
  }
}
