import { toHex } from '../../memory/digest.ts';
import { currentVersion, isConflict } from '../../memory/version.ts';
import type { ChangeExample, ChangeList } from '../replica-store.ts';
import { derive } from './derived-state.ts';
import type { StoredMemory } from './stored-memory.ts';

const MAX_EXAMPLES = 5;
const MAX_TEXT = 200;

interface GrowingList {
  count: number;
  readonly examples: ChangeExample[];
}

/** Counts what users see change, memory by memory. */
export class ChangeCounter {
  readonly #added: GrowingList = { count: 0, examples: [] };
  readonly #changed: GrowingList = { count: 0, examples: [] };
  readonly #removed: GrowingList = { count: 0, examples: [] };
  conflicts = 0;
  reusedDots = 0;
  missingIds = 0;
  keptErased = 0;

  /** @param before null for a memory that was not known */
  note(before: StoredMemory | null, after: StoredMemory): void {
    if (before === after) return;
    if (before === null) {
      this.#noteNew(after);
      return;
    }
    const old = derive(before);
    const now = derive(after);
    if (now.entry.conflict && !old.entry.conflict) this.conflicts += 1;
    const oldHash = old.entry.contentHash;
    const newHash = now.entry.contentHash;
    if (newHash === null) {
      if (oldHash !== null) this.#count(this.#removed, after.id, old.current.text);
    } else if (oldHash === null) this.#count(this.#added, after.id, now.current.text);
    else if (toHex(oldHash) !== toHex(newHash)) this.#count(this.#changed, after.id, now.current.text);
  }

  /** Without its hashes, which cost most of the time for a whole store. */
  #noteNew({ id, siblings }: StoredMemory): void {
    if (isConflict(siblings)) this.conflicts += 1;
    const { state, text } = currentVersion(siblings);
    if (state === 'live') this.#count(this.#added, id, text);
  }

  #count(list: GrowingList, id: string, text: string): void {
    list.count += 1;
    if (list.examples.length < MAX_EXAMPLES) {
      list.examples.push({ id, text: text.slice(0, MAX_TEXT).toWellFormed() });
    }
  }

  get lists(): Record<'added' | 'changed' | 'removed', ChangeList> {
    return { added: this.#added, changed: this.#changed, removed: this.#removed };
  }
}
