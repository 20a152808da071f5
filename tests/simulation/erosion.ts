import type { InMemoryReplica } from '../helpers/in-memory-replica.ts';
import { idOf } from '../helpers/model-store.ts';
import type { SeededRandom } from './seeded-random.ts';
import type { SimulatedMachine } from './simulated-machine.ts';

const MEMORIES = 60;
/** Apart from the numbers of all other memories. */
const FIRST = 100;
const ROUNDS = 8;
const HOUR_MS = 3_600_000;

type Write = (replica: InMemoryReplica) => unknown;

/** What one machine does before it pushes and the others pull. */
export interface ErosionRound {
  /** Time before it, in milliseconds. */
  readonly wait: number;
  readonly author: SimulatedMachine;
  readonly name: string;
  /** @param write does one write and remembers it */
  readonly change: (write: (work: Write) => void) => void;
}

/** Removal by small steps: many memories are written, and machines then remove a few of them at a time. */
export function* erosion(
  random: SeededRandom,
  machines: readonly SimulatedMachine[],
): Generator<ErosionRound> {
  const ids = Array.from({ length: MEMORIES }, (_, index) => idOf(FIRST + index));
  const author = random.pick(machines);
  yield {
    wait: 0,
    author,
    name: 'write many and push',
    change: (write) => {
      for (const id of ids) write((replica) => replica.write(id, `text of ${id}`));
    },
  };
  for (let round = 0; round < ROUNDS; round += 1) {
    const remover = random.pick(machines);
    const count = 1 + random.below(14);
    yield {
      wait: random.pick([60_000, HOUR_MS, 3 * HOUR_MS, 20 * HOUR_MS]),
      author: remover,
      name: 'remove some and push',
      change: (write) => {
        const { table } = remover.folder.replica;
        const live = ids.filter((id) => table.current(id)?.state === 'live');
        for (const id of live.slice(0, count))
          write((replica) => (random.chance(0.7) ? replica.purge(id) : replica.delete(id)));
      },
    };
  }
}
