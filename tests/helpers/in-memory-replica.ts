import { randomBytes } from 'node:crypto';
import type { SeenCommit } from '../../src/backup/format/head.ts';
import { InMemoryHeadJournal } from './in-memory-head-journal.ts';
import type { CarriedVersion, MemoryState, OwnCommit, SnapshotView } from '../../src/backup/ports.ts';
import type { RandomBytes } from '../../src/backup/format/names.ts';
import { MAX_COUNTER, type Dot, type JsonValue, type VersionState } from '../../src/memory/version.ts';
import type {
  ReplicaIdentity,
  ReplicaStore,
  StagedStates,
  VectorRepair,
  VectorReport,
} from '../../src/store/replica-store.ts';
import { InMemoryStagedStates } from './in-memory-staged-states.ts';
import { MemoryTable } from './memory-table.ts';

export interface InMemoryReplicaOptions {
  /** 16 hex digits; default random. */
  readonly machine?: string;
  /** Milliseconds since the epoch. Default: one second later at every look. */
  readonly now?: () => number;
  /** For new machine ids. */
  readonly random?: RandomBytes;
}

/**
 * A data folder in memory: everything that survives the end of a process (memories, journal, notes), with the
 * writes of a user. Every method is one transaction that never fails.
 */
export class InMemoryReplica implements ReplicaStore {
  readonly #now: () => number;
  readonly #random: RandomBytes;
  #table: MemoryTable;
  #journal = new InMemoryHeadJournal();
  #notes = new Map<string, JsonValue>();

  constructor(options: InMemoryReplicaOptions = {}) {
    this.#random = options.random ?? randomBytes;
    this.#now = options.now ?? tickingClock();
    this.#table = new MemoryTable(options.machine ?? newMachineId(this.#random));
  }

  get machine(): string {
    return this.#table.machine;
  }

  /** For reading: it does not change any more once the replica does. */
  get table(): MemoryTable {
    return this.#table;
  }

  /** Adds a memory, or replaces whatever became of it: all siblings that are known here. */
  write(id: string, text: string): Dot {
    return this.#replace(id, 'live', text);
  }

  /** @returns null when it is not live: nothing was written */
  delete(id: string): Dot | null {
    const current = this.#table.current(id);
    return current?.state === 'live' ? this.#replace(id, 'deleted', current.text) : null;
  }

  /** Brings a memory back from the trash. @returns null when it is not there */
  restore(id: string): Dot | null {
    const current = this.#table.current(id);
    return current?.state === 'deleted' ? this.#replace(id, 'live', current.text) : null;
  }

  /** Erases the content. @returns null when there is nothing to erase */
  purge(id: string): Dot | null {
    const current = this.#table.current(id);
    return current === null || current.state === 'purged' ? null : this.#replace(id, 'purged', '');
  }

