import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { LOCAL_REPOSITORY_ID, rememberAbandoned, renamingOf } from '../../../src/backup/own-identity.ts';
import type { MemoryState } from '../../../src/backup/ports.ts';
import { type VersionVector, compareVersionVectors, type JsonValue } from '../../../src/memory/version.ts';
import { InMemoryReplica } from '../../helpers/in-memory-replica.ts';
import type { MemoryTable } from '../../helpers/memory-table.ts';
import { idOf } from '../../helpers/model-store.ts';
import { WriteHistory } from '../../helpers/write-history.ts';

interface Commit {
  readonly commitId: string;
  readonly seq: number;
  readonly ownWrites: number;
}

/** What one machine published last. */
interface Posting extends Commit {
  readonly past: readonly Commit[];
  readonly clock: VersionVector;
  readonly sequence: number;
  /** Oldest first; the newest that has a memory has its whole state. */
  readonly parts: readonly { readonly name: string; readonly states: readonly MemoryState[] }[];
}

const PLACE = 'board';

/** The rules by which machines publish and merge, without the objects, the encoding and the failures of a real store. */
class BulletinBoard {
  readonly #postings = new Map<string, Posting>();
  #commits = 0;

  async publish(replica: InMemoryReplica): Promise<void> {
    await this.#ensureOwn(replica);
    const { machine, table } = replica;
    const previous = this.#postings.get(machine);
    const continues = previous !== undefined && previous.sequence <= table.sequence;
    const commit = this.#nextCommit(previous, table.clock[machine] ?? 0);
    const states = table.changesSince(continues ? previous.sequence : 0);
    await replica.recordAttempt(PLACE, { ...commit, sealed: false });
    this.#postings.set(machine, {
      ...commit,
      past: previous === undefined ? [] : [previous, ...previous.past],
      clock: table.clock,
      sequence: table.sequence,
      parts: [...(continues ? previous.parts : []), { name: commit.commitId, states }],
    });
  }

  /** Merges what every other machine published; of machines that were merged before only the newer parts. */
  async merge(replica: InMemoryReplica): Promise<void> {
    await this.#ensureOwn(replica);
    for (const [machine, posting] of this.#postings) {
      if (machine === replica.machine) continue;
      const order = compareVersionVectors(posting.clock, replica.table.clock);
      if (order === 'before' || order === 'equal') continue;
      // What a forgotten identity had merged says nothing: its clock went back.
      const note = `merged:${machine}:${replica.machine}`;
      const merged = asNames(await replica.readNote(note));
      const fresh = posting.parts.filter(({ name }) => !merged.has(name));
      const staged = await replica.stage(newest(fresh.flatMap(({ states }) => states)));
      await staged.merge({
        clock: posting.clock,
        complete: fresh.length === posting.parts.length,
        note: { name: note, value: posting.parts.map(({ name }) => name) },
      });
    }
  }

  async #ensureOwn(replica: InMemoryReplica): Promise<void> {
    const posting = this.#postings.get(replica.machine);
    if (posting === undefined || (await replica.findAttempt(PLACE, posting.commitId)) !== null) return;
    const own = await Promise.all(posting.past.map(({ commitId }) => replica.findAttempt(PLACE, commitId)));
    const lastShared = own.find((attempt) => attempt !== null)?.ownWrites ?? 0;
    await rememberAbandoned(replica, replica.machine, lastShared);
    await replica.takeNewIdentity(replica.machine, lastShared);
  }

  #nextCommit(previous: Posting | undefined, ownWrites: number): Commit {
    this.#commits += 1;
    const commitId = this.#commits.toString(16).padStart(16, '0');
    return { commitId, seq: (previous?.seq ?? 0) + 1, ownWrites };
  }
}

function asNames(note: JsonValue | null): Set<JsonValue> {
  return new Set(Array.isArray(note) ? note : []);
}

