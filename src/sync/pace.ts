/** Shortest time between two looks at the remote while this data folder is in use. */
export const QUICK_LOOK_MS = 5_000;
/** Shortest time between two looks that only the changes of other machines ask for. */
const FOLLOWING_LOOK_MS = 15_000;
/** Longest time between two looks in mode merge. */
export const IDLE_LOOK_MS = 5 * 60_000;
/** The remote is looked at this often in mode backup, only to find out whether the own backups are still there. */
export const BACKUP_LOOK_MS = 15 * 60_000;
/** One look of this many also lists the remote, which finds new machines and costs more. */
const LOOKS_PER_LIST = 12;
/** The time between looks is this part of the time since the last use. */
const SHARE_OF_PAUSE = 0.1;

/** When this data folder was used last, and when another machine's change was found last: milliseconds since the epoch. */
export interface LastActivity {
  readonly used: number;
  readonly changed: number;
}

/**
 * The time between two looks: a tenth of the time since the last use, so quick during use and slower and slower after
 * it. A change of another machine counts as use, but a less urgent one.
 */
export function lookPace({ used, changed }: LastActivity, now: number): number {
  const pace = (since: number, shortest: number): number =>
    Math.min(IDLE_LOOK_MS, Math.max(shortest, Math.abs(now - since) * SHARE_OF_PAUSE));
  return Math.min(pace(used, QUICK_LOOK_MS), pace(changed, FOLLOWING_LOOK_MS));
}

/** True when the next look must list the remote. @param listedAt null = never */
export function isListDue(listedAt: number | null, pace: number, now: number): boolean {
  return listedAt === null || Math.abs(now - listedAt) >= LOOKS_PER_LIST * pace;
}

/** Number of pushes that may follow each other quickly. */
const MOST_PUSHES = 20;
/** Each further push is earned in this time, so that steady writing pushes this often. */
const EARN_MS = 15_000;
const SHORTEST_GAP_MS = 5_000;

/**
 * Limits how often changes are pushed: twenty times at least five seconds apart, then every 15 seconds. So the changes
 * of a person are at the remote within seconds, and an import does not send hundreds of snapshots.
 */
export class PushAllowance {
  #left = MOST_PUSHES;
  #counted = -Infinity;
  #last = -Infinity;

  /** The earliest time of the next push, milliseconds since the epoch. */
  next(now: number): number {
    this.#earn(now);
    const earned = this.#left >= 1 ? now : now + (1 - this.#left) * EARN_MS;
    return Math.max(earned, this.#last + SHORTEST_GAP_MS);
  }

  /** Counts a push that begins now. */
  take(now: number): void {
    this.#earn(now);
    this.#left = Math.max(0, this.#left - 1);
    this.#last = now;
  }

  #earn(now: number): void {
    // After the clock was set back, nothing waits for the old time.
    if (this.#last > now) this.#last = -Infinity;
    const passed = this.#counted === -Infinity ? 0 : Math.max(0, now - this.#counted);
    this.#left = Math.min(MOST_PUSHES, this.#left + passed / EARN_MS);
    this.#counted = now;
  }
}
