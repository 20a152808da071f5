import type { PruneReport, PruneRequest } from '../backup/backup-api.ts';
import type { RestoreRequest, RestoreResult, SnapshotSummary } from '../backup/backup-api.ts';
import type { VerifyRequest, VerifyResult, WorkOptions } from '../backup/backup-api.ts';
import { LOCK_WAIT_MS, type BackupService } from '../backup/backup-service.ts';
import type { Keyring } from '../backup/keyring.ts';
import type { SnapshotList } from '../backup/list-snapshots.ts';
import { withOwnIdentity } from '../backup/own-identity.ts';
import type { RandomBytes } from '../backup/random-bytes.ts';
import { Repository } from '../backup/repository.ts';
import type { RetentionPolicy } from '../backup/retention.ts';
import { snapshotName } from '../backup/snapshot-name.ts';
import { REMOVAL_LIMIT, SnapshotRestorer } from '../backup/snapshot-restorer.ts';
import { summarizeSnapshot } from '../backup/snapshot-summary.ts';
import { verifyRepository, type ScratchStore } from '../backup/verify-repository.ts';
import type { WorkLock } from '../backup/work-lock.ts';
import type { ProbeReport } from '../blob/probe-finding.ts';
import { InvalidInputError } from '../errors/invalid-input-error.ts';
import { SyncOffError } from '../errors/sync-off-error.ts';
import { joinClocks, type Clock } from '../memory/version.ts';
import type { ReplicaStore } from '../store/replica-store.ts';
import { machineStatuses } from './machine-status.ts';
import { RemoteSession, type RemoteAccess } from './remote-session.ts';
import { describeSync } from './status.ts';
import type { MachineStatus, PushResult, SyncApi, SyncStatus } from './sync-api.ts';
import { SyncNotes } from './sync-notes.ts';
import { isUnreachable, observedProblem } from './sync-problem.ts';

export interface SyncServiceParts {
  readonly replica: ReplicaStore;
  readonly backup: BackupService;
  /** Null when no bucket is set. */
  readonly access: RemoteAccess | null;
  readonly enabled: boolean;
  readonly mode: 'backup' | 'merge';
  /** Names the remote in the journal: the same when keys or spelling change, another for another bucket. */
  readonly place: string;
  readonly lock: WorkLock;
  readonly keyring: Keyring | null;
  readonly retention: RetentionPolicy;
  /** Milliseconds since the epoch. */
  readonly now: () => number;
  readonly random?: RandomBytes | undefined;
  readonly createScratch: () => Promise<ScratchStore>;
  /** Tries the settings; null when no bucket is set. */
  readonly probe: ((options: WorkOptions) => Promise<ProbeReport>) | null;
}

export interface PushOptions extends WorkOptions {
  /** How long to wait for another process; default as long as a user waits. */
  readonly waitMs?: number;
}

const PRUNE_EVERY_MS = 24 * 3_600_000;
const MIN_MACHINE_PREFIX = 4;

/** The remote side; the one implementation of `SyncApi`. */
export class SyncService implements SyncApi {
  readonly #parts: SyncServiceParts;
  readonly #session: RemoteSession;
  readonly #restorer: SnapshotRestorer;
  readonly notes: SyncNotes;

