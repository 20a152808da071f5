import { BrokenPromise } from './broken-promise.ts';
import type { MemoryTable } from '../helpers/memory-table.ts';

/** A little less than a day, because the budget counts by ten minutes. */
const DAY_MS = 23 * 3_600_000;
const COUNT = 20;
const SHARE = 0.3;

/** What merges removed on one machine without a confirmation; knows nothing of how the product counts. */
export class RemovalCheck {
  #removals: { readonly at: number; readonly count: number }[] = [];

  /** The data folder was set back, or the user agreed to a merge. */
  forget(): void {
    this.#removals = [];
  }

  /**
   * Looks at one merge that nobody was asked about.
   * @param now by the clock of the machine
   * @throws BrokenPromise when merges removed too much within a day
   */
  note(before: MemoryTable, after: MemoryTable, now: number): void {
    const count = before.ids().filter((id) => isLive(before, id) && !isLive(after, id)).length;
    const recent = this.#removals.filter(({ at }) => at <= now && at > now - DAY_MS);
    const earlier = recent.reduce((sum, removal) => sum + removal.count, 0);
    this.#removals = [...recent, { at: now, count }];
    const sum = earlier + count;
    const all = Math.max(before.facts().live + earlier, after.facts().live + sum);
    if (count > 0 && sum > COUNT && sum > SHARE * all)
      throw new BrokenPromise(`merges removed ${sum} of ${all} memories in a day, unasked`);
  }
}

function isLive(table: MemoryTable, id: string): boolean {
  return table.current(id)?.state === 'live';
}
