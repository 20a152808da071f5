import { addHash, storeDigests, subtractHash, type HashSum } from '../../memory/digest.ts';
import type { StoreDigests } from '../../memory/memory.ts';
import type { VersionVector, Dot } from '../../memory/version.ts';
import { type Connection, Query } from './connection.ts';
import { InconsistentStore } from './sqlite-errors.ts';

interface TotalsRow {
  machine: string;
  sequence: number;
  live: number;
  trash: number;
  conflicts: number;
  content_sum: Uint8Array;
  state_sum: Uint8Array;
}

const selectTotals = new Query<[], TotalsRow>('SELECT * FROM ledger');
const updateTotals = new Query<
  [sequence: number, live: number, trash: number, conflicts: number, content: Uint8Array, state: Uint8Array]
>('UPDATE ledger SET sequence = ?, live = ?, trash = ?, conflicts = ?, content_sum = ?, state_sum = ?');
const selectVersionVector = new Query<[], { machine: string; n: number }>('SELECT machine, n FROM clock');
const selectOwnCount = new Query<[machine: string], { n: number }>('SELECT n FROM clock WHERE machine = ?');
const upsertOwnCount = new Query<[machine: string, n: number]>(
  'INSERT INTO clock (machine, n) VALUES (?, ?) ON CONFLICT (machine) DO UPDATE SET n = excluded.n',
);

/** The contribution of one memory to the totals. */
export interface TotalsEntry {
  readonly live: boolean;
  readonly trash: boolean;
  readonly conflict: boolean;
  /** Null when the memory is not live. */
  readonly contentHash: HashSum | null;
  readonly siblingsHash: HashSum;
}

/** The store's totals. They are loaded at the start of a write transaction and saved before its commit. */
export class Totals {
  readonly machine: string;
  readonly #row: TotalsRow;
  readonly #writesAtStart: number;
  #writes: number;

  private constructor(row: TotalsRow, writes: number) {
    this.machine = row.machine;
    this.#row = row;
    this.#writesAtStart = writes;
    this.#writes = writes;
  }

  static load(connection: Connection): Totals {
    const row = readTotals(connection);
    return new Totals(row, selectOwnCount.get(connection, row.machine)?.n ?? 0);
  }

  /** Sets the number of the last change, so that the next one is the one after it. */
  countFrom(sequence: number): void {
    this.#row.sequence = sequence;
  }

  nextSequence(): number {
    return ++this.#row.sequence;
  }

  /** The dot of the next write of this machine. */
  nextDot(): Dot {
    return { machine: this.machine, n: ++this.#writes };
  }

  add(entry: TotalsEntry): void {
    this.#count(entry, 1);
    this.#row.state_sum = addHash(this.#row.state_sum, entry.siblingsHash);
    if (entry.contentHash !== null) {
      this.#row.content_sum = addHash(this.#row.content_sum, entry.contentHash);
    }
  }

  subtract(entry: TotalsEntry): void {
    this.#count(entry, -1);
    this.#row.state_sum = subtractHash(this.#row.state_sum, entry.siblingsHash);
    if (entry.contentHash !== null) {
      this.#row.content_sum = subtractHash(this.#row.content_sum, entry.contentHash);
    }
  }

  #count(entry: TotalsEntry, step: 1 | -1): void {
    if (entry.live) this.#row.live += step;
    if (entry.trash) this.#row.trash += step;
    if (entry.conflict) this.#row.conflicts += step;
  }

  save(connection: Connection): void {
    const { sequence, live, trash, conflicts, content_sum, state_sum } = this.#row;
    updateTotals.run(connection, sequence, live, trash, conflicts, content_sum, state_sum);
    if (this.#writes > this.#writesAtStart) upsertOwnCount.run(connection, this.machine, this.#writes);
  }
}

/** The totals that were saved last. */
export function readTotals(connection: Connection): TotalsRow {
  const row = selectTotals.get(connection);
  if (row === undefined) throw new InconsistentStore('the totals are missing');
  return row;
}

export function readVersionVector(connection: Connection): VersionVector {
  return Object.fromEntries(selectVersionVector.all(connection).map(({ machine, n }) => [machine, n]));
}

export function readDigests(connection: Connection): StoreDigests {
  const row = readTotals(connection);
  return storeDigests({ content: row.content_sum, state: row.state_sum }, readVersionVector(connection));
}