// eslint-disable-next-line @typescript-eslint/require-await -- states arrive asynchronously
async function* newest(states: readonly MemoryState[]): AsyncGenerator<MemoryState> {
  yield* new Map(states.map((state) => [state.id, state])).values();
}

const MEMORIES = 4;
const MACHINES = 4;

const WRITES = ['write', 'write', 'write', 'delete', 'restore', 'purge'] as const;
const EXCHANGES = ['publish', 'publish', 'merge', 'merge'] as const;
const REST = ['strip', 'remember', 'revert'] as const;
const FOLDER_ACCIDENTS = ['clone', 'roll back'] as const;

type Kind =
  | (typeof WRITES)[number]
  | (typeof EXCHANGES)[number]
  | (typeof REST)[number]
  | (typeof FOLDER_ACCIDENTS)[number];

interface Step {
  readonly kind: Kind;
  readonly on: number;
  readonly memory: number;
}

/** A state that a machine had once, as a snapshot holds it. */
interface Remembered {
  readonly machine: string;
  readonly states: readonly MemoryState[];
  readonly clock: VersionVector;
}

interface Folder {
  readonly replica: InMemoryReplica;
  /** A local backup: it is copied and rolled back with the folder. */
  snapshot: Remembered | null;
  /** A copy of the folder, with the writes that were made and not published since. */
  copy: {
    readonly replica: InMemoryReplica;
    readonly snapshot: Remembered | null;
    readonly atRisk: { id: string; updatedAt: number }[];
  } | null;
}

/** Several data folders, the board on which they publish, and the oracle of what they must still know. */
class World {
  readonly folders: Folder[] = [];
  readonly history = new WriteHistory();
  readonly #board = new BulletinBoard();
  #texts = 0;

  constructor() {
    let time = Date.UTC(2026, 0, 1);
    let ids = 0;
    const now = (): number => (time += 1_000);
    const random = (size: number): Buffer => {
      ids += 1;
      return Buffer.from(ids.toString(16).padStart(size * 2, '0'), 'hex');
    };
    for (let index = 0; index < MACHINES; index += 1) this.#add(new InMemoryReplica({ now, random }), null);
  }

  async run({ kind, on, memory }: Step): Promise<void> {
    const folder = this.folders[on % this.folders.length];
    if (folder === undefined) return;
    const { replica } = folder;
    if (kind === 'publish') await this.#publish(folder);
    else if (kind === 'merge') await this.#board.merge(replica);
    else if (kind === 'strip') replica.strip();
    else if (kind === 'remember')
      folder.snapshot = {
        machine: replica.machine,
        states: replica.table.states(),
        clock: replica.table.clock,
      };
    else if (kind === 'revert') await this.#revert(folder);
    else if (kind === 'clone') this.#clone(folder);
    else if (kind === 'roll back') this.#rollBack(folder);
    else this.#act(folder, idOf(memory), kind);
  }

  /** Everybody publishes and merges until nobody learns anything new. */
  async settle(): Promise<void> {
    for (let round = 0; round < 4; round += 1) {
      for (const folder of this.folders) {
        await this.#board.merge(folder.replica);
        await this.#publish(folder);
      }
    }
  }

