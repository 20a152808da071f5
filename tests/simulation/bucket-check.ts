import { createHash } from 'node:crypto';
import type { Keyring } from '../../src/backup/repository/keyring.ts';
import { Repository } from '../../src/backup/repository/repository.ts';
import { InMemoryBlobStore, type StoredBlob } from '../../src/blob/in-memory-blob-store.ts';
import { InMemoryHeadJournal } from '../helpers/in-memory-head-journal.ts';
import { BrokenPromise } from './broken-promise.ts';

export interface BucketCheckParts {
  readonly bucket: ReadonlyMap<string, StoredBlob>;
  /** Reads the bucket without faults. */
  readonly repositoryOf: (machine: string) => Repository;
  /** True for an object that an adversary has replaced. */
  readonly isForged: (key: string) => boolean;
}

/** What a head lists is there, whole. */
export class BucketCheck {
  readonly #parts: BucketCheckParts;
  readonly #checkedHeads = new Map<string, string>();

  constructor(parts: BucketCheckParts) {
    this.#parts = parts;
  }

  /** @throws BrokenPromise */
  async run(): Promise<void> {
    for (const [key, { bytes }] of this.#parts.bucket) {
      const machine = /^v1\/([0-9a-f]{16})\/head$/.exec(key)?.[1];
      if (machine !== undefined) await this.#checkHead(machine, bytes);
    }
  }

  async #checkHead(machine: string, bytes: Uint8Array): Promise<void> {
    const { bucket, repositoryOf, isForged } = this.#parts;
    const names = [...bucket.keys()].filter((key) => key.startsWith(`v1/${machine}/`)).length;
    const print = `${createHash('sha1').update(bytes).digest('hex')} ${names}`;
    if (this.#checkedHeads.get(machine) === print) return;
    const budget = { maxBytes: Infinity, lastChecked: new Map<string, number>() };
    const found = await repositoryOf(machine).verifyHashes(machine, budget);
    // A head that is itself half written lists nothing.
    const problems = found.problems.filter(({ key }) => !key.endsWith('/head') && !isForged(key));
    if (problems.length > 0) {
      throw new BrokenPromise(`a listed snapshot is not whole: ${JSON.stringify(problems)}`);
    }
    this.#checkedHeads.set(machine, print);
  }
}

/** Reads the bucket as one machine, without faults. */
export function readerOf(
  objects: Map<string, StoredBlob>,
  keyring: Keyring | null,
  machine: string,
): Repository {
  return new Repository({
    store: new InMemoryBlobStore({ objects }),
    repositoryId: 'check',
    machine,
    journal: new InMemoryHeadJournal(),
    keyring,
  });
}
