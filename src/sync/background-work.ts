import { Cron } from 'croner';
import type { BackupResult } from '../backup/backup-api.ts';
import type { BackupService } from '../backup/backup-service.ts';
import { BackupBusyError } from '../errors/backup-errors.ts';
import type { Logger } from '../logger.ts';
import type { ReplicaStore } from '../store/replica-store.ts';
import { settleWithin } from '../util/concurrency.ts';
import type { PushOptions, SyncService } from './sync-service.ts';

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
  /** Erases what is old enough to be erased; done at the start and again and again, also while nobody writes. */
  readonly tidy: () => Promise<void>;
  readonly tidyEveryMs: number;
  readonly startTimer?: StartTimer;
}

/** A backup starts when no change has come for this time. */
const IDLE_MS = 30_000;
/** A backup starts at the latest this time after the first change. */
const LONGEST_WAIT_MS = 5 * 60_000;
/** A backup starts after this many changes without waiting for a pause. */
const MANY_CHANGES = 200;
/** Shortest time between two backups, because an import and its vectors are thousands of changes in a row. */
const SHORTEST_GAP_MS = 15_000;
/** The first seconds of a process belong to the requests of its client. */
const START_DELAY_MS = 3_000;
const PULL_EVERY_MS = 5 * 60_000;
/** Longest time that setTimeout accepts. */
const LONGEST_TIMER_MS = 2 ** 31 - 1;

type Task = 'tidy' | 'backup' | 'scheduled' | 'push' | 'pull' | 'empty-start';

/**
 * Keeps backups and the remote up to date in the background. It runs one task at a time and retries a failed one.
 * A push compares local and remote snapshots instead of keeping a queue, so nothing is forgotten when a process ends.
 */
export class BackgroundWork {
  readonly #parts: BackgroundWorkParts;
  readonly #timers: NamedTimers;
  readonly #backoffs = new Map<Task, Backoff>();
  readonly #stopping = new AbortController();
  #started = false;
  /** True after the first push of this process, which compares the remote; before that, the notes may be outdated. */
  #compared = false;
  #changes = 0;
  #firstChange = 0;
  /** Start of the last backup. */
  #lastBackup = -Infinity;
  /** The backup that the next push is for. */
  #toPush: BackupResult | undefined;
  #running: Promise<void> = Promise.resolve();

  constructor(parts: BackgroundWorkParts) {
    this.#parts = parts;
    this.#timers = new NamedTimers(parts.startTimer);
  }

  /** Counts acknowledged writes of this process and plans a backup. Never throws. */
  noteChanges(count: number): void {
    if (this.#isStopped()) return;
    this.#parts.sync.noteWrites(count);
    if (this.#changes === 0) this.#firstChange = this.#parts.now();
    this.#changes += count;
    if (!this.#isAutomatic()) return;
    const now = this.#parts.now();
    const latest = Math.min(now + IDLE_MS, this.#firstChange + LONGEST_WAIT_MS);
    const due = this.#changes >= MANY_CHANGES ? Math.min(latest, this.#lastBackup + SHORTEST_GAP_MS) : latest;
    this.#plan('backup', Math.max(0, due - now));
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
      if (sync.enabled && mode === 'merge') this.#plan('pull', 0);
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
    this.#timers.set(task, milliseconds, () => {
      this.#running = this.#running.then(() => this.#perform(task));
    });
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
      this.#plan(task, busy ? IDLE_MS : this.#backoff(task).failed());
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
      case 'pull':
        await this.#pull();
        this.#plan('pull', PULL_EVERY_MS * (0.8 + 0.4 * this.#parts.random()));
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
    const kind = task === 'backup' ? 'auto' : task;
    const made = await backup.tryBackup({ kind }, { signal: this.#stopping.signal });
    this.#changes -= changes;
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

  async #pull(): Promise<void> {
    const { changes } = await this.#parts.sync.pull({ signal: this.#stopping.signal, waitMs: 0 });
    if (changes?.applied === true) this.#plan('backup', IDLE_MS);
  }

  #log(task: Task | 'exit', error: unknown): void {
    const { logger } = this.#parts;
    if (error instanceof BackupBusyError) logger.debug('another process does this work', { task });
    else logger.warn('work in the background did not succeed', { task }, error);
  }
}

const FIRST_MS = 5_000;
const LONGEST_MS = 15 * 60_000;

/** Pauses between failures: a random part of a limit that doubles with each failure (full jitter, Brooker 2015). */
class Backoff {
  readonly #random: () => number;
  #failures = 0;

  /** @param random returns a number in [0, 1) */
  constructor(random: () => number) {
    this.#random = random;
  }

  succeeded(): void {
    this.#failures = 0;
  }

  /** Counts a failure. @returns milliseconds to wait */
  failed(): number {
    const ceiling = Math.min(LONGEST_MS, FIRST_MS * 2 ** this.#failures);
    this.#failures += 1;
    return this.#random() * ceiling;
  }
}

/** Starts a timer that does not keep the process alive. Returns a function that stops it. */
export type StartTimer = (milliseconds: number, action: () => void) => () => void;

/** At most one timer for each name. */
class NamedTimers {
  readonly #startTimer: StartTimer;
  readonly #timers = new Map<string, () => void>();

  constructor(startTimer: StartTimer = startUnrefTimer) {
    this.#startTimer = startTimer;
  }

  has(name: string): boolean {
    return this.#timers.has(name);
  }

  /** Replaces a timer of the same name. */
  set(name: string, milliseconds: number, action: () => void): void {
    this.#timers.get(name)?.();
    const stop = this.#startTimer(milliseconds, () => {
      this.#timers.delete(name);
      action();
    });
    this.#timers.set(name, stop);
  }

  stopAll(): void {
    for (const stop of this.#timers.values()) stop();
    this.#timers.clear();
  }
}

function startUnrefTimer(milliseconds: number, action: () => void): () => void {
  const timer = setTimeout(action, milliseconds);
  timer.unref();
  return () => {
    clearTimeout(timer);
  };
}

/** Milliseconds from `now` to the next time of a cron schedule, in local time; null when there is none. */
function untilNext(schedule: string, now: number): number | null {
  const next = new Cron(schedule, { paused: true }).nextRun(new Date(now));
  return next === null ? null : Math.max(0, next.getTime() - now);
}
