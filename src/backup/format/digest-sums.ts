import { addHash, contentHash, emptySum, siblingsHash, storeDigests } from '../../memory/digest.ts';
import type { StoreDigests } from '../../memory/memory.ts';
import { currentVersion, type VersionVector } from '../../memory/version.ts';
import type { MemoryState } from '../ports.ts';

/** Computes the digests of a store from its rows, one after the other. */
export class DigestSums {
  #content = emptySum();
  #state = emptySum();
  #memories = 0;

  add({ id, siblings }: MemoryState): void {
    this.#memories += 1;
    const dots = siblings.map(({ dot }) => dot);
    this.#state = addHash(this.#state, siblingsHash(id, dots));
    const current = currentVersion(siblings);
    if (current.state === 'live') this.#content = addHash(this.#content, contentHash(id, current));
  }

  get memories(): number {
    return this.#memories;
  }

  digests(clock: VersionVector): StoreDigests {
    return storeDigests({ content: this.#content, state: this.#state }, clock);
  }
}

export interface DigestExpectation extends StoreDigests {
  readonly facts: { readonly memories: number };
}

/** The differences between the rows and their manifest, as sentences without a subject. Empty when they agree. */
export function digestProblems(sums: DigestSums, manifest: DigestExpectation): string[] {
  const found = sums.digests(manifest.clock);
  return [
    sums.memories === manifest.facts.memories
      ? null
      : `has ${sums.memories} of ${manifest.facts.memories} memories`,
    found.contentDigest === manifest.contentDigest ? null : 'has other memories than its digest says',
    found.stateDigest === manifest.stateDigest ? null : 'has other versions than its digest says',
  ].filter((problem) => problem !== null);
}

export function digestsDiffer(a: StoreDigests, b: StoreDigests): boolean {
  return a.contentDigest !== b.contentDigest || a.stateDigest !== b.stateDigest;
}
