import { randomBytes } from 'node:crypto';
import type { BlobStore } from '../../blob/blob-store.ts';
import { InvalidInputError } from '../../errors/input-errors.ts';
import {
  MachineForkedError,
  RepositoryDamagedError,
  SnapshotNotFoundError,
} from '../../errors/backup-errors.ts';
import type { VersionVector } from '../../memory/version.ts';
import { copySnapshots, type CopyOptions, type CopyResult } from './copy-snapshots.ts';
import { forgetMachine, type KnownContent, prune, type PruneResult, retire } from './prune.ts';
import type { Head } from '../format/head.ts';
import { type Keyring, MachineKeys } from './keyring.ts';
import {
  listSnapshots,
  type ListScope,
  type RepositorySnapshot,
  type SnapshotList,
} from './list-snapshots.ts';
import type { Manifest } from '../format/manifest.ts';
import type { HeadJournal, MemoryState, SnapshotView } from '../ports.ts';
import { newestRows } from './newest-rows.ts';
import { readOwnHead, writeOwnHead } from './own-head.ts';
import { isMachineId, type RandomBytes } from '../format/names.ts';
import type { RepositoryContext } from './repository-context.ts';
import { type HeadCache, RepositoryObjects, type LoadedHead } from './repository-objects.ts';
import type { RetentionPolicy } from './retention.ts';
import type { WorkOptions } from '../backup-api.ts';
import { rewrapKeys } from './copy-keys.ts';
import { resolveSnapshot } from './snapshot-name.ts';
import { verifyContent, verifyHashes, verifySizes, type HashBudget, type VerifyReport } from './verify.ts';
import { sharedWithCopies } from './witnesses.ts';
import { writeSnapshot, type SnapshotRequest, type SnapshotResult } from './write-snapshot.ts';

export interface RepositoryOptions {
  /** Not closed by the repository. */
  readonly store: BlobStore;
  /** Name of this repository in the journal: `local`, or a name made from the settings of the remote. */
  readonly repositoryId: string;
  /** This machine, the owner of the only folder that is written: 16 hex digits. */
  readonly machine: string;
  readonly journal: HeadJournal;
  /** With a keyring everything is written encrypted, and plain snapshots are refused. Null: nothing is encrypted. */
  readonly keyring: Keyring | null;
  /** True when only this data folder can reach the repository. @default false */
  readonly exclusive?: boolean;
  /** Milliseconds since the epoch, for the times and names of snapshots. @default Date.now */
  readonly now?: () => number;
  readonly random?: RandomBytes;
  /** See `RepositoryContext.heads`. */
  readonly heads?: HeadCache | undefined;
}

/**
 * Backups in one object store, in the format of `docs/storage-format.md`. The local backup folder and every remote
 * use the same code.
 *
 * Invariants:
 * - Only the folder of `machine` is written, by one process at a time. `forgetMachine` is the only exception.
 * - All objects except `head` and `key.json` are immutable. A head is written last, after all objects that it needs
 *   were stored and verified. Snapshots that it does not list do not exist.
 * - Objects are checked, and decrypted, before any part of them is returned.
 * - With a keyring nothing is written unencrypted, and plain snapshots are not restored.
 *
 * Errors: `BlobStoreError`, `RepositoryDamagedError`, `RepositoryTooNewError`, `ObjectMissingError` (retryable after
 * reading the heads again), `WrongPassphraseError`, `MissingKeyError`, `EncryptionDowngradeError`,
 * `MachineForkedError`.
 */
export class Repository {
  readonly #context: RepositoryContext;

