import type { CarriedVersion, MemoryState } from '../../src/backup/ports.ts';
import type { SnapshotFacts } from '../../src/backup/format/manifest.ts';
import {
  addHash,
  contentHash,
  emptySum,
  siblingsHash,
  storeDigests,
  subtractHash,
  type HashSum,
} from '../../src/memory/digest.ts';
import type { StoreDigests } from '../../src/memory/memory.ts';
import { currentVersion, isConflict, type VersionVector, type Dot } from '../../src/memory/version.ts';

interface Row {
  readonly sequence: number;
  readonly siblings: readonly CarriedVersion[];
  readonly current: CarriedVersion;
  readonly conflict: boolean;
  readonly content: HashSum | null;
  readonly state: HashSum;
}

/** The truth of an in-memory replica at one moment. A transaction works on a copy and puts it in the old one's place. */
export class MemoryTable {
  readonly #rows: Map<string, Row>;
  machine: string;
  clock: VersionVector = {};
  sequence = 0;
  #content = emptySum();
  #state = emptySum();

  constructor(machine: string, rows: ReadonlyMap<string, Row> = new Map()) {
    this.machine = machine;
    this.#rows = new Map(rows);
  }

  copy(): MemoryTable {
    const copy = new MemoryTable(this.machine, this.#rows);
    copy.clock = this.clock;
    copy.sequence = this.sequence;
    copy.#content = this.#content;
    copy.#state = this.#state;
    return copy;
  }

  ids(): string[] {
    return [...this.#rows.keys()];
  }

  /** Empty when the id is unknown. */
  siblings(id: string): readonly CarriedVersion[] {
    return this.#rows.get(id)?.siblings ?? [];
  }

  /** Null when the id is unknown. */
  current(id: string): CarriedVersion | null {
    return this.#rows.get(id)?.current ?? null;
  }

  hasConflict(id: string): boolean {
    return this.#rows.get(id)?.conflict ?? false;
  }

  states(): MemoryState[] {
    return this.changesSince(0);
  }

  changesSince(sequence: number): MemoryState[] {
    return [...this.#rows].flatMap(([id, row]) =>
      row.sequence > sequence ? [{ id, siblings: row.siblings }] : [],
    );
  }

  /** Name for the next write of this machine. */
  nextDot(): Dot {
    const n = (this.clock[this.machine] ?? 0) + 1;
    this.clock = { ...this.clock, [this.machine]: n };
    return { machine: this.machine, n };
  }

  set(id: string, siblings: readonly CarriedVersion[]): void {
    const before = this.#rows.get(id);
    if (before !== undefined) {
      this.#state = subtractHash(this.#state, before.state);
      if (before.content !== null) this.#content = subtractHash(this.#content, before.content);
    }
    this.sequence += 1;
    const row = createRow(id, siblings, this.sequence);
    this.#state = addHash(this.#state, row.state);
    if (row.content !== null) this.#content = addHash(this.#content, row.content);
    this.#rows.set(id, row);
  }

  digests(): StoreDigests {
    return storeDigests({ content: this.#content, state: this.#state }, this.clock);
  }

  facts(): SnapshotFacts & { readonly conflicts: number } {
    const rows = [...this.#rows.values()];
    return {
      memories: rows.length,
      live: rows.filter(({ current }) => current.state === 'live').length,
      trash: rows.filter(({ current }) => current.state === 'deleted').length,
      conflicts: rows.filter(({ conflict }) => conflict).length,
    };
  }
}

function createRow(id: string, siblings: readonly CarriedVersion[], sequence: number): Row {
  const shown = currentVersion(siblings);
  // `currentVersion` returns one of the versions it was given.
  const current = siblings.find((version) => version === shown) ?? (shown as CarriedVersion);
  return {
    sequence,
    siblings,
    current,
    conflict: isConflict(siblings),
    content: current.state === 'live' ? contentHash(id, current) : null,
    state: siblingsHash(
      id,
      siblings.map(({ dot }) => dot),
    ),
  };
}
