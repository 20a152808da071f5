import type {
  PruneReport,
  PruneRequest,
  RestoreRequest,
  RestoreResult,
  SnapshotSummary,
  VerifyRequest,
  VerifyResult,
  WorkOptions,
} from '../backup/backup-api.ts';
import { LOCK_WAIT_MS, type BackupService } from '../backup/backup-service.ts';
import { believedClock, publishedWrites } from '../backup/claims.ts';
import { rememberGivenUp, withOwnIdentity } from '../backup/own-identity.ts';
import { type SnapshotList, summarizeSnapshot } from '../backup/repository/list-snapshots.ts';
import type { Repository } from '../backup/repository/repository.ts';
import type { RetentionPolicy } from '../backup/repository/retention.ts';
import { snapshotName } from '../backup/repository/snapshot-name.ts';
import { REMOVAL_LIMIT, SnapshotRestorer } from '../backup/restore/snapshot-restorer.ts';
import { verifyRepository, type ScratchStore } from '../backup/repository/verify-repository.ts';
import type { WorkLock } from '../backup/ports.ts';
import type { ProbeReport } from '../blob/probe/probe-finding.ts';
import { SyncOffError } from '../errors/remote-errors.ts';
import { compareVersionVectors, joinVersionVectors, MAX_COUNTER } from '../memory/version.ts';
import { settleWithin } from '../util/concurrency.ts';
import { describeSync, findMachine, machineStatuses } from './status.ts';
import { pushSnapshots } from './push-snapshots.ts';
import { RemoteRepository, type RemoteRepositoryParts } from './remote.ts';
import type { CounterReport, MachineStatus, PushResult, SyncApi, SyncStatus } from './sync-api.ts';
import { SyncNotes, SyncObserver } from './notes.ts';

export interface SyncServiceParts extends RemoteRepositoryParts {
  readonly backup: BackupService;
  readonly mode: 'backup' | 'merge';
  readonly lock: WorkLock;
  readonly retention: RetentionPolicy;
  readonly createScratch: () => Promise<ScratchStore>;
  /** Tries the settings; null when no bucket is set. */
  readonly probe: ((options: WorkOptions) => Promise<ProbeReport>) | null;
  /** Characters of a text that may be added here; larger memories of others are reported. */
  readonly textLimit?: number | undefined;
  /** How long a status waits for the remote, in milliseconds; default 15 s. */
  readonly statusWaitMs?: number | undefined;
}

export interface PushOptions extends WorkOptions {
  /** How long to wait for another process; default as long as a user waits. */
  readonly waitMs?: number;
}

/** Retries go on for minutes; whoever asks for a status has given up by then. */
const STATUS_WAIT_MS = 15_000;
const PRUNE_EVERY_MS = 24 * 3_600_000;

/** The remote side; the one implementation of `SyncApi`. */
export class SyncService implements SyncApi {
  readonly #parts: SyncServiceParts;
  readonly #remote: RemoteRepository;
  readonly #restorer: SnapshotRestorer;
  readonly #observer: SyncObserver;
  readonly notes: SyncNotes;
  #writesOfProcess = 0;

