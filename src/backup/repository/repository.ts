import { randomBytes } from 'node:crypto';
import type { BlobStore } from '../../blob/blob-store.ts';
import { InvalidInputError } from '../../errors/input-errors.ts';
import { RepositoryDamagedError, SnapshotNotFoundError } from '../../errors/backup-errors.ts';
import type { VersionVector } from '../../memory/version.ts';
import { copySnapshots, type CopyOptions, type CopyResult } from './copy-snapshots.ts';
import { forgetMachine, prune, type PruneResult } from './prune.ts';
import type { Head } from '../format/head.ts';
import { type Keyring, MachineKeys } from './keyring.ts';
import { listSnapshots, type RepositorySnapshot, type SnapshotList } from './list-snapshots.ts';
import type { Manifest } from '../format/manifest.ts';
import type { HeadJournal, MemoryState, SnapshotView } from '../ports.ts';
import { newestRows } from './newest-rows.ts';
import { readOwnHead, writeOwnHead } from './own-head.ts';
import { isMachineId, type RandomBytes } from '../format/names.ts';
import type { RepositoryContext } from './repository-context.ts';
import { RepositoryObjects, type LoadedHead } from './repository-objects.ts';
import type { RetentionPolicy } from './retention.ts';
import { rewrapKeys } from './copy-keys.ts';
import { resolveSnapshot } from './snapshot-name.ts';
import { verifyContent, verifyHashes, verifySizes, type HashBudget, type VerifyReport } from './verify.ts';
import { writeSnapshot, type SnapshotRequest, type SnapshotResult } from './write-snapshot.ts';

export interface RepositoryOptions {
  /** Not closed by the repository. */
  readonly store: BlobStore;
  /** Names this repository in the journal, for example `local`, or a remote by its settings. */
  readonly repositoryId: string;
  /** Owner of the one folder that is written: 16 hex digits. */
  readonly machine: string;
  readonly journal: HeadJournal;
  /** Null = plain. With one, everything written is encrypted, and plain snapshots are refused. */
  readonly keyring: Keyring | null;
  /** Read plain snapshots although there is a keyring; only on the user's explicit wish. Default false. */
  readonly allowPlain?: boolean;
  /** Nobody but this data folder can reach it, as the local one. Default false. */
  readonly exclusive?: boolean;
  /** The store's `onlyIf` works (see `probeBlobStore`); an extra guard for the head. Default false. */
  readonly conditionalWrites?: boolean;
  /** Milliseconds since the epoch; only for the names of snapshots. Default `Date.now`. */
  readonly now?: () => number;
  readonly random?: RandomBytes;
}

