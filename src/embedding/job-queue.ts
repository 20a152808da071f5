import type { Urgency } from './embedder.ts';
import type { Task } from './embedding-protocol.ts';

/** One task for the model, with the promise of its result. */
export interface Job extends QueuedTask {
  readonly resolve: (result: unknown) => void;
  readonly reject: (reason: Error) => void;
}

export interface QueuedTask {
  readonly task: Task;
  readonly text: string;
  readonly signal?: AbortSignal | undefined;
  readonly urgency?: Urgency | undefined;
}

/** In milliseconds of one clock. */
export interface Span {
  readonly start: number;
  readonly end: number;
}

/** For so long after a query its user is taken to be at work, and may ask again. */
const AT_WORK_MS = 60_000;
/** The next query of a burst comes within this time. */
const QUIET_MS = 300;
/** While a user is at work, a background text is followed by a rest of so many times its own duration. */
const REST = 3;
/** Longest time that a background text is held back for queries that may come. */
const LONGEST_HOLD_MS = 3_000;

/** Queries that may pass a text that a user waits for. One user never has so many. */
const MOST_PASSING = 8;

const LEVELS = ['query', 'passage', 'background'] as const;
type Level = (typeof LEVELS)[number];

/**
 * Jobs that wait for the model, which runs one at a time and cannot be interrupted. Queries come before the texts that a
 * user waits for, some of them before each, and those before background work; each kind stays in order. While queries come in, background work takes
 * a quarter of the time at most, so that most queries find the model free. Aborted jobs are removed.
 */
export class JobQueue {
  readonly #waiting: Record<Level, Job[]> = { query: [], passage: [], background: [] };
  #lastQuery = -Infinity;
  /** Queries that were taken while the first of the texts that a user waits for did. */
  #passing = 0;
  /** The last background text; before the first one, when it was seen to wait. */
  #lastBackground: Span | undefined;

  add(queued: QueuedTask): Promise<unknown> {
    const { signal } = queued;
    return new Promise((resolve, reject) => {
      signal?.throwIfAborted();
      const abort = (): void => {
        this.#remove(job);
        job.reject(signal?.reason instanceof Error ? signal.reason : new Error('aborted'));
      };
      const forget = (): void => signal?.removeEventListener('abort', abort);
      const job: Job = {
        ...queued,
        resolve: (result) => {
          forget();
          resolve(result);
        },
        reject: (reason) => {
          forget();
          reject(reason);
        },
      };
      this.#waiting[levelOf(job)].push(job);
      signal?.addEventListener('abort', abort);
    });
  }

  /** The job that runs next; undefined when none waits, or none but background work that is held back. */
  take(now: number): Job | undefined {
    const { passage, background } = this.#waiting;
    const query = this.takeQuery();
    if (query !== undefined) return query;
    this.#passing = 0;
    const text = passage.shift();
    if (text !== undefined) return text;
    return this.heldFor(now) === 0 ? background.shift() : undefined;
  }

  /** The query that comes next, if any does: it may be with the model before the run before it has ended. */
  takeQuery(): Job | undefined {
    const { query, passage } = this.#waiting;
    const isPassing = passage.length > 0;
    if (isPassing && this.#passing >= MOST_PASSING) return undefined;
    const next = query.shift();
    if (next !== undefined) this.#passing = isPassing ? this.#passing + 1 : 0;
    return next;
  }

  /** Milliseconds until background work may run; undefined when none waits. */
  heldFor(now: number): number | undefined {
    if (this.#waiting.background.length === 0) return undefined;
    if (now - this.#lastQuery > AT_WORK_MS) return 0;
    const { start, end } = (this.#lastBackground ??= { start: now, end: now });
    const rested = Math.max(end + REST * (end - start), this.#lastQuery + QUIET_MS);
    return Math.max(0, Math.min(rested, end + LONGEST_HOLD_MS) - now);
  }

  /** Tells that a job that was taken has ended. */
  noteEnd(job: Job, span: Span): void {
    if (job.task === 'query') this.#lastQuery = span.end;
    else if (levelOf(job) === 'background') this.#lastBackground = span;
  }

  rejectAll(reason: Error): void {
    const jobs = LEVELS.flatMap((level) => this.#waiting[level].splice(0));
    for (const job of jobs) job.reject(reason);
  }

  #remove(job: Job): void {
    const level = levelOf(job);
    this.#waiting[level] = this.#waiting[level].filter((other) => other !== job);
  }
}

function levelOf({ task, urgency }: QueuedTask): Level {
  if (task !== 'text' && task !== 'passage') return 'query';
  return urgency ?? 'passage';
}
