import type { CreatableBlobStore } from '../blob/blob-store.ts';
import { InvalidInputError } from '../errors/input-errors.ts';
import { REMOVAL_LIMIT } from '../memory/removal-budget.ts';
import type { ReplicaStore } from '../store/replica-store.ts';
import type { SecretString } from '../util/secret-string.ts';
import type {
  BackupApi,
  BackupRequest,
  BackupResult,
  PruneReport,
  PruneRequest,
  RestoreRequest,
  RestoreResult,
  SnapshotSummary,
  VerifyRequest,
  VerifyResult,
  WorkOptions,
} from './backup-api.ts';
import type { HeadSnapshot } from './format/head.ts';
import { isSnapshotKind, type RandomBytes, type SnapshotKind } from './format/names.ts';
import { LOCAL_REPOSITORY_ID, withOwnIdentity } from './own-identity.ts';
import type { WorkLock } from './ports.ts';
import { Keyring } from './repository/keyring.ts';
import { summarizeSnapshot } from './repository/list-snapshots.ts';
import { Repository } from './repository/repository.ts';
import type { RetentionPolicy } from './repository/retention.ts';
import { snapshotName } from './repository/snapshot-name.ts';
import { type ScratchStore, verifyRepository } from './repository/verify-repository.ts';
import { SnapshotRestorer } from './restore/snapshot-restorer.ts';

export interface BackupServiceParts {
  readonly replica: ReplicaStore;
  /** The local folder. The service creates it on first use and does not close it. */
  readonly store: CreatableBlobStore;
  /** Null: backups are not encrypted. */
  readonly keyring: Keyring | null;
  readonly lock: WorkLock;
  readonly retention: RetentionPolicy;
  /** See `SnapshotRestorerParts`. */
  readonly hidePurged?: boolean | undefined;
  /** Milliseconds since the epoch. */
  readonly now: () => number;
  readonly random?: RandomBytes | undefined;
  /** Opens an empty temporary store for restore drills. */
  readonly createScratch: () => Promise<ScratchStore>;
}

export interface WriteRequest extends BackupRequest {
  /** Reuse no stored object, because one of them is known to be damaged. */
  readonly fromScratch?: boolean;
}

/** How long a user's call waits for another process. */
export const LOCK_WAIT_MS = 60_000;
const PRUNE_EVERY_MS = 3_600_000;

/** Local backups; the one implementation of `BackupApi`. */
export class BackupService implements BackupApi {
  readonly #parts: BackupServiceParts;
  readonly #restorer: SnapshotRestorer;
  #folder: Promise<unknown> | null = null;
  #lastPrune = -Infinity;

