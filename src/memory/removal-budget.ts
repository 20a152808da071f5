import type { JsonValue } from './version.ts';

/** Name of the note with the removals of the last day. */
export const REMOVALS_NOTE = 'removals';

/** Merges that remove more in 24 hours wait for a confirmation. */
export const REMOVAL_LIMIT = { count: 20, share: 0.3 };

const SLOT_MS = 600_000;
const SLOTS_OF_A_DAY = 144;

/** A merge that is about to remove memories. */
export interface PlannedRemovals {
  /** Milliseconds since the epoch. */
  readonly now: number;
  /** Number of live memories that the merge would remove. */
  readonly count: number;
  /** Number of live memories before the merge. */
  readonly live: number;
  /** The budget of a day: a merge is held when the sum exceeds both. `share` is a fraction of all memories. */
  readonly limit: { readonly count: number; readonly share: number };
}

export interface SpentRemovals {
  readonly held: boolean;
  /** Number of memories that unconfirmed merges removed in the 24 hours before. */
  readonly lately: number;
  /** The note for after the merge. */
  readonly note: JsonValue;
}

/**
 * Adds a merge to the removals of the last 24 hours, so that many small steps, from any number of machines, count like
 * a large one. The note has the number of removed memories by ten minutes.
 * @param note the result of the last call; null when there was none
 */
export function spendRemovals(
  note: JsonValue | null,
  { now, count, live, limit }: PlannedRemovals,
): SpentRemovals {
  const slot = Math.floor(now / SLOT_MS);
  const slots = new Map<number, number>();
  for (const [at, removed] of readSlots(note)) {
    // Where the clock was set back, removals of the future count as those of now.
    const known = Math.min(at, slot);
    if (known > slot - SLOTS_OF_A_DAY) slots.set(known, (slots.get(known) ?? 0) + removed);
  }
  const lately = [...slots.values()].reduce((sum, removed) => sum + removed, 0);
  const sum = lately + count;
  const held = count > 0 && sum > limit.count && sum > limit.share * (live + lately);
  slots.set(slot, (slots.get(slot) ?? 0) + count);
  return { held, lately, note: Object.fromEntries(slots) };
}

/** Ignores notes that no merge has written. */
function readSlots(note: JsonValue | null): [slot: number, removed: number][] {
  if (note === null || typeof note !== 'object' || Array.isArray(note)) return [];
  return Object.entries(note).flatMap(([slot, removed]): [number, number][] =>
    /^\d+$/.test(slot) && typeof removed === 'number' && removed > 0 ? [[Number(slot), removed]] : [],
  );
}