  constructor(options: RepositoryOptions) {
    if (!isMachineId(options.machine)) {
      throw new InvalidInputError('machine', 'is not a machine id', 'allowed are 16 hex digits');
    }
    const keys = new MachineKeys(options.store, options.keyring);
    this.#context = {
      ...options,
      keys,
      objects: new RepositoryObjects(options.store, keys),
      exclusive: options.exclusive ?? false,
      now: options.now ?? Date.now,
      random: options.random ?? randomBytes,
    };
  }

  /** Name of this repository in the journal and in notes. */
  get repositoryId(): string {
    return this.#context.repositoryId;
  }

  /** This machine, the owner of the folder that is written. */
  get machine(): string {
    return this.#context.machine;
  }

  /** Address of the store for messages, without credentials. */
  get location(): string {
    return this.#context.store.location;
  }

  /**
   * Checks that this data folder wrote the own head, if there is one.
   * @throws MachineForkedError when a copy of the data folder wrote it
   */
  async checkOwnHead(): Promise<void> {
    await readOwnHead(this.#context);
  }

  /**
   * Checks that no head names a commit of this machine that this data folder never made.
   * @throws MachineForkedError when one does: a copy of the data folder made it
   */
  async checkCopies({ machines }: SnapshotList): Promise<void> {
    const { machine, store, exclusive } = this.#context;
    const heads = machines.flatMap(({ head }) => (head === null ? [] : [head.head]));
    const shared = exclusive ? null : await sharedWithCopies(this.#context, heads);
    if (shared !== null) throw new MachineForkedError(machine, shared, store.location);
  }

  /** Lists the snapshots of all machines and the state of their heads. */
  listSnapshots(scope?: ListScope): Promise<SnapshotList> {
    return listSnapshots(this.#context, scope);
  }

  /**
   * @param query name, `machine/name`, `machine/id` or id
   * @throws SnapshotNotFoundError, SnapshotAmbiguousError; the error of an unreadable machine, which may have the
   *   snapshot
   */
  async findSnapshot(query: string, options?: WorkOptions): Promise<RepositorySnapshot> {
    const { snapshots, machines } = await this.listSnapshots(options);
    try {
      return resolveSnapshot(query, snapshots);
    } catch (error) {
      const unread = machines.find((machine) => machine.error !== null)?.error;
      throw error instanceof SnapshotNotFoundError ? (unread ?? error) : error;
    }
  }

  async readManifest(snapshot: RepositorySnapshot): Promise<Manifest> {
    const { objects } = this.#context;
    return (await objects.readManifest(snapshot.machine, snapshot, snapshot.sealed)).manifest;
  }

  /**
   * Yields every memory of a snapshot once, in no particular order. An error may come after some rows, so apply
   * nothing before the last row. `newestRows` states the memory this takes.
   */
  async *readRows(manifest: Manifest): AsyncGenerator<MemoryState> {
    const { objects } = this.#context;
    const { machine, segments } = manifest;
    const read = (entry: Manifest['segments'][number]): Promise<Uint8Array> =>
      objects.readSegment(machine, entry);
    for await (const { state } of newestRows({ machine, segments, read })) yield state;
  }

  /** Writes a snapshot of the view as `writeSnapshot` does. The view stays open. */
  writeSnapshot(view: SnapshotView, request: SnapshotRequest): Promise<SnapshotResult> {
    return writeSnapshot(this.#context, view, request);
  }

  /** Copies this machine's snapshots to another repository as `copySnapshots` does. */
  copyTo(target: Repository, options?: CopyOptions): Promise<CopyResult> {
    return copySnapshots(this.#context, target.#context, options);
  }

  /** Pinned snapshots survive every retention policy. @throws SnapshotNotFoundError */
  async setPinned(snapshotId: string, pinned: boolean): Promise<Head> {
    const own = await readOwnHead(this.#context);
    if (!own.snapshots.some((snapshot) => snapshot.snapshotId === snapshotId)) {
      throw new SnapshotNotFoundError(snapshotId);
    }
    const snapshots = own.snapshots.map((snapshot) =>
      snapshot.snapshotId === snapshotId ? { ...snapshot, pinned } : snapshot,
    );
    return writeOwnHead(this.#context, own, snapshots);
  }

  /** Wraps the same keys with another passphrase. */
  rewrapKeys(next: Keyring): Promise<void> {
    return rewrapKeys(this.#context, next);
  }

  /** Drops this machine's old snapshots and deletes their objects. */
  prune(policy: RetentionPolicy): Promise<PruneResult> {
    return prune(this.#context, policy);
  }

  /** Level 1: checks that all objects exist with the right size. A damaged head is a problem, a missing one is not. */
  verifySizes(machine: string, options: WorkOptions = {}): Promise<VerifyReport> {
    return this.#verifyHead(machine, (loaded) => verifySizes(this.#context, machine, { loaded, ...options }));
  }

  /** Level 2: checks the SHA-256 of all objects, up to a budget. Treats the head as level 1 does. */
  verifyHashes(machine: string, budget: HashBudget, options: WorkOptions = {}): Promise<VerifyReport> {
    return this.#verifyHead(machine, (loaded) =>
      verifyHashes(this.#context, { machine, loaded, ...options }, budget),
    );
  }

  async #verifyHead(
    machine: string,
    check: (loaded: LoadedHead) => Promise<VerifyReport>,
  ): Promise<VerifyReport> {
    const { objects } = this.#context;
    try {
      const loaded = await objects.readHead(machine);
      return loaded === null ? NOTHING : await check(loaded);
    } catch (error) {
      if (!(error instanceof RepositoryDamagedError)) throw error;
      return { problems: [{ key: error.key, problem: `${error.message}.` }], checked: [] };
    }
  }

  /** Level 3: reads a whole snapshot and checks its digests. */
  verifyContent(manifest: Manifest, options: WorkOptions = {}): Promise<VerifyReport> {
    return verifyContent(this.#context, manifest, options);
  }

  /** Removes the backups of this machine's id, which its data folder gave up, as `retire` does. */
  retire(known: KnownContent): Promise<boolean> {
    return retire(this.#context, known);
  }

  /** Deletes the folder of a machine that is gone for good, as `forgetMachine` does. */
  forgetMachine(machine: string, clock: VersionVector | null): Promise<number> {
    return forgetMachine(this.#context, machine, clock);
  }
}

const NOTHING: VerifyReport = { problems: [], checked: [] };
