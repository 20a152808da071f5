import type { MemoryContent, VersionState } from '../../memory/version.ts';
import { type Connection, Query } from './connection.ts';
import { derive, settle, type SettleContext } from './derived-state.ts';
import { Totals } from './totals.ts';
import { type StoredMemory, storeVersion, expireVersion, withoutContent } from './rows.ts';
import { ChangedWords } from './full-text.ts';
import { confirmErasure } from './hidden.ts';

/** Number of replaced versions that a memory keeps as its local history. */
const HISTORY_LIMIT = 50;

const selectNextNum = new Query<[], { num: number }>('SELECT coalesce(max(num), 0) + 1 AS num FROM memory');
const replaceSiblings = new Query<[replacedAt: number, num: number]>(
  'UPDATE version SET sibling = 0, replaced_at = ? WHERE num = ? AND sibling = 1',
);
const deleteOldHistory = new Query<[num: number, num: number, keep: number]>(
  `DELETE FROM version WHERE num = ? AND sibling = 0 AND key <= (
     SELECT key FROM version WHERE num = ? AND sibling = 0 ORDER BY key DESC LIMIT 1 OFFSET ?)`,
);
/** Removes the replaced versions of a memory. */
export const deleteHistory = new Query<[num: number]>('DELETE FROM version WHERE num = ? AND sibling = 0');

/** The number of the next new memory. */
export function nextNum(connection: Connection): number {
  return selectNextNum.get(connection)?.num ?? 1;
}

export function trimHistory(connection: Connection, num: number): void {
  deleteOldHistory.run(connection, num, num, HISTORY_LIMIT);
}

/** Writes versions inside one write transaction. The caller calls `finish` before the commit. */
export class VersionWriter {
  readonly #connection: Connection;
  readonly #totals: Totals;
  readonly #words = new ChangedWords();
  readonly #now: number;

  /**
   * @param now time of the writes, milliseconds since the epoch
   * @param totals of a writer whose transaction was taken back, to go on counting
   */
  constructor(connection: Connection, now: number, totals = Totals.load(connection)) {
    this.#connection = connection;
    this.#totals = totals;
    this.#now = now;
  }

  get totals(): Totals {
    return this.#totals;
  }

  /** Context for memories that other code writes in the same transaction. */
  get settling(): SettleContext {
    return { connection: this.#connection, totals: this.#totals, words: this.#words };
  }

  /** Writes the first version of a new memory. */
  create(id: string, content: MemoryContent): StoredMemory {
    const num = nextNum(this.#connection);
    const version = storeVersion(
      this.#connection,
      { num, id },
      { ...content, dot: this.#totals.nextDot(), state: 'live' },
    );
    return this.#settle(null, { num, id, siblings: [version] });
  }

  /** Writes a version that replaces all siblings; they become history. */
  replace(memory: StoredMemory, state: VersionState, content: MemoryContent): StoredMemory {
    const { num, id } = memory;
    replaceSiblings.run(this.#connection, this.#now, num);
    const version = storeVersion(this.#connection, memory, {
      ...content,
      dot: this.#totals.nextDot(),
      state,
    });
    const after = this.#settle(memory, { num, id, siblings: [version] });
    trimHistory(this.#connection, num);
    return after;
  }

  /** Erases the content and the history of a memory in the trash. */
  strip(memory: StoredMemory): StoredMemory {
    const siblings = memory.siblings.map((version) =>
      version.state === 'deleted' ? expireVersion(this.#connection, version) : version,
    );
    const after = this.#settle(memory, { ...memory, siblings });
    deleteHistory.run(this.#connection, memory.num);
    return after;
  }

  /** Erases the content, history, words and vectors of a memory, at the request of this machine's user. */
  purge(memory: StoredMemory): StoredMemory {
    const { createdAt } = derive(memory).current;
    const after = this.replace(memory, 'purged', withoutContent({ createdAt, updatedAt: this.#now }));
    deleteHistory.run(this.#connection, memory.num);
    confirmErasure(this.#connection, memory.num);
    return after;
  }

  #settle(before: StoredMemory | null, after: StoredMemory): StoredMemory {
    settle(this.settling, before, after);
    return after;
  }

  /** Saves the totals and updates the full-text index. */
  finish(): void {
    this.#words.apply(this.#connection);
    this.#totals.save(this.#connection);
  }
}