  constructor(parts: SyncServiceParts) {
    this.#parts = parts;
    this.#remote = new RemoteRepository(parts);
    this.notes = new SyncNotes(parts.replica, parts.repositoryId);
    this.#observer = new SyncObserver(this.notes, parts.now);
    this.#restorer = new SnapshotRestorer({
      replica: parts.replica,
      repository: () => this.#remote.own(),
      backupBefore: (kind) => parts.backup.backupBefore(kind),
      limit: REMOVAL_LIMIT,
      textLimit: parts.textLimit,
    });
  }

  get enabled(): boolean {
    return this.#remote.enabled;
  }

  async status({ offline = false }: { readonly offline?: boolean } & WorkOptions = {}): Promise<SyncStatus> {
    const { replica, mode, keyring } = this.#parts;
    if (this.enabled) await this.decideEmptyStart();
    const location = await this.#remote.location();
    const machines = this.enabled && !offline ? await this.#machinesInTime() : [];
    return describeSync({
      identity: await replica.identity(),
      note: await this.notes.read(),
      machines,
      facts: { enabled: this.enabled, mode, encrypted: keyring !== null, location },
    });
  }

  push(options: PushOptions = {}): Promise<PushResult> {
    return this.#observer.writing(async () => {
      await this.#mergeBeforeFirstPush(options);
      return this.#locked(() => this.#push(options, new Set()), options.waitMs);
    });
  }

  pull({ confirm, ...options }: PushOptions & { readonly confirm?: string } = {}): Promise<RestoreResult> {
    return this.restore({ mode: 'merge', ...(confirm === undefined ? {} : { confirm }) }, options);
  }

  async snapshots(): Promise<readonly SnapshotSummary[]> {
    const { snapshots, machines } = await this.#observer.reading(() => this.#list());
    const unread = machines.find(({ error }) => error !== null)?.error;
    // Backups that cannot be read must not look like none.
    if (snapshots.length === 0 && unread != null) throw unread;
    const identity = await this.#parts.replica.identity();
    return snapshots.map((snapshot) => summarizeSnapshot(snapshot, identity));
  }

  restore(request: RestoreRequest, options: PushOptions = {}): Promise<RestoreResult> {
    return this.#observer.reading(async () => {
      if (this.enabled) await this.decideEmptyStart();
      const result = await this.#locked(
        () => withOwnIdentity(this.#parts.replica, () => this.#restorer.restore(request, options)),
        options.waitMs,
      );
      const everything = request.mode === 'merge' && request.snapshot === undefined;
      const { unread, complete } = everything
        ? await this.#lookAfter(result)
        : { unread: [], complete: false };
      if (request.dryRun !== true) await this.#remember(request, result, complete);
      const warnings = [...(result.warnings ?? []), ...unread];
      return warnings.length === 0 ? result : { ...result, warnings };
    });
  }

  verify(request: VerifyRequest = {}, options: WorkOptions = {}): Promise<VerifyResult> {
    const { replica, createScratch, now } = this.#parts;
    return this.#observer.reading(() =>
      this.#locked(() =>
        withOwnIdentity(replica, async (machine) => {
          const heal = async (suspect: ReadonlySet<string>): Promise<void> => {
            await this.#push(options, suspect);
          };
          const repository = await this.#remote.of(machine);
          return verifyRepository(
            { repository, machine, replica, createScratch, heal, now },
            request,
            options,
          );
        }),
      ),
    );
  }

  prune({ policy = this.#parts.retention }: PruneRequest = {}): Promise<PruneReport> {
    const { replica, keyring, now } = this.#parts;
    return this.#observer.writing(() =>
      this.#locked(() =>
        withOwnIdentity(replica, async (machine) => {
          const { dropped, ...others } = await (await this.#remote.of(machine)).prune(policy);
          await this.notes.change({ lastPrune: now(), appendOnly: others.appendOnly });
          const identity = await replica.identity();
          const about = { machine, sealed: keyring !== null };
          const summaries = dropped.map((snapshot) =>
            summarizeSnapshot({ ...snapshot, ...about, name: snapshotName(snapshot) }, identity),
          );
          return { ...others, dropped: summaries };
        }),
      ),
    );
  }

  /** Asks the remote what all machines show, and remembers it. */
  machines(): Promise<readonly MachineStatus[]> {
    const { replica, now } = this.#parts;
    return this.#observer.reading(async () =>
      machineStatuses(await this.#list(), await replica.identity(), now()),
    );
  }

  forgetMachine(query: string, { unmerged = false }: { unmerged?: boolean } = {}): Promise<number> {
    return this.#observer.writing(() =>
      this.#locked(async () => {
        const repository = await this.#remote.own();
        const { machines } = await repository.listSnapshots();
        const machine = findMachine(
          query,
          machines.map((report) => report.machine),
        );
        const { clock } = await this.#parts.replica.identity();
        return repository.forgetMachine(machine, unmerged ? null : clock);
      }),
    );
  }

  doctor(options: WorkOptions = {}): Promise<ProbeReport> {
    const { probe } = this.#parts;
    return probe === null ? Promise.reject(new SyncOffError()) : probe(options);
  }

  repairCounters({ fix = false }: { readonly fix?: boolean } = {}): Promise<CounterReport> {
    return this.#locked(async () => {
      const { replica } = this.#parts;
      const list = this.enabled ? await this.#list().catch(() => null) : null;
      const { machine, clock } = await replica.identity();
      const { [machine]: made = 0 } = clock;
      const claimedByOthers = (list?.machines ?? []).flatMap(({ machine: other, head }) => {
        const claimed = head?.head.snapshots.at(-1)?.clock[machine] ?? 0;
        // No copy of this folder can have made more than any machine.
        const isPossible = claimed > made && claimed <= MAX_COUNTER && other !== machine;
        return isPossible ? [{ machine: other, claimed }] : [];
      });
      const newIdentity = claimedByOthers.length > 0;
      const request = { published: publishedWrites(list?.machines ?? []), newIdentity };
      const { counters } = await replica.repairVector({ ...request, fix: false });
      const own = counters.find((counter) => counter.own);
      if (fix && (newIdentity || own !== undefined)) {
        await rememberGivenUp(replica, machine, own?.believed ?? 0);
        await this.notes.change({ retiring: [...(await this.notes.read()).retiring, machine] });
      }
      return { ...(await replica.repairVector({ ...request, fix })), claimedByOthers };
    });
  }

  createBucket(): Promise<'created' | 'existed'> {
    return this.#remote.createBucket();
  }

  /** Hears of writes of this process, which do not make the store one that held something before. */
  noteWrites(count: number): void {
    this.#writesOfProcess += count;
  }

  /** Whether the store held nothing when sync was on first; decided once. */
  async decideEmptyStart(): Promise<void> {
    const { emptyStart } = await this.notes.read();
    if (emptyStart !== null) return;
    const { machine, clock } = await this.#parts.replica.identity();
    const { [machine]: own = 0, ...others } = clock;
    const empty = own <= this.#writesOfProcess && Object.keys(others).length === 0;
    await this.notes.change({ emptyStart: empty ? 'pending' : 'not-needed' });
  }

  /** The store was empty at first, and not all that is at the remote was merged yet. */
  async isEmptyStartPending(): Promise<boolean> {
    if (!this.enabled) return false;
    await this.decideEmptyStart();
    return (await this.notes.read()).emptyStart === 'pending';
  }

  /** The remote lacks writes of this machine, or that is not known. False when sync is off. */
  async hasUnsentWrites(): Promise<boolean> {
    if (!this.enabled) return false;
    const { machine, clock } = await this.#parts.replica.identity();
    const { remoteClock } = await this.notes.read();
    return remoteClock === null || (clock[machine] ?? 0) > (remoteClock[machine] ?? 0);
  }

  close(): Promise<void> {
    return this.#remote.close();
  }

  async #machinesInTime(): Promise<readonly MachineStatus[]> {
    const { statusWaitMs = STATUS_WAIT_MS } = this.#parts;
    const machines = await settleWithin(this.machines(), statusWaitMs).catch(() => []);
    if (machines === undefined) await this.#observer.noAnswer(statusWaitMs);
    return machines ?? [];
  }

  /** What is there comes first, so that nothing empty is published that looks newer than it. */
  async #mergeBeforeFirstPush(options: PushOptions): Promise<void> {
    if (!(await this.isEmptyStartPending())) return;
    try {
      await this.pull(options);
    } catch (error) {
      const { clock } = await this.#parts.replica.identity();
      // What was written here meanwhile must be published all the same.
      if (Object.keys(clock).length === 0) throw error;
    }
  }

  #push(options: WorkOptions, suspect: ReadonlySet<string>): Promise<PushResult> {
    const { replica, backup, retention, now } = this.#parts;
    return withOwnIdentity(replica, async () => {
      const request = { ...options, backup, remote: this.#remote, retention, suspect };
      const { result, clock, repository } = await pushSnapshots(request);
      const { remoteClock } = await this.notes.read();
      const known = remoteClock ?? believedClock(await repository.listSnapshots(), repository.machine);
      await this.notes.change({
        lastPush: { value: { snapshot: result.snapshot.name }, at: now() },
        remoteClock: joinVersionVectors(known, clock),
      });
      await this.#retire(repository);
      await this.#pruneSometimes(repository);
      return result;
    });
  }

  /**
   * After a repair everything was published under the new name, so what this folder itself published under the old
   * one can go: others refuse it. Of a copy that goes on under the old name it is left alone.
   */
  async #retire(repository: Repository): Promise<void> {
    const { retiring } = await this.notes.read();
    if (retiring.length === 0) return;
    for (const machine of retiring) {
      if (await repository.isOwnWork(machine)) await repository.forgetMachine(machine, null);
    }
    await this.notes.change({ retiring: [] });
  }

  /** What cannot be pruned now is pruned later; the push itself is complete. */
  async #pruneSometimes(repository: Repository): Promise<void> {
    const { now, retention } = this.#parts;
    const { lastPrune } = await this.notes.read();
    // A clock that was set back must not stop it for ever.
    if (lastPrune !== null && Math.abs(now() - lastPrune) < PRUNE_EVERY_MS) return;
    await this.notes.change({ lastPrune: now() });
    const pruned = await repository.prune(retention).catch(() => null);
    if (pruned !== null) await this.notes.change({ appendOnly: pruned.appendOnly });
  }

  /**
   * Which machines' backups could not be looked at, as sentences, and whether all that is there is here now.
   * @throws the reason when because of that there was nothing to merge at all
   */
  async #lookAfter({ snapshots, changes }: RestoreResult): Promise<{ unread: string[]; complete: boolean }> {
    const { machine: own, clock } = await this.#parts.replica.identity();
    const list = await this.#list().catch((error: unknown) => {
      // What was merged must not look like a failure because the remote was lost afterwards.
      if (changes?.applied === true) return null;
      throw error;
    });
    if (list === null) return { unread: [], complete: false };
    const unread = list.machines.flatMap(({ machine, error }) =>
      error === null || machine === own ? [] : [{ machine, error }],
    );
    const [first] = unread;
    const readable = snapshots.length > 0 || list.snapshots.some(({ machine }) => machine !== own);
    if (first !== undefined && !readable) throw first.error;
    const order = compareVersionVectors(believedClock(list, own), clock);
    return {
      unread: unread.map(
        ({ machine, error }) => `Nothing of machine ${machine} was merged: ${error.message}.`,
      ),
      complete: unread.length === 0 && (order === 'equal' || order === 'before'),
    };
  }

  async #remember(request: RestoreRequest, result: RestoreResult, complete: boolean): Promise<void> {
    const at = this.#parts.now();
    const held = result.changes?.held === true;
    const merge = request.mode === 'merge';
    const { emptyStart } = await this.notes.read();
    const done = merge && request.snapshot === undefined && complete && !held && emptyStart === 'pending';
    await this.notes.change({
      ...(held ? {} : { lastPull: { value: { snapshots: result.snapshots.length }, at } }),
      ...(merge ? { heldMerge: held ? { removed: result.changes.removed.count, at } : null } : {}),
      ...(done ? { emptyStart: 'done' } : {}),
    });
  }

  /** Asks for all heads, and remembers what they include. */
  async #list(): Promise<SnapshotList> {
    const repository = await this.#remote.own();
    const list = await repository.listSnapshots();
    await this.notes.change({ remoteClock: believedClock(list, repository.machine) });
    return list;
  }

  #locked<Result>(work: () => Promise<Result>, waitMs = LOCK_WAIT_MS): Promise<Result> {
    return this.#parts.lock.run(work, waitMs);
  }
}
