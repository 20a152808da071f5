import type { MemoryStore } from '../store/memory-store.ts';
import { attributesOf } from './attributes.ts';
import type { Memory } from './memory.ts';
import type { FilterInput } from './memory-api.ts';

/** The results of searches since they were stored last. */
export interface FoundMemories {
  /** Milliseconds since the epoch. */
  readonly at: number;
  /** Number of searches, those without a hit included. */
  readonly searches: number;
  /** How often each memory was found; unknown ids are ignored. */
  readonly times: readonly (readonly [id: string, times: number])[];
}

/** A fact is unused when it was there `days` ago, and at least so many searches on later days did not find it. */
export interface UnusedRule {
  readonly searches: number;
  readonly days: number;
}

export interface Unused {
  /** Begin of the first day (UTC) whose searches were noted, in milliseconds since the epoch; null = there is none. */
  readonly since: number | null;
  /** Number of the searches that were noted. */
  readonly searches: number;
  /** Live facts that none of them found and that were not changed since, the oldest first; null = too few searches to say. */
  readonly ids: readonly string[] | null;
}

/** A note waits so long for more, so that searches make one commit a minute at most. */
const SAVE_AFTER_MS = 60_000;
/** Notes of more facts are not kept while the store does not take them. */
const MOST_FACTS = 20_000;

export interface FoundRecordParts {
  readonly store: Pick<MemoryStore, 'noteFound'>;
  /** Milliseconds since the epoch. */
  readonly now: () => number;
  /** Gets why notes could not be stored; must not throw. */
  readonly onProblem?: (error: unknown) => void;
}

/**
 * Notes in memory which facts searches return, and stores that from time to time. It is a hint for tidying up: what a
 * killed process had not stored yet is lost, and no failure reaches a search.
 */
export class FoundRecord {
  readonly #parts: FoundRecordParts;
  #times = new Map<string, number>();
  #searches = 0;
  #timer: NodeJS.Timeout | undefined;
  #saving: Promise<void> = Promise.resolve();

  constructor(parts: FoundRecordParts) {
    this.#parts = parts;
  }

  /** Notes the answer of a search that could have found any fact. */
  noteSearch(filter: FilterInput | undefined, memories: readonly Memory[]): void {
    if (filter?.kind === 'conversation') return;
    this.#searches += 1;
    this.noteGiven(memories);
  }

  /** Notes memories that a model was told unasked, which is no search. */
  noteGiven(memories: readonly Memory[]): void {
    for (const { id, metadata } of memories) {
      const isKept = this.#times.has(id) || this.#times.size < MOST_FACTS;
      if (isKept && attributesOf(metadata).kind === 'fact')
        this.#times.set(id, (this.#times.get(id) ?? 0) + 1);
    }
    this.#timer ??= setTimeout(() => void this.save(), SAVE_AFTER_MS).unref();
  }

  /** Stores the notes; those that the store does not take wait for the next time. Never rejects. */
  save(): Promise<void> {
    this.#saving = this.#saving.then(() => this.#save());
    return this.#saving;
  }

  async #save(): Promise<void> {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    const [times, searches] = [this.#times, this.#searches];
    if (times.size === 0 && searches === 0) return;
    this.#times = new Map();
    this.#searches = 0;
    try {
      await this.#parts.store.noteFound({ at: this.#parts.now(), searches, times: [...times] });
    } catch (error) {
      this.#parts.onProblem?.(error);
      for (const [id, count] of this.#times) times.set(id, (times.get(id) ?? 0) + count);
      this.#times = times;
      this.#searches += searches;
    }
  }
}
