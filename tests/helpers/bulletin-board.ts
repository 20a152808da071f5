import { rememberGivenUp } from '../../src/backup/given-up-writes.ts';
import type { MemoryState } from '../../src/backup/memory-state.ts';
import { compareClocks, type Clock, type JsonValue } from '../../src/memory/version.ts';
import type { InMemoryReplica } from './in-memory-replica.ts';

interface Commit {
  readonly commitId: string;
  readonly seq: number;
  readonly ownWrites: number;
}

/** What one machine published last. */
interface Posting extends Commit {
  readonly past: readonly Commit[];
  readonly clock: Clock;
  readonly sequence: number;
  /** Oldest first; the newest that has a memory has its whole state. */
  readonly parts: readonly { readonly name: string; readonly states: readonly MemoryState[] }[];
}

const PLACE = 'board';

/** The rules by which machines publish and merge, without the objects, the encoding and the failures of a real store. */
export class BulletinBoard {
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
      const order = compareClocks(posting.clock, replica.table.clock);
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
    await rememberGivenUp(replica, replica.machine, lastShared);
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
