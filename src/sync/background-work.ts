import type { BackupResult } from '../backup/backup-api.ts';
import type { BackupService } from '../backup/backup-service.ts';
import { BackupBusyError } from '../errors/backup-errors.ts';
import { BlobStoreError } from '../errors/remote-errors.ts';
import type { Logger } from '../logger.ts';
import type { ReplicaStore } from '../store/replica-store.ts';
import { settleWithin } from '../util/concurrency.ts';
import { BACKUP_LOOK_MS, isListDue, lookPace, PushAllowance } from './pace.ts';
import type { PushOptions, SyncService } from './sync-service.ts';
import { Backoff, NamedTimers, type StartTimer, startUnrefTimer, untilNext } from './timers.ts';

export interface BackgroundWorkParts {
  readonly replica: Pick<ReplicaStore, 'identity'>;
  readonly backup: BackupService;
  readonly sync: SyncService;
  /** True makes local backups automatically. With sync on they are made in any case, because sync uploads them. */
  readonly automatic: boolean;
  readonly mode: 'backup' | 'merge';
  /** Cron schedule in local time; null = none. */
  readonly schedule: string | null;
  /** Milliseconds since the epoch. */
  readonly now: () => number;
  /** Returns a number in [0, 1). */
  readonly random: () => number;
  readonly logger: Logger;
  /** Erases memories that are old enough; done at the start and again and again, also without writes. */
  readonly tidy: () => Promise<void>;
  readonly tidyEveryMs: number;
  readonly startTimer?: StartTimer;
}

/** A backup starts when no change has come for this time. */
const IDLE_MS = 30_000;
/** In mode merge the own changes wait this long for further ones, because other machines wait for them. */
const BRIEF_MS = 2_000;
const LONGEST_BRIEF_MS = 5_000;
/** A search waits for a look at the remote when the last one is older than this. */
const OLD_LOOK_MS = 30_000;
const LONGEST_SEARCH_WAIT_MS = 300;
/** A backup starts at the latest this time after the first change. */
const LONGEST_WAIT_MS = 5 * 60_000;
/** A backup starts after this many changes without waiting for a pause. */
const MANY_CHANGES = 200;
/** Shortest time between two backups, because an import and its vectors are thousands of changes in a row. */
const SHORTEST_GAP_MS = 15_000;
/** The first seconds of a process belong to the requests of its client. */
const START_DELAY_MS = 3_000;
/** Another process's look counts as this one's when it is younger than this part of the time between two looks. */
const SAME_LOOK = 0.8;
/** Longest time that setTimeout accepts. */
const LONGEST_TIMER_MS = 2 ** 31 - 1;

type Task = 'tidy' | 'backup' | 'scheduled' | 'push' | 'look' | 'empty-start';

/**
 * Keeps backups and the remote up to date in the background. It runs one task at a time and retries a failed one.
 * A push compares local and remote snapshots instead of keeping a queue, so nothing is forgotten when a process ends.
 */
export class BackgroundWork {
  readonly #parts: BackgroundWorkParts;
  readonly #timers: NamedTimers;
  readonly #backoffs = new Map<Task, Backoff>();
  readonly #allowance = new PushAllowance();
  readonly #stopping = new AbortController();
  #started = false;
  /** True after the first push of this process, which compares the remote; before that, the notes may be outdated. */
  #compared = false;
  #changes = 0;
  #firstChange = 0;
  #lastChange = 0;
  /** When the first merge happened that no backup includes yet; null = none. */
  #merged: number | null = null;
  /** Time of the last use of the memories. */
  #used = -Infinity;
  /** When another machine's change was merged last. */
  #followed = -Infinity;
  /** Start of the last look at the remote. */
  #looked = -Infinity;
  /** Start of the last backup. */
  #lastBackup = -Infinity;
  /** The backup that the next push is for. */
  #toPush: BackupResult | undefined;
  #running: Promise<void> = Promise.resolve();

  constructor(parts: BackgroundWorkParts) {
    this.#parts = parts;
    this.#timers = new NamedTimers(parts.now, parts.startTimer);
  }