  constructor(parts: SyncServiceParts) {
    this.#parts = parts;
    this.#session = new RemoteSession(parts.access);
    this.notes = new SyncNotes(parts.replica, parts.place);
    this.#restorer = new SnapshotRestorer({
      replica: parts.replica,
      repository: () => this.#remote(),
      backupBefore: (kind) => parts.backup.backupBefore(kind),
      limit: REMOVAL_LIMIT,
    });
  }

  get enabled(): boolean {
    return this.#parts.enabled && this.#parts.access !== null;
  }

  async status({ offline = false }: { readonly offline?: boolean } & WorkOptions = {}): Promise<SyncStatus> {
    const { replica, now, mode, keyring } = this.#parts;
    let machines: readonly MachineStatus[] = [];
    let location: string | null = null;
    if (this.enabled) {
      await this.decideEmptyStart();
      location = await this.#session.store().then(
        (store) => store.location,
        () => null,
      );
      if (!offline) machines = await this.#look().catch(() => []);
    }
    return describeSync({
      identity: await replica.identity(),
      note: await this.notes.read(),
      machines,
      facts: { enabled: this.enabled, mode, encrypted: keyring !== null, location },
      at: now(),
    });
  }

  push(options: PushOptions = {}): Promise<PushResult> {
    return this.#observed(() =>
      this.#locked(() => this.#push(options, new Set()), options.waitMs ?? LOCK_WAIT_MS),
    );
  }

  pull({ confirm, ...options }: PushOptions & { readonly confirm?: string } = {}): Promise<RestoreResult> {
    return this.restore({ mode: 'merge', ...(confirm === undefined ? {} : { confirm }) }, options);
  }

  async snapshots(): Promise<readonly SnapshotSummary[]> {
    const identity = await this.#parts.replica.identity();
    const { snapshots } = await this.#observed(() => this.#list());
    return snapshots.map((snapshot) => summarizeSnapshot(snapshot, identity));
  }

  restore(request: RestoreRequest, options: PushOptions = {}): Promise<RestoreResult> {
    const { replica, now } = this.#parts;
    return this.#observed(async () => {
      if (request.mode === 'merge' && request.snapshot === undefined) await this.decideEmptyStart();
      const result = await this.#locked(
        () => withOwnIdentity(replica, () => this.#restorer.restore(request, options)),
        options.waitMs ?? LOCK_WAIT_MS,
      );
      if (request.dryRun === true) return result;
      const held = result.changes?.held === true;
      const removed = result.changes?.removed.count ?? 0;
      await this.notes.change({
        heldMerge: held ? { removed, at: now() } : null,
        ...(held ? {} : { lastPull: { value: { snapshots: result.snapshots.length }, at: now() } }),
      });
      if (request.mode === 'merge' && request.snapshot === undefined && !held) await this.#finishEmptyStart();
      return result;
    });
  }

  verify(request: VerifyRequest = {}, options: WorkOptions = {}): Promise<VerifyResult> {
    const { replica, createScratch, now } = this.#parts;
    return this.#observed(() =>
      this.#locked(async () => {
        const { machine } = await replica.identity();
        const heal = async (suspect: ReadonlySet<string>): Promise<void> => {
          await this.#push(options, suspect);
        };
        const repository = await this.#remote();
        return verifyRepository({ repository, machine, replica, createScratch, heal, now }, request, options);
      }, LOCK_WAIT_MS),
    );
  }

  prune({ policy = this.#parts.retention }: PruneRequest = {}): Promise<PruneReport> {
    return this.#observed(() =>
      this.#locked(async () => {
        const identity = await this.#parts.replica.identity();
        const sealed = this.#parts.keyring !== null;
        const { dropped, ...others } = await (await this.#remote()).prune(policy);
        await this.notes.change({ lastPrune: this.#parts.now() });
        const { machine } = identity;
        return {
          ...others,
          dropped: dropped.map((snapshot) =>
            summarizeSnapshot({ ...snapshot, machine, sealed, name: snapshotName(snapshot) }, identity),
          ),
        };
      }, LOCK_WAIT_MS),
    );
  }

  machines(): Promise<readonly MachineStatus[]> {
    return this.#observed(() => this.#look());
  }

  forgetMachine(query: string): Promise<number> {
    return this.#observed(() =>
      this.#locked(async () => {
        const repository = await this.#remote();
        const { machines } = await repository.listSnapshots();
        const found = machines.filter(
          ({ machine }) =>
            machine === query || (query.length >= MIN_MACHINE_PREFIX && machine.startsWith(query)),
        );
        const [only, ...others] = found;
        if (only === undefined || others.length > 0) {
          const problem = only === undefined ? 'is no machine in the remote' : 'fits several machines';
          throw new InvalidInputError(
            'machine',
            `${JSON.stringify(query.slice(0, 40))} ${problem}`,
            `there are ${machines.map(({ machine }) => machine).join(', ')}`,
          );
        }
        const { clock } = await this.#parts.replica.identity();
        return repository.forgetMachine(only.machine, clock);
      }, LOCK_WAIT_MS),
    );
  }

  doctor(options: WorkOptions = {}): Promise<ProbeReport> {
    const { probe } = this.#parts;
    return probe === null ? Promise.reject(new SyncOffError()) : probe(options);
  }

  async createBucket(): Promise<'created' | 'existed'> {
    return (await this.#session.plain()).createBucket();
  }

  /** Whether the store never held anything, decided once, before anything can be written. */
  async decideEmptyStart(): Promise<void> {
    const { emptyStart } = await this.notes.read();
    if (emptyStart !== null) return;
    const { clock } = await this.#parts.replica.identity();
    const empty = Object.keys(clock).length === 0;
    await this.notes.change({ emptyStart: empty ? 'pending' : 'not-needed' });
  }

  close(): Promise<void> {
    return this.#session.close();
  }

  async #push(options: WorkOptions, suspect: ReadonlySet<string>): Promise<PushResult> {
    const { replica, backup, retention, now } = this.#parts;
    return withOwnIdentity(replica, async () => {
      await this.#store();
      const { snapshot } = await backup.write({ kind: 'auto' }, options);
      options.onProgress?.({ step: 'uploading', done: 0 });
      const remote = await this.#repositoryOf(snapshot.machine);
      const copied = await backup.repository(snapshot.machine).copyTo(remote, { policy: retention, suspect });
      const lastPush = { value: { snapshot: snapshot.name }, at: now() };
      const { remoteClock } = await this.notes.read();
      // The newest snapshot is copied first.
      const pushed = copied.copied[0]?.clock ?? {};
      await this.notes.change({
        lastPush,
        remoteClock: remoteClock === null ? null : joinClocks(remoteClock, pushed),
      });
      await this.#pruneSometimes(remote);
      return {
        outcome: copied.outcome === 'copied' ? 'pushed' : 'unchanged',
        snapshot,
        snapshotsPushed: copied.copied.length,
        bytes: copied.bytesWritten,
        objects: copied.objectsWritten,
        skipped: copied.skipped.map(({ snapshotId }) => snapshotId),
      };
    });
  }

  /** What cannot be pruned now is pruned later; the push itself is complete. */
  async #pruneSometimes(remote: Repository): Promise<void> {
    const { now, retention } = this.#parts;
    const { lastPrune } = await this.notes.read();
    // A clock that was set back must not stop it for ever.
    if (lastPrune !== null && Math.abs(now() - lastPrune) < PRUNE_EVERY_MS) return;
    await this.notes.change({ lastPrune: now() });
    await remote.prune(retention).catch(() => undefined);
  }

  /** The empty start is over when every machine's snapshots could be read. */
  async #finishEmptyStart(): Promise<void> {
    if ((await this.notes.read()).emptyStart !== 'pending') return;
    const { machines } = await this.#list();
    const failed = machines.find(({ error }) => error !== null);
    if (failed?.error === undefined || failed.error === null) {
      await this.notes.change({ emptyStart: 'done' });
      return;
    }
    throw failed.error;
  }

  async #list(): Promise<SnapshotList> {
    return (await this.#remote()).listSnapshots();
  }

  /** Asks the remote what all machines show, and remembers it. */
  async #look(): Promise<readonly MachineStatus[]> {
    const { replica, now } = this.#parts;
    return this.#observed(async () => {
      const machines = machineStatuses(await this.#list(), await replica.identity(), now());
      const remoteClock = machines.reduce<Clock>((joined, { clock }) => joinClocks(joined, clock), {});
      await this.notes.change({ remoteClock });
      return machines;
    });
  }

  async #remote(): Promise<Repository> {
    return this.#repositoryOf((await this.#parts.replica.identity()).machine);
  }

  async #store(): ReturnType<RemoteSession['store']> {
    if (!this.enabled) throw new SyncOffError();
    return this.#session.store();
  }

  async #repositoryOf(machine: string): Promise<Repository> {
    const { place, replica, keyring, now, random } = this.#parts;
    const store = await this.#store();
    const options = { store, place, machine, journal: replica, keyring, now };
    return new Repository(random === undefined ? options : { ...options, random });
  }

  #locked<Result>(work: () => Promise<Result>, waitMs: number): Promise<Result> {
    return this.#parts.lock.run(work, waitMs);
  }

  /** Remembers whether the remote answered, and what went wrong. */
  async #observed<Result>(work: () => Promise<Result>): Promise<Result> {
    const { now } = this.#parts;
    try {
      const result = await work();
      await this.notes.change({ reachable: { value: true, at: now() }, problem: null });
      return result;
    } catch (error) {
      const problem = observedProblem(error, now());
      if (problem !== null) {
        const reachable = { value: !isUnreachable(error), at: now() };
        await this.notes.change({ reachable, problem });
      }
      throw error;
    }
  }
}