  /** Takes the content out of everything in the trash. */
  strip(): void {
    this.#transact((table) => {
      for (const id of table.ids()) {
        if (table.current(id)?.state !== 'deleted') continue;
        table.set(id, table.siblings(id).map(stripped));
      }
    });
  }

  /** A copy of the data folder as it is now. */
  clone(): InMemoryReplica {
    const copy = new InMemoryReplica({ machine: this.machine, now: this.#now, random: this.#random });
    copy.rollBackTo(this);
    return copy;
  }

  /** Puts the data folder of `copy` in this one's place. */
  rollBackTo(copy: InMemoryReplica): void {
    this.#table = copy.#table;
    this.#journal = copy.#journal.clone();
    this.#notes = new Map(copy.#notes);
  }

  identity(): Promise<ReplicaIdentity> {
    const { machine, sequence } = this.#table;
    return Promise.resolve({ machine, sequence, ...this.#table.facts(), ...this.#table.digests() });
  }

  openView(): Promise<SnapshotView> {
    const table = this.#table;
    const { memories, live, trash } = table.facts();
    return Promise.resolve({
      machine: table.machine,
      sequence: table.sequence,
      ...table.digests(),
      facts: { memories, live, trash },
      // eslint-disable-next-line @typescript-eslint/require-await -- the port is asynchronous, memory is not
      async *changesSince(sequence: number) {
        yield* table.changesSince(sequence);
      },
      close: () => Promise.resolve(),
    });
  }

  async stage(states: AsyncIterable<MemoryState>): Promise<StagedStates> {
    const collected: MemoryState[] = [];
    for await (const state of states) collected.push(state);
    return new InMemoryStagedStates(collected, {
      table: () => this.#table,
      now: this.#now,
      readNote: (name) => this.#notes.get(name) ?? null,
      commit: (table, notes) => {
        this.#table = table;
        for (const { name, value } of notes) this.#setNote(name, value);
      },
    });
  }

  /** A merge is one step here. */
  lease(): Promise<boolean> {
    return Promise.resolve(true);
  }

  finishMerge(): Promise<void> {
    return Promise.resolve();
  }

  takeNewIdentity(machine: string, lastSharedWrite: number): Promise<string> {
    if (machine !== this.machine) return Promise.resolve(this.machine);
    this.#transact((table) => {
      const { [machine]: writes = 0, ...others } = table.clock;
      const shared = Math.min(writes, lastSharedWrite);
      table.clock = shared > 0 ? { ...others, [machine]: shared } : others;
      table.machine = newMachineId(this.#random);
      const isUnshared = ({ dot }: CarriedVersion): boolean => dot.machine === machine && dot.n > shared;
      const unshared = table
        .states()
        .flatMap(({ id, siblings }) => siblings.filter(isUnshared).map((version) => ({ id, version })))
        .sort((a, b) => a.version.dot.n - b.version.dot.n);
      for (const { id, version } of unshared) {
        const renamed = { ...version, dot: table.nextDot() };
        table.set(
          id,
          table.siblings(id).map((sibling) => (sibling === version ? renamed : sibling)),
        );
      }
    });
    return Promise.resolve(this.machine);
  }

  async repairVector({ published, fix, newIdentity }: VectorRepair): Promise<VectorReport> {
    const { machine, table } = this;
    const counters = Object.entries(table.clock).flatMap(([name, claimed]) => {
      const own = name === machine;
      const limit = own ? table.sequence + 100_000 : (published[name] ?? MAX_COUNTER);
      const dots = table.states().flatMap(({ siblings }) => siblings.map(({ dot }) => dot));
      const known = dots.filter((dot) => dot.machine === name && dot.n <= limit).map(({ n }) => n);
      return claimed > limit ? [{ machine: name, own, claimed, believed: Math.max(0, ...known) }] : [];
    });
    if (fix && (newIdentity || counters.some(({ own }) => own))) await this.takeNewIdentity(machine, 0);
    if (fix)
      for (const { machine: name, own, believed } of counters) if (!own) this.#forgetAbove(name, believed);
    return { counters, machine: this.machine, copy: null };
  }

  /** Writes again under the own name what another machine is not believed to have written. */
  #forgetAbove(name: string, believed: number): void {
    this.#transact((table) => {
      const others = Object.entries(table.clock).filter(([machine]) => machine !== name);
      table.clock = Object.fromEntries(believed > 0 ? [...others, [name, believed]] : others);
      const isAbove = ({ dot }: CarriedVersion): boolean => dot.machine === name && dot.n > believed;
      for (const { id, siblings } of table.states()) {
        if (!siblings.some(isAbove)) continue;
        table.set(
          id,
          siblings.map((version) => (isAbove(version) ? { ...version, dot: table.nextDot() } : version)),
        );
      }
    });
  }

  readNote(name: string): Promise<JsonValue | null> {
    return Promise.resolve(this.#notes.get(name) ?? null);
  }

  writeNote(name: string, value: JsonValue | null): Promise<void> {
    this.#setNote(name, value);
    return Promise.resolve();
  }

  recordAttempt(repositoryId: string, commit: OwnCommit): Promise<void> {
    return this.#journal.recordAttempt(repositoryId, commit);
  }

  findAttempt(repositoryId: string, commitId: string): Promise<OwnCommit | null> {
    return this.#journal.findAttempt(repositoryId, commitId);
  }

  recordSeen(repositoryId: string, machine: string, commit: SeenCommit): Promise<void> {
    return this.#journal.recordSeen(repositoryId, machine, commit);
  }

  findSeen(repositoryId: string, machine: string): Promise<SeenCommit | null> {
    return this.#journal.findSeen(repositoryId, machine);
  }

  #replace(id: string, state: VersionState, text: string): Dot {
    return this.#transact((table) => {
      const dot = table.nextDot();
      const updatedAt = this.#now();
      const createdAt = table.current(id)?.createdAt ?? updatedAt;
      const content = { text, tags: [], source: '', metadata: {}, createdAt, updatedAt };
      table.set(id, [{ dot, state, ...content, vectors: [] }]);
      return dot;
    });
  }

  #transact<R>(work: (table: MemoryTable) => R): R {
    const table = this.#table.copy();
    const result = work(table);
    this.#table = table;
    return result;
  }

  #setNote(name: string, value: JsonValue | null): void {
    if (value === null) this.#notes.delete(name);
    else this.#notes.set(name, value);
  }
}

function stripped(version: CarriedVersion): CarriedVersion {
  if (version.state !== 'deleted') return version;
  return { ...version, state: 'stripped', text: '', tags: [], source: '', metadata: {}, vectors: [] };
}

function newMachineId(random: RandomBytes): string {
  return random(8).toString('hex');
}

function tickingClock(): () => number {
  let time = Date.UTC(2026, 0, 1);
  return () => (time += 1_000);
}
