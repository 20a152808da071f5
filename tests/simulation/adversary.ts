import { InMemoryBlobStore, type StoredBlob } from '../../src/blob/in-memory-blob-store.ts';
import type { InMemoryReplica } from '../helpers/in-memory-replica.ts';
import { changeHead, publishStrange, STRANGER, strangeState } from '../helpers/sync/hostile-snapshot.ts';
import { SeededRandom } from './seeded-random.ts';

/** More than any machine makes in one seed. */
export const MANY_WRITES = 5_000;
/** A memory that only the adversary writes. */
const STRANGE_MEMORY = 90;
/** Keeps its dice apart from those of the seed. */
const ADVERSARY = 7_000_003;

/**
 * Somebody who may write any well-formed object to the bucket. It has its own dice, so that it changes no others. In half
 * of its seeds it only destroys: it invents no content and no version vector, so all machines must end in one state.
 */
export class Adversary {
  /** Objects in the folders of machines that it has replaced. */
  readonly forged = new Set<string>();
  readonly onlyDestroys: boolean;
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
    this.onlyDestroys = random.chance(0.5);
  }

  /** @returns what it did, for the trace */
  async mayAttack(machines: readonly InMemoryReplica[]): Promise<string[]> {
    if (!this.#random.chance(0.3)) return [];
    const { machine, table } = this.#random.pick(machines);
    const made = table.clock[machine] ?? 0;
    switch (this.#random.below(this.onlyDestroys ? 4 : 7)) {
      case 0:
        return [await this.#inventCommit(machine)];
      case 1:
        return [await this.#replaceHead(machine)];
      case 2:
        this.#bucket.delete(`v1/${machine}/head`);
        return [`the adversary deletes the head of ${machine}`];
      case 3:
        return this.#exchange(machine);
      case 4:
        return [await this.#useNames(machine, made)];
      case 5:
        return [await this.#publishAs(machine, made)];
      default:
        return [await this.#claimTooMuch(machine, made)];
    }
  }

  /** A snapshot that gives other content to the names of writes that a machine has made. */
  async #useNames(machine: string, made: number): Promise<string> {
    const random = this.#random;
    const dots = Array.from({ length: made }, (_, index) => ({ machine, n: index + 1 }));
    const states = dots
      .slice(0, 4)
      .map((dot, index) => strangeState(index, { dot, text: `forged ${dot.n}` }));
    await publishStrange(
      this.#store(),
      { [STRANGER]: 1 + random.below(9), ...(made > 0 ? { [machine]: made } : {}) },
      [...states, strangeState(STRANGE_MEMORY)],
    );
    return `the adversary uses the names of ${made} writes of ${machine}`;
  }

  /** A witness of a commit that never was. */
  async #inventCommit(machine: string): Promise<string> {
    await publishStrange(this.#store(), { [STRANGER]: 1 }, [strangeState(STRANGE_MEMORY)]);
    const commit = [1 + this.#random.below(40), this.#random.bytes(8).toString('hex'), 1];
    changeHead(this.#bucket, STRANGER, (head) => ({ ...head, witnesses: [[machine, [commit]]] }));
    return `the adversary invents a commit of ${machine}`;
  }

  /** A well-formed head without snapshots, in the folder of another machine. */
  async #replaceHead(machine: string): Promise<string> {
    await publishStrange(this.#store(), { [STRANGER]: 1 }, [strangeState(STRANGE_MEMORY)]);
    const forged = changeHead(this.#bucket, STRANGER, (head) => ({ ...head, machine, snapshots: [] }));
    this.#bucket.set(`v1/${machine}/head`, forged);
    this.#bucket.delete(`v1/${STRANGER}/head`);
    return `the adversary replaces the head of ${machine}`;
  }

  /** Another well-formed manifest or segment of the same machine in the place of one. */
  #exchange(machine: string): string[] {
    const kind = this.#random.pick(['snapshots', 'segments']);
    const keys = [...this.#bucket.keys()].filter((key) => key.startsWith(`v1/${machine}/${kind}/`)).sort();
    if (keys.length < 2) return [];
    const [place, other] = [this.#random.pick(keys), this.#random.pick(keys)];
    const [blob, before] = [this.#bucket.get(other), this.#bucket.get(place)];
    if (blob === undefined || before === undefined || place === other) return [];
    this.#bucket.set(place, { ...blob, lastModified: before.lastModified });
    this.forged.add(place);
    return [`the adversary puts ${other} in the place of ${place}`];
  }

  /** A whole snapshot in the folder of another machine, with writes that it never made; sometimes only for a while. */
  async #publishAs(machine: string, made: number): Promise<string> {
    const key = `v1/${machine}/head`;
    const before = this.#bucket.get(key);
    const n = made + 1 + this.#random.below(20);
    const states = [strangeState(STRANGE_MEMORY, { dot: { machine, n }, text: `forged ${n}` })];
    await publishStrange(this.#store(), { [machine]: n }, states, machine);
    if (before !== undefined && this.#random.chance(0.3)) this.#bucket.set(key, before);
    return `the adversary publishes as ${machine}`;
  }

  #store(): InMemoryBlobStore {
    return new InMemoryBlobStore({ objects: this.#bucket });
  }

  /** A well-formed snapshot whose version vector claims too much. */
  async #claimTooMuch(machine: string, made: number): Promise<string> {
    const random = this.#random;
    const claimed = made + random.pick([MANY_WRITES * 2, 2 ** 40, Number.MAX_SAFE_INTEGER - made]);
    const n = 1 + random.below(1_000);
    const states = [strangeState(STRANGE_MEMORY, { dot: { machine: STRANGER, n } })];
    await publishStrange(this.#store(), { [STRANGER]: n, [machine]: claimed }, states);
    return `the adversary claims ${claimed} writes of ${machine}`;
  }
}
