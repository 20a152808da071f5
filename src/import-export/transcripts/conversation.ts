import type { ConversationRole } from '../../memory/attributes.ts';
import { parseImportedTime } from '../parse-memory-line.ts';

/** A conversation of a client, as far as its transcript says so. */
export interface Conversation {
  /** The program, for example `claude-code`. Together with `session` it names the conversation. */
  readonly client: string;
  readonly session: string;
  /** The folder that the client worked in. */
  readonly folder?: string | undefined;
  /** Address of the repository, where the transcript has it. */
  readonly repository?: string | undefined;
  /** Name of the project, where the client has projects of its own. */
  readonly project?: string | undefined;
}

/** One message of a conversation, without junk. */
export interface Turn {
  /**
   * From 0 and ascending; the same message has the same number at each reading, so it counts messages that are left out too.
   */
  readonly position: number;
  readonly role: ConversationRole;
  readonly text: string;
  /** Milliseconds since the epoch. */
  readonly createdAt: number;
}

/** How many turns had which outcome; `left` counts by the reason. */
export interface CapturedTurns {
  readonly added: number;
  readonly updated: number;
  readonly known: number;
  readonly left: Readonly<Record<string, number>>;
}

/** The first day that a transcript can be from: no client is older. */
const EARLIEST = Date.UTC(2015, 0, 1);
/** Clocks of two machines differ by less than this. */
const AHEAD_MS = 24 * 3_600_000;
/** Messages that were written at once can be out of order by this. */
const OUT_OF_ORDER_MS = 60_000;

export const TIME_NOTES = {
  unreadable: 'a time that cannot be read; the time of the turn before counts',
  future: 'a time in the future; the time of the turn before counts',
  backwards: 'a time before that of the turn before; the later one counts',
} as const;

/**
 * The times of the turns of one transcript, which never go back, so that the order by time is that of the
 * conversation.
 */
export class TurnTimes {
  readonly #latest: number;
  #last: number;
  #hasTime = false;

  /** @param start for turns before the first time that can be read; milliseconds since the epoch */
  constructor(start: number, now = Date.now()) {
    this.#last = start;
    this.#latest = now + AHEAD_MS;
  }

  /** @returns the time to store, and a note where the transcript's own is not it */
  take(value: unknown): { readonly time: number; readonly note?: string } {
    const time = readTime(value);
    if (time === undefined) return { time: this.#last, note: TIME_NOTES.unreadable };
    if (time > this.#latest) return { time: this.#last, note: TIME_NOTES.future };
    const isBack = this.#hasTime && time < this.#last - OUT_OF_ORDER_MS;
    this.#last = this.#hasTime ? Math.max(this.#last, time) : time;
    this.#hasTime = true;
    return { time: this.#last, ...(isBack ? { note: TIME_NOTES.backwards } : {}) };
  }

  get last(): number {
    return this.#last;
  }
}

/** Milliseconds since the epoch; undefined for anything that is no time of a conversation. */
export function readTime(value: unknown): number | undefined {
  if (typeof value !== 'number' && typeof value !== 'string') return undefined;
  try {
    const time = parseImportedTime('time', value);
    return time >= EARLIEST ? time : undefined;
  } catch {
    return undefined;
  }
}
