import { InMemoryBlobStore, type StoredBlob } from '../../src/blob/in-memory-blob-store.ts';
import type { InMemoryReplica } from '../helpers/in-memory-replica.ts';
import { publishStrange, STRANGER, strangeState } from '../helpers/sync/hostile-snapshot.ts';
import { SeededRandom } from './seeded-random.ts';

/** More than any machine makes in one seed. */
export const MANY_WRITES = 5_000;
/** A memory that only the adversary writes. */
const STRANGE_MEMORY = 90;
/** Keeps its dice apart from those of the seed. */
const ADVERSARY = 7_000_003;

/** Somebody who may write any well-formed object to the bucket. It has its own dice, so that it changes no others. */
export class Adversary {
  readonly #random: SeededRandom;
  readonly #bucket: Map<string, StoredBlob>;

  /** @returns null when everybody is honest in this seed */
  static of(seed: number, bucket: Map<string, StoredBlob>): Adversary | null {
    const dice = new SeededRandom(seed + ADVERSARY);
    return dice.chance(0.3) ? new Adversary(dice, bucket) : null;
  }

  private constructor(random: SeededRandom, bucket: Map<string, StoredBlob>) {
    this.#random = random;
    this.#bucket = bucket;
  }

  /** @returns what it did, for the trace */
  async mayAttack(machines: readonly InMemoryReplica[]): Promise<string[]> {
    if (!this.#random.chance(0.3)) return [];
    const { machine, table } = this.#random.pick(machines);
    return [await this.#claimTooMuch(machine, table.clock[machine] ?? 0)];
  }

  /** A well-formed snapshot whose version vector claims too much. */
  async #claimTooMuch(machine: string, made: number): Promise<string> {
    const random = this.#random;
    const claimed = made + random.pick([MANY_WRITES * 2, 2 ** 40, Number.MAX_SAFE_INTEGER - made]);
    const n = 1 + random.below(1_000);
    const states = [strangeState(STRANGE_MEMORY, { dot: { machine: STRANGER, n } })];
    await publishStrange(
      new InMemoryBlobStore({ objects: this.#bucket }),
      { [STRANGER]: n, [machine]: claimed },
      states,
    );
    return `the adversary claims ${claimed} writes of ${machine}`;
  }
}
