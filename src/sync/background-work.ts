import type { BackupService } from '../backup/backup-service.ts';
import { BackupBusyError } from '../errors/backup-busy-error.ts';
import type { Logger } from '../logger.ts';
import { settleWithin } from '../util/settle-within.ts';
import { Backoff } from './backoff.ts';
import { untilNext } from './schedule.ts';
import type { SyncService } from './sync-service.ts';

/** Starts a timer that does not keep the process alive; returns what stops it. */
export type StartTimer = (milliseconds: number, action: () => void) => () => void;

export interface BackgroundWorkParts {
  readonly backup: BackupService;
  readonly sync: SyncService;
  /** Automatic local backups are on. */
  readonly automatic: boolean;
  readonly mode: 'backup' | 'merge';
  /** Cron; null = none. */
  readonly schedule: string | null;
  /** Milliseconds since the epoch. */
  readonly now: () => number;
  /** In [0, 1). */
  readonly random: () => number;
  readonly logger: Logger;
  readonly startTimer?: StartTimer;
}

/** A backup comes so long after the last change, */
const IDLE_MS = 30_000;
/** but at most so long after the first, */
const LONGEST_WAIT_MS = 5 * 60_000;
/** or after so many. */
const MANY_CHANGES = 200;
/** Leaves the first seconds to the client. */
const START_DELAY_MS = 3_000;
const PULL_EVERY_MS = 5 * 60_000;
/** setTimeout takes no more. */
const LONGEST_TIMER_MS = 2 ** 31 - 1;

type Task = 'backup' | 'scheduled' | 'pull' | 'empty-start';

/**
 * Keeps backups and the remote up to date without anybody waiting for it: one task at a time, retried until it
 * worked. What is unsent is a difference of two lists and not a queue, so nothing is forgotten when a process ends.
 */
export class BackgroundWork {
  readonly #parts: BackgroundWorkParts;
  readonly #startTimer: StartTimer;
  readonly #backoff: Backoff;
  readonly #stopping = new AbortController();
  readonly #timers = new Map<string, () => void>();
  #changes = 0;
  #firstChange = 0;
  #running: Promise<void> = Promise.resolve();

  constructor(parts: BackgroundWorkParts) {
    this.#parts = parts;
    this.#startTimer = parts.startTimer ?? startTimer;
    this.#backoff = new Backoff(parts.random);
  }

  /** Hears of acknowledged writes of this process. Never throws. */
  noteChanges(count: number): void {
    if (this.#isStopped()) return;
    if (this.#changes === 0) this.#firstChange = this.#parts.now();
    this.#changes += count;
    if (!this.#parts.automatic) return;
    const waited = this.#parts.now() - this.#firstChange;
    const wait = this.#changes >= MANY_CHANGES ? 0 : Math.min(IDLE_MS, Math.max(0, LONGEST_WAIT_MS - waited));
    this.#plan('backup', wait);
  }

  /** Begins what a long-lived process does by itself. Idempotent. */
  start(): void {
    if (this.#isStopped() || this.#timers.has('start')) return;
    this.#timer('start', START_DELAY_MS, () => {
      if (this.#parts.sync.enabled) this.#plan('empty-start', 0);
      if (this.#parts.automatic) this.#plan('backup', 0);
      if (this.#parts.sync.enabled && this.#parts.mode === 'merge') this.#plan('pull', 0);
      this.#planSchedule();
    });
  }

  /**
   * Ends the timers and what runs, and backs up what is not backed up yet as far as that takes less than the limit.
   * Never longer, never throws.
   */
  async close(limitMs: number): Promise<void> {
    if (this.#isStopped()) return;
    this.#stopping.abort(new Error('the program ends'));
    for (const stop of this.#timers.values()) stop();
    this.#timers.clear();
    const start = this.#parts.now();
    await settleWithin(this.#running, limitMs).catch(() => undefined);
    const left = limitMs - (this.#parts.now() - start);
    if (this.#changes === 0 || !this.#parts.automatic || left <= 0) return;
    await settleWithin(this.#exitBackup(left), left).catch(() => undefined);
  }

  async #exitBackup(limitMs: number): Promise<void> {
    const limit = new AbortController();
    const stop = this.#startTimer(limitMs, () => {
      limit.abort(new Error('the program ends'));
    });
    try {
      await this.#parts.backup.tryBackup({ kind: 'exit' }, { signal: limit.signal });
    } catch (error) {
      this.#log('the backup at the end was not made', error);
    } finally {
      stop();
    }
  }

  #isStopped(): boolean {
    return this.#stopping.signal.aborted;
  }

  #planSchedule(): void {
    const { schedule, now } = this.#parts;
    const wait = schedule === null ? null : untilNext(schedule, now());
    if (wait === null) return;
    const due = wait <= LONGEST_TIMER_MS;
    this.#timer('schedule', Math.min(wait, LONGEST_TIMER_MS), () => {
      if (due) this.#plan('scheduled', 0);
      this.#planSchedule();
    });
  }

  /** A task is planned once; a nearer time moves it. */
  #plan(task: Task, milliseconds: number): void {
    this.#timer(task, milliseconds, () => {
      this.#running = this.#running.then(() => this.#perform(task));
    });
  }

  #timer(name: string, milliseconds: number, action: () => void): void {
    if (this.#isStopped()) return;
    this.#timers.get(name)?.();
    const stop = this.#startTimer(milliseconds, () => {
      this.#timers.delete(name);
      action();
    });
    this.#timers.set(name, stop);
  }

  async #perform(task: Task): Promise<void> {
    if (this.#isStopped()) return;
    try {
      await this.#run(task);
      this.#backoff.succeeded();
    } catch (error) {
      if (this.#isStopped()) return;
      this.#log(`${task} did not succeed and is tried again`, error);
      // Another process is at it; it takes our changes along.
      const busy = error instanceof BackupBusyError;
      this.#plan(task, busy ? IDLE_MS : this.#backoff.failed());
    }
  }

  async #run(task: Task): Promise<void> {
    const { sync, mode, random } = this.#parts;
    const options = { signal: this.#stopping.signal, waitMs: 0 };
    switch (task) {
      case 'backup':
      case 'scheduled':
        return this.#backUp(task === 'scheduled' ? 'scheduled' : 'auto');
      case 'empty-start':
        await sync.decideEmptyStart();
        if ((await sync.notes.read()).emptyStart === 'pending') await sync.pull(options);
        return;
      case 'pull':
        await sync.pull(options);
        if (mode === 'merge') this.#plan('pull', PULL_EVERY_MS * (0.8 + 0.4 * random()));
    }
  }

  async #backUp(kind: 'auto' | 'scheduled'): Promise<void> {
    const { backup, sync } = this.#parts;
    const signal = this.#stopping.signal;
    const changes = this.#changes;
    await backup.tryBackup({ kind }, { signal });
    this.#changes -= changes;
    if (sync.enabled) await sync.push({ signal, waitMs: 0 });
  }

  #log(event: string, error: unknown): void {
    if (error instanceof BackupBusyError) this.#parts.logger.debug(event, {}, error);
    else this.#parts.logger.warn(event, {}, error);
  }
}

function startTimer(milliseconds: number, action: () => void): () => void {
  const timer = setTimeout(action, milliseconds);
  timer.unref();
  return () => {
    clearTimeout(timer);
  };
}
