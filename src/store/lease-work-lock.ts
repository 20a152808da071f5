import { randomUUID } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import type { WorkLock } from '../backup/ports.ts';
import { BackupBusyError } from '../errors/backup-errors.ts';
import type { ReplicaStore } from './replica-store.ts';

/** A holder that dies keeps the others waiting for so long. */
const LEASE_MS = 60_000;
const PAUSE_MS = 250;
const NAME = 'backups';

/**
 * A work lock for stores that share a database: one of all their processes works on the backups at a time. The lock of
 * the data folder comes first, so only one process of a folder asks the database. While the work runs, the lease is
 * prolonged; it ends by itself when its holder dies.
 */
export class LeaseWorkLock implements WorkLock {
  readonly #local: WorkLock;
  readonly #replica: Pick<ReplicaStore, 'lease'>;
  readonly #dataDir: string;
  readonly #holder = randomUUID();

  constructor(parts: {
    readonly local: WorkLock;
    readonly replica: Pick<ReplicaStore, 'lease'>;
    readonly dataDir: string;
  }) {
    this.#local = parts.local;
    this.#replica = parts.replica;
    this.#dataDir = parts.dataDir;
  }

  run<Result>(work: () => Promise<Result>, waitMs: number): Promise<Result> {
    return this.#local.run(async () => {
      await this.#acquire(waitMs);
      const renewing = setInterval(() => {
        // A database that is down for longer than the lease stops the work too, which writes to it.
        this.#replica.lease(NAME, this.#holder, LEASE_MS).catch(() => undefined);
      }, LEASE_MS / 4).unref();
      try {
        return await work();
      } finally {
        clearInterval(renewing);
        await this.#replica.lease(NAME, this.#holder, 0).catch(() => undefined);
      }
    }, waitMs);
  }

  async #acquire(waitMs: number): Promise<void> {
    const start = performance.now();
    while (!(await this.#replica.lease(NAME, this.#holder, LEASE_MS))) {
      const waited = performance.now() - start;
      if (waited >= waitMs) throw new BackupBusyError(this.#dataDir, waited);
      await delay(PAUSE_MS);
    }
  }
}