/**
 * Backups in one object store: `docs/storage-format.md` as an object. The same code serves the local backup
 * folder and every remote.
 *
 * Invariants:
 * - Only the folder of `machine` is ever written, by one process of its data folder at a time.
 * - All objects but `head` and `key.json` are immutable. A head is written last, after everything it lists was
 *   stored and verified; what it does not list does not exist.
 * - Nothing that was read is returned before it was checked, and decrypted before that.
 * - With a keyring nothing plain is written, and nothing plain is read unless it is allowed.
 *
 * Errors: `BlobStoreError`, `RepositoryDamagedError`, `RepositoryTooNewError`, `ObjectMissingError` (retryable:
 * plan again from the heads), `WrongPassphraseError`, `MissingKeyError`, `EncryptionDowngradeError`,
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
      allowPlain: options.allowPlain ?? false,
      exclusive: options.exclusive ?? false,
      conditionalWrites: options.conditionalWrites ?? false,
      now: options.now ?? Date.now,
      random: options.random ?? randomBytes,
    };
  }

  /** Names this repository in the journal and in notes. */
  get repositoryId(): string {
    return this.#context.repositoryId;
  }

  /** Owner of the one folder that is written. */
  get machine(): string {
    return this.#context.machine;
  }

  /** For people, without credentials. */
  get location(): string {
    return this.#context.store.location;
  }

  /**
   * Makes sure that the own head, if there is one, was written by this data folder.
   * @throws MachineForkedError when a copy of it did
   */
  async checkOwnHead(): Promise<void> {
    await readOwnHead(this.#context);
  }

  /** Snapshots of all machines and the state of their heads. */
  listSnapshots(): Promise<SnapshotList> {
    return listSnapshots(this.#context);
  }

  /**
   * @param query name, `machine/name`, `machine/id` or id
   * @throws SnapshotNotFoundError, SnapshotAmbiguousError; why a machine cannot be read, when it might be there
   */
  async findSnapshot(query: string): Promise<RepositorySnapshot> {
    const { snapshots, machines } = await this.listSnapshots();
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
   * Every memory of a snapshot once, in no particular order. An error may come after some rows: apply nothing
   * before the last one has come. Memory: see `newestRows`.
   */
  async *readRows(manifest: Manifest): AsyncGenerator<MemoryState> {
    const { objects } = this.#context;
    const { machine, segments } = manifest;
    const read = (entry: Manifest['segments'][number]): Promise<Uint8Array> =>
      objects.readSegment(machine, entry);
    for await (const { state } of newestRows({ machine, segments, read })) yield state;
  }

  /** See `writeSnapshot`. The view stays open. */
  writeSnapshot(view: SnapshotView, request: SnapshotRequest): Promise<SnapshotResult> {
    return writeSnapshot(this.#context, view, request);
  }

  /** Push or download of this machine's snapshots; see `copySnapshots`. */
  copyTo(target: Repository, options?: CopyOptions): Promise<CopyResult> {
    return copySnapshots(this.#context, target.#context, options);
  }

  /** Pinned snapshots survive every retention. @throws SnapshotNotFoundError */
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

  /** Another passphrase for the same keys; see `rewrapKeys`. */
  rewrapKeys(next: Keyring): Promise<void> {
    return rewrapKeys(this.#context, next);
  }

  /** Drops and deletes this machine's old snapshots; see `prune`. */
  prune(policy: RetentionPolicy): Promise<PruneResult> {
    return prune(this.#context, policy);
  }

  /** Level 1: see `verifySizes`. Nothing is checked when the machine has no head; a damaged one is a problem. */
  verifySizes(machine: string): Promise<VerifyReport> {
    return this.#verifyHead(machine, (loaded) => verifySizes(this.#context, machine, loaded));
  }

  /** Level 2: see `verifyHashes`; of the head as level 1. */
  verifyHashes(machine: string, budget: HashBudget): Promise<VerifyReport> {
    return this.#verifyHead(machine, (loaded) => verifyHashes(this.#context, { machine, loaded }, budget));
  }

  async #verifyHead(
    machine: string,
    check: (loaded: LoadedHead) => Promise<VerifyReport>,
  ): Promise<VerifyReport> {
    const { objects, allowPlain } = this.#context;
    try {
      const loaded = await objects.readHead(machine, allowPlain);
      return loaded === null ? NOTHING : await check(loaded);
    } catch (error) {
      if (!(error instanceof RepositoryDamagedError)) throw error;
      return { problems: [{ key: error.key, problem: `${error.message}.` }], checked: [] };
    }
  }

  /** Level 3: see `verifyContent`. */
  verifyContent(manifest: Manifest): Promise<VerifyReport> {
    return verifyContent(this.#context, manifest);
  }

  /** Whether the head of a machine is there and this data folder wrote it. */
  async isOwnWork(machine: string): Promise<boolean> {
    const { objects, journal, repositoryId } = this.#context;
    const loaded = await objects.readHead(machine, true).catch(() => null);
    return loaded !== null && (await journal.findAttempt(repositoryId, loaded.head.commitId)) !== null;
  }

  /** Removes a gone machine's folder; see `forgetMachine`. */
  forgetMachine(machine: string, clock: VersionVector | null): Promise<number> {
    return forgetMachine(this.#context, machine, clock);
  }
}

const NOTHING: VerifyReport = { problems: [], checked: [] };