  #add(replica: InMemoryReplica, snapshot: Remembered | null): void {
    this.folders.push({ replica, snapshot, copy: null });
  }

  #act(folder: Folder, id: string, kind: 'write' | 'delete' | 'restore' | 'purge'): void {
    this.#texts += 1;
    const text = `text ${this.#texts}`;
    const before = folder.replica.table;
    if (kind === 'write') folder.replica.write(id, text);
    else folder.replica[kind](id);
    this.#acknowledge(folder, before);
  }

  /** Tells the oracle what was written since, and what it replaced. */
  #acknowledge({ replica, copy }: Folder, before: MemoryTable): void {
    const after = replica.table;
    for (const id of after.ids()) {
      if (after.siblings(id) === before.siblings(id)) continue;
      this.history.acknowledge(id, before.siblings(id), after.siblings(id));
      for (const { updatedAt } of after.siblings(id)) copy?.atRisk.push({ id, updatedAt });
    }
  }

  async #publish(folder: Folder): Promise<void> {
    await this.#board.publish(folder.replica);
    folder.copy?.atRisk.splice(0);
  }

  async #revert(folder: Folder): Promise<void> {
    if (folder.snapshot === null) return;
    const { machine, states: stored, clock: storedClock } = folder.snapshot;
    const place = { repositoryId: LOCAL_REPOSITORY_ID, machine: folder.replica.machine };
    const renaming = await renamingOf(folder.replica, place, machine);
    const states = renaming === null ? stored : stored.map((state) => renaming.state(state));
    const clock = renaming === null ? storedClock : renaming.clock(storedClock);
    const staged = await folder.replica.stage(stream(states));
    await staged.merge({ clock, complete: true });
    const before = folder.replica.table;
    const { keptErased, after } = await staged.restore({ clock, complete: true });
    this.#acknowledge(folder, before);
    const scratch = new InMemoryReplica();
    const copied = await scratch.stage(stream(states));
    const { after: wanted } = await copied.merge({ clock, complete: true });
    if (keptErased === 0) expect(after.contentDigest).toBe(wanted.contentDigest);
  }

  #clone(folder: Folder): void {
    if (this.folders.length < 2 * MACHINES) this.#add(folder.replica.clone(), folder.snapshot);
  }

  /** The first time it makes the copy, the second time it puts it back. */
  #rollBack(folder: Folder): void {
    if (folder.copy === null) {
      folder.copy = { replica: folder.replica.clone(), snapshot: folder.snapshot, atRisk: [] };
      return;
    }
    for (const { id, updatedAt } of folder.copy.atRisk) this.history.excuse(id, updatedAt);
    folder.replica.rollBackTo(folder.copy.replica);
    folder.snapshot = folder.copy.snapshot;
    folder.copy = null;
  }
}

// eslint-disable-next-line @typescript-eslint/require-await -- states arrive asynchronously
async function* stream(states: readonly MemoryState[]): AsyncGenerator<MemoryState> {
  yield* states;
}

function stepsOf(kinds: readonly Kind[]): fc.Arbitrary<Step[]> {
  const step = fc.record({
    kind: fc.constantFrom(...kinds),
    on: fc.nat({ max: 2 * MACHINES - 1 }),
    memory: fc.nat({ max: MEMORIES - 1 }),
  });
  return fc.array(step, { maxLength: 60, size: 'max' });
}

async function play(steps: readonly Step[]): Promise<World> {
  const world = new World();
  for (const step of steps) await world.run(step);
  await world.settle();
  return world;
}

function assertEqualEverywhere({ folders }: World): void {
  const digests = folders.map(({ replica }) => replica.table.digests());
  for (const digest of digests) expect(digest).toEqual(digests[0]);
}

const RUNS = { numRuns: 300 };

describe('machines that exchange what they have, in any order', () => {
  test('end equal, lose no write, and bring back nothing that was replaced, deleted or erased', async () => {
    await fc.assert(
      fc.asyncProperty(stepsOf([...WRITES, ...EXCHANGES, ...REST]), async (steps) => {
        const world = await play(steps);
        assertEqualEverywhere(world);
        for (const { replica } of world.folders) {
          expect(world.history.lostIn(replica.table)).toEqual([]);
          expect(world.history.returnedIn(replica.table)).toEqual([]);
        }
      }),
      RUNS,
    );
  });

  test('end equal and lose no write when data folders are copied and rolled back meanwhile', async () => {
    await fc.assert(
      fc.asyncProperty(stepsOf([...WRITES, ...EXCHANGES, ...REST, ...FOLDER_ACCIDENTS]), async (steps) => {
        const world = await play(steps);
        assertEqualEverywhere(world);
        for (const { replica } of world.folders) expect(world.history.lostIn(replica.table)).toEqual([]);
      }),
      RUNS,
    );
  });
});