  /** Counts acknowledged writes of this process and plans a backup. Never throws. */
  noteChanges(count: number): void {
    if (this.#isStopped()) return;
    this.#parts.sync.noteWrites(count);
    if (this.#changes === 0) this.#firstChange = this.#parts.now();
    this.#lastChange = this.#parts.now();
    this.#changes += count;
    this.#planBackup();
  }

  /** Notes that the memories are in use now, so the remote is looked at more often for a while. Never throws. */
  noteUse(): void {
    this.#used = this.#parts.now();
    if (!this.#looks() || this.#parts.mode !== 'merge') return;
    // A failed look is tried again soon too: a computer that wakes up has its network back.
    const wait = this.#backoff('look').isWaiting ? OLD_LOOK_MS : this.#pace();
    this.#timers.setEarlier('look', Math.max(0, this.#looked + wait - this.#used), this.#starting('look'));
  }

  /**
   * Notes that a read is about to begin. When the last look at the remote is old, it waits a moment for a new one, so
   * that the answer has the changes of other machines. Never throws.
   */
  async beforeReading(): Promise<void> {
    const isOld = this.#parts.now() - this.#looked >= OLD_LOOK_MS;
    this.noteUse();
    if (!isOld || !this.#looks() || this.#parts.mode !== 'merge') return;
    const looked = this.#startNow('look');
    const { startTimer = startUnrefTimer } = this.#parts;
    let stop = (): void => undefined;
    const patience = new Promise<void>((resolve) => {
      stop = startTimer(LONGEST_SEARCH_WAIT_MS, resolve);
    });
    await Promise.race([looked, patience]);
    stop();
  }

  /** Starts the regular tasks of a long-lived process. Idempotent. */
  start(): void {
    if (this.#isStopped() || this.#started) return;
    this.#started = true;
    this.#timers.set('start', START_DELAY_MS, () => {
      const { sync, mode } = this.#parts;
      this.#plan('tidy', 0);
      if (sync.enabled) this.#plan('empty-start', 0);
      if (this.#isAutomatic()) this.#plan('backup', 0);
      if (sync.enabled) this.#plan('look', mode === 'merge' ? 0 : this.#pace());
    });
    this.#planSchedule();
  }

  /**
   * Stops the timers and the running task, and backs up changes that have no backup yet. Ends after `limitMs` in any
   * case, and never throws.
   */
  async close(limitMs: number): Promise<void> {
    if (this.#isStopped()) return;
    this.#stopping.abort();
    this.#timers.stopAll();
    const start = this.#parts.now();
    await settleWithin(this.#running, limitMs);
    const left = limitMs - (this.#parts.now() - start);
    if (this.#changes === 0 || !this.#isAutomatic() || left <= 0) return;
    const limit = new AbortController();
    await settleWithin(this.#exitBackup(limit.signal), left);
    limit.abort();
  }

  /** Resolves when no task runs; timers may still wait. */
  async idle(): Promise<void> {
    for (let awaited; awaited !== this.#running;) {
      awaited = this.#running;
      await awaited;
    }
  }

  async #exitBackup(signal: AbortSignal): Promise<void> {
    try {
      await this.#parts.backup.tryBackup({ kind: 'exit' }, { signal });
    } catch (error) {
      // After an abort the next process backs up the changes.
      if (!signal.aborted) this.#log('exit', error);
    }
  }

  #isStopped(): boolean {
    return this.#stopping.signal.aborted;
  }

  #isAutomatic(): boolean {
    return this.#parts.automatic || this.#parts.sync.enabled;
  }

  /** True when this process looks at the remote by itself. */
  #looks(): boolean {
    return this.#started && !this.#isStopped() && this.#parts.sync.enabled;
  }

  /** Plans a backup of changes here and of merged ones. Merged changes are at the remote already, so they can wait. */
  #planBackup(): void {
    if (!this.#isAutomatic()) return;
    const now = this.#parts.now();
    const own = this.#changes === 0 ? Infinity : this.#dueOfChanges(now);
    const merged = this.#merged === null ? Infinity : this.#merged + LONGEST_WAIT_MS;
    const due = Math.min(own, merged);
    if (due !== Infinity) this.#plan('backup', Math.max(0, due - now));
  }

  #dueOfChanges(now: number): number {
    if (this.#parts.sync.enabled && this.#parts.mode === 'merge') {
      const due = Math.min(this.#lastChange + BRIEF_MS, this.#firstChange + LONGEST_BRIEF_MS);
      return Math.max(due, this.#allowance.next(now));
    }
    const latest = Math.min(this.#lastChange + IDLE_MS, this.#firstChange + LONGEST_WAIT_MS);
    return this.#changes >= MANY_CHANGES ? Math.min(latest, this.#lastBackup + SHORTEST_GAP_MS) : latest;
  }

  #planSchedule(): void {
    const { schedule, now } = this.#parts;
    const wait = schedule === null ? null : untilNext(schedule, now());
    if (wait === null) return;
    const due = wait <= LONGEST_TIMER_MS;
    this.#timers.set('schedule', Math.min(wait, LONGEST_TIMER_MS), () => {
      if (due) this.#plan('scheduled', 0);
      this.#planSchedule();
    });
  }

  /** Plans a task. A planned time of the same task is replaced. */
  #plan(task: Task, milliseconds: number): void {
    if (this.#isStopped()) return;
    this.#timers.set(task, milliseconds, this.#starting(task));
  }

  #starting(task: Task): () => void {
    return () => {
      this.#running = this.#running.then(() => this.#perform(task));
    };
  }

  /** Starts a task after the running ones. Its planned time is dropped. */
  #startNow(task: Task): Promise<void> {
    this.#timers.stop(task);
    this.#starting(task)();
    return this.#running;
  }

  async #perform(task: Task): Promise<void> {
    if (this.#isStopped()) return;
    try {
      const done = await this.#run(task);
      if (done) this.#backoff(task).succeeded();
      else this.#plan(task, this.#backoff(task).failed());
    } catch (error) {
      if (this.#isStopped()) return;
      this.#log(task, error);
      // Another process backs up or syncs, and includes the changes of this one.
      const busy = error instanceof BackupBusyError;
      const soon = this.#parts.mode === 'merge' ? BRIEF_MS : IDLE_MS;
      this.#plan(task, busy ? soon : this.#backoff(task).failed());
    }
  }

  #backoff(task: Task): Backoff {
    const backoff = this.#backoffs.get(task) ?? new Backoff(this.#parts.random);
    this.#backoffs.set(task, backoff);
    return backoff;
  }

  /** @returns false when the task must be retried */
  async #run(task: Task): Promise<boolean> {
    const { sync } = this.#parts;
    const options = { signal: this.#stopping.signal, waitMs: 0 };
    switch (task) {
      case 'tidy':
        await this.#parts.tidy();
        this.#plan('tidy', this.#parts.tidyEveryMs);
        return true;
      case 'backup':
      case 'scheduled':
        await this.#backUp(task);
        return true;
      case 'push':
        await this.#push(options);
        return true;
      case 'look':
        await this.#look();
        this.#planLook();
        return true;
      case 'empty-start':
        if (await sync.isEmptyStartPending()) await this.#pull();
        return !(await sync.isEmptyStartPending());
    }
  }

  async #backUp(task: 'backup' | 'scheduled'): Promise<void> {
    const { replica, backup, sync } = this.#parts;
    const { clock } = await replica.identity();
    // A store without any write has nothing to back up.
    if (Object.keys(clock).length === 0) return;
    const changes = this.#changes;
    this.#lastBackup = this.#parts.now();
    this.#allowance.take(this.#lastBackup);
    const kind = task === 'backup' ? 'auto' : task;
    const made = await backup.tryBackup({ kind }, { signal: this.#stopping.signal });
    this.#changes -= changes;
    this.#firstChange = this.#lastBackup;
    this.#merged = null;
    if (!sync.enabled) return;
    const isNew = task === 'scheduled' || made.outcome === 'written' || !this.#compared;
    const wanted = isNew || (await sync.hasUnsentWrites());
    // A push that waits for its next try keeps its time.
    if (!wanted || this.#timers.has('push')) return;
    this.#toPush = made;
    this.#plan('push', 0);
  }

  /** The first try sends the backup that was made for it; a later one may find more to back up. */
  async #push(options: PushOptions): Promise<void> {
    const made = this.#toPush;
    this.#toPush = undefined;
    await this.#parts.sync.push({ ...options, made });
    this.#compared = true;
  }

  #planLook(): void {
    const { now, random } = this.#parts;
    const pace = this.#pace() * (0.9 + 0.2 * random());
    this.#plan('look', Math.max(0, this.#looked + pace - now()));
  }

  /** The time between two looks at the remote. */
  #pace(): number {
    const { mode, now } = this.#parts;
    return mode === 'merge' ? lookPace({ used: this.#used, changed: this.#followed }, now()) : BACKUP_LOOK_MS;
  }

  /** Looks at the remote, unless another process of the data folder has just done it. */
  async #look(): Promise<void> {
    const { sync, mode, now } = this.#parts;
    const { lookedAt, listedAt } = await sync.notes.read();
    const pace = this.#pace();
    const since = lookedAt === null ? Infinity : now() - lookedAt;
    // A time in the future comes from before the clock was set back.
    const isRecent = since >= 0 && since < SAME_LOOK * pace;
    if (isRecent && this.#looked !== -Infinity && !this.#backoff('look').isWaiting) {
      this.#looked = now() - since;
      return;
    }
    const all = this.#looked === -Infinity || isListDue(listedAt, pace, now());
    this.#looked = now();
    const { news, ownLost, tried } = await sync.look({ all });
    if (ownLost) this.#uploadAgain();
    if (!news || mode !== 'merge') return;
    try {
      await this.#pull();
    } catch (error) {
      // A refusal stays one until the other machine publishes again; a failure of the network or a lock does not.
      if (!(error instanceof BackupBusyError) && !(error instanceof BlobStoreError)) tried();
      throw error;
    }
    tried();
    this.#followed = now();
  }

  /** The remote has lost this machine's backups, so they are compared and uploaded though nothing changed here. */
  #uploadAgain(): void {
    this.#compared = false;
    if (!this.#timers.has('push')) this.#timers.setEarlier('backup', 0, this.#starting('backup'));
  }

  async #pull(): Promise<void> {
    const request = { signal: this.#stopping.signal, waitMs: 0, automatic: true };
    const { changes } = await this.#parts.sync.pull(request);
    if (changes?.applied !== true) return;
    this.#merged ??= this.#parts.now();
    this.#planBackup();
  }

  #log(task: Task | 'exit', error: unknown): void {
    const { logger } = this.#parts;
    if (error instanceof BackupBusyError) logger.debug('another process does this work', { task });
    else logger.warn('work in the background did not succeed', { task }, error);
  }
}
