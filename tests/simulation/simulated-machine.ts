import { BackupService } from '../../src/backup/backup-service.ts';
import type { Keyring } from '../../src/backup/repository/keyring.ts';
import type { Repository } from '../../src/backup/repository/repository.ts';
import type { RetentionPolicy } from '../../src/backup/repository/retention.ts';
import type { WorkLock } from '../../src/backup/ports.ts';
import type { BlobStore, CreatableBlobStore } from '../../src/blob/blob-store.ts';
import type { StoredBlob } from '../../src/blob/in-memory-blob-store.ts';
import { limitedBlobStore } from '../../src/blob/decorators.ts';
import type { Version } from '../../src/memory/version.ts';
import type { ReplicaStore } from '../../src/store/replica-store.ts';
import { SyncService } from '../../src/sync/sync-service.ts';
import type { InMemoryReplica } from '../helpers/in-memory-replica.ts';
import type { MemoryTable } from '../helpers/memory-table.ts';
import { Crash } from './faulty-store.ts';
import type { RemovalCheck } from './removal-check.ts';
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

/** A data folder with the process on it, and what the simulation knows about it. */
export interface SimulatedMachine {
  readonly number: number;
  readonly folder: DataFolder;
  /** How wrong its clock is. */
  clockOffset: number;
  process: MachineProcess;
  readonly removals: RemovalCheck;
  /** A copy of the data folder, and what was written since and is nowhere else. */
  copy: {
    readonly folder: DataFolder;
    readonly atRisk: Map<string, { id: string; updatedAt: number }>;
  } | null;
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

/** What faults lead to, and what a user may run into. */
export const EXPECTED: ReadonlySet<string> = new Set([
  'BLOB_STORE',
  'REPOSITORY_DAMAGED',
  'OBJECT_MISSING',
  'STATE_CHANGED',
  'SNAPSHOT_NOT_FOUND',
]);

/** What a snapshot holds, by its memories; empty when it was pruned meanwhile. */
export async function statesOf(
  repository: Repository,
  owner: string,
  snapshotId: string,
): Promise<Map<string, readonly Version[]>> {
  const states = new Map<string, readonly Version[]>();
  const { snapshots } = await repository.listSnapshots();
  const snapshot = snapshots.find((listed) => listed.machine === owner && listed.snapshotId === snapshotId);
  if (snapshot === undefined) return states;
  const manifest = await repository.readManifest(snapshot);
  for await (const { id, siblings } of repository.readRows(manifest)) states.set(id, siblings);
  return states;
}

/** The versions of a table that no other table has. */
export function onlyIn(
  table: MemoryTable,
  others: readonly MemoryTable[],
): { readonly id: string; readonly updatedAt: number }[] {
  const isElsewhere = (id: string, time: number): boolean =>
    others.some((other) => other.siblings(id).some(({ updatedAt }) => updatedAt === time));
  return [...table.states()].flatMap(({ id, siblings }) =>
    siblings
      .filter(({ updatedAt }) => !isElsewhere(id, updatedAt))
      .map(({ updatedAt }) => ({ id, updatedAt })),
  );
}

/** True when every machine has merged writes of an id that a table lacks. */
export function haveSeenMore(
  machines: readonly SimulatedMachine[],
  id: string,
  { clock }: MemoryTable,
): boolean {
  return machines.every(({ folder }) => (folder.replica.table.clock[id] ?? 0) > (clock[id] ?? 0));
}