  constructor(parts: BackupServiceParts) {
    this.#parts = parts;
    this.#restorer = new SnapshotRestorer({
      replica: parts.replica,
      repository: () => this.#ownRepository(),
      backupBefore: (kind) => this.backupBefore(kind),
      limit: REMOVAL_LIMIT,
      hidePurged: parts.hidePurged,
    });
  }

  backup(request: BackupRequest = {}, options: WorkOptions = {}): Promise<BackupResult> {
    return this.#locked(() => this.write(request, options));
  }

  /** Like `backup`, for background work. @throws BackupBusyError at once when another process works on the backups */
  tryBackup(request: BackupRequest = {}, options: WorkOptions = {}): Promise<BackupResult> {
    return this.#parts.lock.run(() => this.write(request, options), 0);
  }

  /** Like `backup`, for callers that hold the work lock already. */
  async write(request: WriteRequest = {}, options: WorkOptions = {}): Promise<BackupResult> {
    const kind = requestedKind(request.kind ?? 'manual');
    const { pinned = false, evenIfUnchanged = isMadeUnchanged(kind), fromScratch = false } = request;
    const { replica } = this.#parts;
    await this.#ready();
    const { outcome, snapshot, bytesWritten, machine, clock } = await withOwnIdentity(replica, async () => {
      options.signal?.throwIfAborted();
      const view = await replica.openView();
      try {
        const repository = this.repository(view.machine);
        const policy = kind.startsWith('pre_') ? undefined : this.#parts.retention;
        const how = { kind, pinned, evenIfUnchanged, fromScratch, policy, signal: options.signal };
        const result = await repository.writeSnapshot(view, how);
        return { ...result, machine: view.machine, clock: view.clock };
      } finally {
        await view.close();
      }
    });
    if (outcome === 'written' && !kind.startsWith('pre_')) await this.#pruneSometimes(machine);
    return { outcome, bytesWritten, snapshot: this.#summarize(snapshot, { machine, clock }) };
  }

  /**
   * Makes the snapshot that undoes the caller's next step. The caller holds the work lock.
   * @param youngerThanMs the newest snapshot serves when it is younger than this and includes every write of this machine
   */
  async backupBefore(kind: 'pre_restore' | 'pre_merge', youngerThanMs = 0): Promise<SnapshotSummary> {
    const newest = youngerThanMs === 0 ? null : await this.#newest(youngerThanMs);
    return newest ?? (await this.write({ kind })).snapshot;
  }

  /** The local repository, with `machine` as the owner of the folder that is written. */
  repository(machine: string): Repository {
    const { store, replica, keyring, now, random } = this.#parts;
    return new Repository({
      store,
      repositoryId: LOCAL_REPOSITORY_ID,
      exclusive: true,
      machine,
      journal: replica,
      keyring,
      now,
      ...(random === undefined ? {} : { random }),
    });
  }

  async list(): Promise<readonly SnapshotSummary[]> {
    const identity = await this.#parts.replica.identity();
    const { snapshots, machines } = await (await this.#ownRepository()).listSnapshots();
    // Without this, unreadable backups would look like no backups.
    const error = machines.find(({ machine }) => machine === identity.machine)?.error ?? null;
    if (error !== null) throw error;
    return snapshots.map((snapshot) => summarizeSnapshot(snapshot, identity));
  }

  restore(request: RestoreRequest, options: WorkOptions = {}): Promise<RestoreResult> {
    return this.#locked(() =>
      withOwnIdentity(this.#parts.replica, () => this.#restorer.restore(request, options)),
    );
  }

  setPinned(query: string, pinned: boolean): Promise<SnapshotSummary> {
    return this.#locked(async () => {
      const identity = await this.#parts.replica.identity();
      const repository = await this.#ownRepository();
      const snapshot = await repository.findSnapshot(query);
      if (snapshot.machine !== identity.machine) {
        const whose = `${snapshot.machine}/${snapshot.name} belongs to another machine`;
        throw new InvalidInputError('snapshot', whose, 'only snapshots of this machine can be pinned here');
      }
      await repository.setPinned(snapshot.snapshotId, pinned);
      return summarizeSnapshot({ ...snapshot, pinned }, identity);
    });
  }

  verify(request: VerifyRequest = {}, options: WorkOptions = {}): Promise<VerifyResult> {
    return this.#locked(async () => {
      const { replica, createScratch, now } = this.#parts;
      const { machine } = await replica.identity();
      const repository = await this.#ownRepository();
      const heal = async (): Promise<void> => {
        await this.write({ kind: 'auto', fromScratch: true }, options);
      };
      return verifyRepository({ repository, machine, replica, createScratch, heal, now }, request, options);
    });
  }

  prune({ policy = this.#parts.retention }: PruneRequest = {}): Promise<PruneReport> {
    return this.#locked(async () => {
      const identity = await this.#parts.replica.identity();
      const { dropped, ...others } = await (await this.#ownRepository()).prune(policy);
      return { ...others, dropped: dropped.map((snapshot) => this.#summarize(snapshot, identity)) };
    });
  }

  changePassphrase(next: SecretString): Promise<void> {
    return this.#locked(async () => {
      const repository = await this.#ownRepository();
      await repository.rewrapKeys(new Keyring({ passphrase: next }));
    });
  }

  #locked<Result>(work: () => Promise<Result>): Promise<Result> {
    return this.#parts.lock.run(work, LOCK_WAIT_MS);
  }

  async #ownRepository(): Promise<Repository> {
    await this.#ready();
    return this.repository((await this.#parts.replica.identity()).machine);
  }

  async #newest(youngerThanMs: number): Promise<SnapshotSummary | null> {
    const identity = await this.#parts.replica.identity();
    const { machine, clock } = identity;
    const { snapshots } = await (await this.#ownRepository()).listSnapshots();
    const newest = snapshots.findLast((snapshot) => snapshot.machine === machine);
    const isYoung = newest !== undefined && Math.abs(this.#parts.now() - newest.createdAt) < youngerThanMs;
    return isYoung && newest.clock[machine] === clock[machine] ? summarizeSnapshot(newest, identity) : null;
  }

  /** Creates the folder once. The next call tries again after a failure. */
  async #ready(): Promise<void> {
    this.#folder ??= this.#parts.store.createBucket();
    try {
      await this.#folder;
    } catch (error) {
      this.#folder = null;
      throw error;
    }
  }

  /** Prunes at most once an hour. A failure is ignored: the backup is complete, and a later call prunes again. */
  async #pruneSometimes(machine: string): Promise<void> {
    const { now, retention } = this.#parts;
    if (now() - this.#lastPrune < PRUNE_EVERY_MS) return;
    this.#lastPrune = now();
    await this.repository(machine)
      .prune(retention)
      .catch(() => undefined);
  }

  #summarize(snapshot: HeadSnapshot, identity: Parameters<typeof summarizeSnapshot>[1]): SnapshotSummary {
    const { machine } = identity;
    const sealed = this.#parts.keyring !== null;
    return summarizeSnapshot({ ...snapshot, machine, sealed, name: snapshotName(snapshot) }, identity);
  }
}

/** Kinds of the snapshots that the program makes by itself, and only when something changed. */
const AUTOMATIC = new Set(['auto', 'exit', 'scheduled', 'pre_merge', 'pre_delete', 'pre_import']);

/**
 * Turns a user's name for a backup into a kind: `Before upgrade` becomes `before_upgrade`.
 * @throws InvalidInputError
 */
function requestedKind(name: string): SnapshotKind {
  const kind = name
    .trim()
    .toLowerCase()
    .replace(/[\s_-]+/g, '_');
  if (isSnapshotKind(kind)) return kind;
  throw new InvalidInputError(
    'name',
    `is ${JSON.stringify(name.slice(0, 60).toWellFormed())}`,
    'use at most 32 of the letters a to z, digits, and _ between them, beginning with a letter',
  );
}

/** A backup that a user asked for is written even when nothing changed. */
function isMadeUnchanged(kind: SnapshotKind): boolean {
  return !AUTOMATIC.has(kind);
}
