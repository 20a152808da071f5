import type {
  BackupResult,
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
import { rememberAbandoned } from '../backup/own-identity.ts';
import { summarizeSnapshot } from '../backup/repository/list-snapshots.ts';
import type { Repository } from '../backup/repository/repository.ts';
import type { RetentionPolicy } from '../backup/repository/retention.ts';
import { snapshotName } from '../backup/repository/snapshot-name.ts';
import { SnapshotRestorer } from '../backup/restore/snapshot-restorer.ts';
import { differingSnapshots } from '../backup/restore/equal-vectors.ts';
import { verifyRepository, type ScratchStore } from '../backup/repository/verify-repository.ts';
import type { WorkLock } from '../backup/ports.ts';
import type { ProbeReport } from '../blob/probe/probe-finding.ts';
import { SyncOffError } from '../errors/remote-errors.ts';
import { REMOVAL_LIMIT } from '../memory/removal-budget.ts';
import { joinVersionVectors, MAX_COUNTER } from '../memory/version.ts';
import { settleWithin } from '../util/concurrency.ts';
import { FormerIds } from './former-ids.ts';
import { describeSync, findMachine, machineStatuses } from './status.ts';
import { pushSnapshots } from './push-snapshots.ts';
import { type Look, RemoteHeads } from './remote-heads.ts';
import { RemoteRepository, type RemoteRepositoryParts } from './remote.ts';
import { TrafficMeter } from './traffic.ts';
import type { CounterReport, MachineStatus, PushResult, SyncApi, SyncStatus } from './sync-api.ts';
import { SyncNotes, SyncObserver } from './notes.ts';

export interface SyncServiceParts extends RemoteRepositoryParts {
  readonly backup: BackupService;
  readonly mode: 'backup' | 'merge';
  readonly lock: WorkLock;
  readonly retention: RetentionPolicy;
  readonly createScratch: () => Promise<ScratchStore>;
  /** Tries the settings; null when no bucket is configured. */
  readonly probe: ((options: WorkOptions) => Promise<ProbeReport>) | null;
  /** Longest text that this machine accepts, in UTF-16 code units; larger memories of other machines are reported. */
  readonly textLimit?: number | undefined;
  /** See `SnapshotRestorerParts`. */
  readonly hidePurged?: boolean | undefined;
  /** Time that a status waits for the remote, in milliseconds; default 15 s. */
  readonly statusWaitMs?: number | undefined;
}

export interface PushOptions extends WorkOptions {
  /** Time to wait for another process that backs up or syncs, in milliseconds; default `LOCK_WAIT_MS`. */
  readonly waitMs?: number;
  /** True for a merge in the background. Many in a row share the snapshot that undoes them. */
  readonly automatic?: boolean;
  /** See `SyncApi.push`. */
  readonly made?: BackupResult | undefined;
}

/** Shorter than the retries of a request, because users do not wait minutes for a status. */
const STATUS_WAIT_MS = 15_000;
/** Merges in the background that follow each other share the snapshot that undoes them for this time. */
const UNDO_EVERY_MS = 5 * 60_000;
const PRUNE_EVERY_MS = 24 * 3_600_000;

/** The implementation of `SyncApi`. */
export class SyncService implements SyncApi {
  readonly #parts: SyncServiceParts;
  readonly #remote: RemoteRepository;
  readonly #restorer: SnapshotRestorer;
  /** For merges in the background. */
  readonly #merger: SnapshotRestorer;
  readonly #observer: SyncObserver;
  readonly #formerIds: FormerIds;
  readonly #heads: RemoteHeads;
  readonly #traffic: TrafficMeter;
  readonly notes: SyncNotes;
  #writesOfProcess = 0;

  constructor(parts: SyncServiceParts) {
    this.#parts = parts;
    this.#traffic = new TrafficMeter(parts);
    this.#remote = new RemoteRepository(parts, this.#traffic.count);
    this.notes = new SyncNotes(parts.replica, parts.repositoryId);
    this.#formerIds = new FormerIds({ ...parts, remote: this.#remote, notes: this.notes });
    this.#observer = new SyncObserver(this.notes, parts.now);
    const { replica, now } = parts;
    this.#heads = new RemoteHeads({ remote: this.#remote, replica, notes: this.notes, now });
    const restorer = {
      replica,
      repository: () => this.#remote.own(),
      limit: REMOVAL_LIMIT,
      textLimit: parts.textLimit,
      hidePurged: parts.hidePurged,
    };
    this.#restorer = new SnapshotRestorer({
      ...restorer,
      backupBefore: (kind) => parts.backup.backupBefore(kind),
    });
    this.#merger = new SnapshotRestorer({
      ...restorer,
      backupBefore: (kind) => parts.backup.backupBefore(kind, UNDO_EVERY_MS),
    });
  }

  get enabled(): boolean {
    return this.#remote.enabled;
  }

  async status({
    offline = false,
    ...work
  }: { readonly offline?: boolean } & WorkOptions = {}): Promise<SyncStatus> {
    const { replica, mode, keyring } = this.#parts;
    if (this.enabled) await this.decideEmptyStart();
    const location = await this.#remote.location();
    const machines = this.enabled && !offline ? await this.#machinesInTime(work) : [];
    return describeSync({
      identity: await replica.identity(),
      note: await this.notes.read(),
      traffic: this.enabled ? await this.#traffic.ofMonth() : null,
      machines,
      facts: { enabled: this.enabled, mode, encrypted: keyring !== null, location },
    });
  }

  push(options: PushOptions = {}): Promise<PushResult> {
    return this.#observer.writing(async () => {
      const merged = await this.#mergeBeforeFirstPush(options);
      // A backup of the time before the merge lacks the memories that came with it.
      const { made, ...others } = options;
      return this.#locked(() => this.#push(merged ? others : { ...others, made }, new Set()), options.waitMs);
    });
  }

  pull({ confirm, ...options }: PushOptions & { readonly confirm?: string } = {}): Promise<RestoreResult> {
    return this.restore({ mode: 'merge', ...(confirm === undefined ? {} : { confirm }) }, options);
  }

  async snapshots(options: WorkOptions = {}): Promise<readonly SnapshotSummary[]> {
    const { snapshots, machines } = await this.#observer.reading(() => this.#heads.list(options));
    const unread = machines.find(({ error }) => error !== null)?.error;
    // Unreadable backups must not look like an empty remote.
    if (snapshots.length === 0 && unread != null) throw unread;
    const identity = await this.#parts.replica.identity();
    return snapshots.map((snapshot) => summarizeSnapshot(snapshot, identity));
  }

  restore(request: RestoreRequest, options: PushOptions = {}): Promise<RestoreResult> {
    return this.#observer.reading(async () => {
      if (this.enabled) await this.decideEmptyStart();
      const restorer = options.automatic === true ? this.#merger : this.#restorer;
      const result = await this.#locked(
        () => this.#formerIds.asOwn(() => restorer.restore(request, options)),
        options.waitMs,
      );
      const everything = request.mode === 'merge' && request.snapshot === undefined;
      const { unread, complete } = everything
        ? await this.#heads.after(result)
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
        this.#formerIds.asOwn(async (machine) => {
          const heal = async (suspect: ReadonlySet<string>): Promise<void> => {
            await this.#push(options, suspect);
          };
          const repository = await this.#remote.of(machine);
          const parts = { repository, machine, replica, createScratch, heal, now };
          const result = await verifyRepository(parts, request, options);
          const former = request.snapshot === undefined ? await this.#formerIds.problems(machine) : [];
          return { ...result, problems: [...result.problems, ...former] };
        }),
      ),
    );
  }

  prune({ policy = this.#parts.retention }: PruneRequest = {}): Promise<PruneReport> {
    const { replica, keyring, now } = this.#parts;
    return this.#observer.writing(() =>
      this.#locked(() =>
        this.#formerIds.asOwn(async (machine) => {
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

  /** Reads the heads of all machines from the remote, and notes their version vector. */
  machines(options: WorkOptions = {}): Promise<readonly MachineStatus[]> {
    const { replica, now } = this.#parts;
    return this.#observer.reading(async () => {
      const list = await this.#heads.list(options);
      const repository = await this.#remote.own();
      const differing = await differingSnapshots({ replica, repository }, list, options);
      const different = new Set(differing.map(({ machine }) => machine));
      const { machines: seen } = await this.notes.read();
      const statuses = machineStatuses(list, await replica.identity(), { at: now(), seen });
      return statuses.map((status) => ({ ...status, differs: different.has(status.machine) }));
    });
  }

  forgetMachine(query: string, { unmerged = false }: { unmerged?: boolean } = {}): Promise<number> {
    return this.#observer.writing(() =>
      this.#locked(async () => {
        const repository = await this.#remote.own();
        const { machines } = await this.#heads.list();
        const machine = findMachine(
          query,
          machines.map((report) => report.machine),
        );
        const { clock } = await this.#parts.replica.identity();
        const deleted = await repository.forgetMachine(machine, unmerged ? null : clock);
        await this.notes.forgetMachine(machine);
        return deleted;
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
      const list = this.enabled ? await this.#heads.list().catch(() => null) : null;
      const { machine, clock } = await replica.identity();
      const { [machine]: made = 0 } = clock;
      const claimedByOthers = (list?.machines ?? []).flatMap(({ machine: other, head }) => {
        const claimed = head?.head.snapshots.at(-1)?.clock[machine] ?? 0;
        // A claim above the highest allowed number is damage, not a copy of this data folder.
        const isPossible = claimed > made && claimed <= MAX_COUNTER && other !== machine;
        return isPossible ? [{ machine: other, claimed }] : [];
      });
      const newIdentity = claimedByOthers.length > 0;
      const request = { published: publishedWrites(list?.machines ?? []), newIdentity };
      const { counters } = await replica.repairVector({ ...request, fix: false });
      const own = counters.find((counter) => counter.own);
      if (fix && (newIdentity || own !== undefined)) {
        await rememberAbandoned(replica, machine, own?.believed ?? 0);
        await this.notes.change({ retiring: [...(await this.notes.read()).retiring, machine] });
      }
      return { ...(await replica.repairVector({ ...request, fix })), claimedByOthers };
    });
  }

  createBucket(): Promise<'created' | 'existed'> {
    return this.#remote.createBucket();
  }

  /** Looks at the remote, as `RemoteHeads.look` does. Takes no lock, and changes no memory. */
  look(request: { readonly all: boolean }): Promise<Look> {
    return this.#observer.looking(() => this.#heads.look(request)).finally(() => this.#traffic.store());
  }

  /** Counts writes of this process. `decideEmptyStart` ignores them, because they came after the start. */
  noteWrites(count: number): void {
    this.#writesOfProcess += count;
  }

  /** Decides once whether the store was empty when sync was first on, and notes it. */
  async decideEmptyStart(): Promise<void> {
    const { emptyStart } = await this.notes.read();
    if (emptyStart !== null) return;
    const { machine, clock } = await this.#parts.replica.identity();
    const { [machine]: own = 0, ...others } = clock;
    const empty = own <= this.#writesOfProcess && Object.keys(others).length === 0;
    await this.notes.change({ emptyStart: empty ? 'pending' : 'not-needed' });
  }

  /** True when the store was empty at first and the remote has memories that were not merged yet. */
  async isEmptyStartPending(): Promise<boolean> {
    if (!this.enabled) return false;
    await this.decideEmptyStart();
    return (await this.notes.read()).emptyStart === 'pending';
  }

  /** True when the remote lacks writes of this machine, or when that is unknown. False when sync is off. */
  async hasUnsentWrites(): Promise<boolean> {
    if (!this.enabled) return false;
    const { machine, clock } = await this.#parts.replica.identity();
    const { remoteClock } = await this.notes.read();
    return remoteClock === null || (clock[machine] ?? 0) > (remoteClock[machine] ?? 0);
  }

  async close(): Promise<void> {
    await this.#traffic.store(true).catch(() => undefined);
    await this.#remote.close();
  }

  async #machinesInTime(work: WorkOptions): Promise<readonly MachineStatus[]> {
    const { statusWaitMs = STATUS_WAIT_MS } = this.#parts;
    let answered = false;
    const onProgress: WorkOptions['onProgress'] = (progress) => {
      if (!answered) work.onProgress?.(progress);
    };
    const reading = this.machines({ signal: work.signal, onProgress });
    const machines = await settleWithin(reading, statusWaitMs).catch(() => []);
    answered = true;
    work.signal?.throwIfAborted();
    if (machines === undefined) await this.#observer.noAnswer(statusWaitMs);
    return machines ?? [];
  }

  /**
   * An empty store merges the remote before its first push, so that it does not publish an empty newest snapshot.
   * @returns whether that changed anything here
   */
  async #mergeBeforeFirstPush(options: PushOptions): Promise<boolean> {
    if (!(await this.isEmptyStartPending())) return false;
    try {
      return (await this.pull(options)).changes?.applied === true;
    } catch (error) {
      const { clock } = await this.#parts.replica.identity();
      // Memories that were written meanwhile are published even when the merge fails.
      if (Object.keys(clock).length === 0) throw error;
      return false;
    }
  }

  #push({ made, ...options }: PushOptions, suspect: ReadonlySet<string>): Promise<PushResult> {
    const { backup, retention, now } = this.#parts;
    return this.#formerIds.asOwn(async (machine) => {
      // A new identity needs a backup under its own name.
      const own = made?.snapshot.machine === machine ? made : undefined;
      const request = { ...options, made: own, backup, remote: this.#remote, retention, suspect };
      await this.#formerIds.lookForCopies(machine);
      const { result, clock, repository } = await pushSnapshots(request);
      const { remoteClock } = await this.notes.read();
      const known = remoteClock ?? believedClock(await repository.listSnapshots(), repository.machine);
      await this.notes.change({
        lastPush: { value: { snapshot: result.snapshot.name }, at: now() },
        remoteClock: joinVersionVectors(known, clock),
      });
      await this.#pruneSometimes(repository);
      return result;
    });
  }

  /** Prunes at most once a day. Ignores failures, because the push is complete and a later prune does the work. */
  async #pruneSometimes(repository: Repository): Promise<void> {
    const { now, retention } = this.#parts;
    const { lastPrune } = await this.notes.read();
    // `abs` lets pruning go on after the clock was set back.
    if (lastPrune !== null && Math.abs(now() - lastPrune) < PRUNE_EVERY_MS) return;
    await this.notes.change({ lastPrune: now() });
    const pruned = await repository.prune(retention).catch(() => null);
    if (pruned !== null) await this.notes.change({ appendOnly: pruned.appendOnly });
  }

  async #remember(request: RestoreRequest, result: RestoreResult, complete: boolean): Promise<void> {
    const at = this.#parts.now();
    const held = result.changes?.held === true;
    const merge = request.mode === 'merge';
    const { emptyStart } = await this.notes.read();
    const done = merge && request.snapshot === undefined && complete && !held && emptyStart === 'pending';
    await this.notes.change({
      ...(held ? {} : { lastPull: { value: { snapshots: result.snapshots.length }, at } }),
      ...(merge ? { heldMerge: result.waiting === undefined ? null : { ...result.waiting, at } } : {}),
      ...(done ? { emptyStart: 'done' } : {}),
    });
  }

  #locked<Result>(work: () => Promise<Result>, waitMs = LOCK_WAIT_MS): Promise<Result> {
    return this.#parts.lock.run(work, waitMs);
  }
}
