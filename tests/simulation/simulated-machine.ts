import { BackupService } from '../../src/backup/backup-service.ts';
import type { Keyring } from '../../src/backup/repository/keyring.ts';
import type { RetentionPolicy } from '../../src/backup/repository/retention.ts';
import type { WorkLock } from '../../src/backup/ports.ts';
import type { BlobStore, CreatableBlobStore } from '../../src/blob/blob-store.ts';
import type { StoredBlob } from '../../src/blob/in-memory-blob-store.ts';
import { limitedBlobStore } from '../../src/blob/decorators.ts';
import type { ReplicaStore } from '../../src/store/replica-store.ts';
import { SyncService } from '../../src/sync/sync-service.ts';
import type { InMemoryReplica } from '../helpers/in-memory-replica.ts';
import { Crash } from './faulty-store.ts';
import type { SeededRandom } from './seeded-random.ts';

/** What survives the end of a process: the data folder. */
export interface DataFolder {
  readonly replica: InMemoryReplica;
  objects: Map<string, StoredBlob>;
}

/** One process on a data folder. */
export interface MachineProcess {
  readonly backup: BackupService;
  readonly sync: SyncService;
  dead: boolean;
}

export interface ProcessParts {
  readonly folder: DataFolder;
  readonly keyring: Keyring | null;
  readonly random: SeededRandom;
  readonly now: () => number;
  /** Local and remote objects as this process reaches them. */
  readonly openStore: (place: 'local' | 'remote', process: { dead: boolean }) => BlobStore;
}

/** Little is kept, so that pruning has something to do. */
export const RETENTION: RetentionPolicy = { keepLast: 2, hourly: 0, daily: 0, weekly: 0, monthly: 0 };

export function startProcess({ folder, keyring, random, now, openStore }: ProcessParts): MachineProcess {
  const state = { dead: false };
  const replica = untilDeath(folder.replica, state);
  const lock = new OneAtATime();
  const createScratch = (): Promise<never> => Promise.reject(new Error('no drills here'));
  const common = {
    replica,
    keyring,
    lock,
    retention: RETENTION,
    now,
    random: (size: number) => random.bytes(size),
    createScratch,
  };
  const backup = new BackupService({ ...common, store: creatable(openStore('local', state)) });
  const sync = new SyncService({
    ...common,
    backup,
    enabled: true,
    mode: 'backup',
    repositoryId: 'remote',
    access: {
      open: () => Promise.resolve(creatable(openStore('remote', state))),
      // One call at a time, so that the order of calls follows from the seed.
      decorate: (store) => limitedBlobStore(store, 1),
    },
    probe: null,
  });
  return Object.assign(state, { backup, sync });
}

/** A process that has ended writes nothing any more. */
function untilDeath(replica: InMemoryReplica, state: { readonly dead: boolean }): ReplicaStore {
  return new Proxy<ReplicaStore>(replica, {
    get: (target, name) => {
      // Every member of the port is a method that returns a promise.
      const method = Reflect.get(target, name) as (...all: unknown[]) => Promise<unknown>;
      return (...all: unknown[]) =>
        state.dead ? Promise.reject(new Crash()) : Reflect.apply(method, target, all);
    },
  });
}

function creatable(store: BlobStore): CreatableBlobStore {
  return { ...store, createBucket: () => Promise.resolve('existed') };
}

class OneAtATime implements WorkLock {
  #last: Promise<unknown> = Promise.resolve();

  run<Result>(work: () => Promise<Result>): Promise<Result> {
    const result = this.#last.then(work, work);
    this.#last = result.catch(() => undefined);
    return result;
  }
}
