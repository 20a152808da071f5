import { gunzipSync, gzipSync } from 'node:zlib';
import { DigestSums } from '../../../src/backup/format/digest-sums.ts';
import { InMemoryHeadJournal } from '../in-memory-head-journal.ts';
import type { CarriedVersion, MemoryState } from '../../../src/backup/ports.ts';
import { Repository } from '../../../src/backup/repository/repository.ts';
import type { BlobStore } from '../../../src/blob/blob-store.ts';
import type { StoredBlob } from '../../../src/blob/in-memory-blob-store.ts';
import type { VersionVector } from '../../../src/memory/version.ts';
import { idOf } from '../model-store.ts';

/** A machine that is nobody's. */
export const STRANGER = 'eeee000000000001';

/** A state of the stranger's own; the members that are given replace those of an ordinary memory. */
export function strangeState(memory: number, version: Partial<CarriedVersion> = {}): MemoryState {
  const dot = { machine: STRANGER, n: 1 };
  const content = { text: 'theirs', tags: [], source: '', metadata: {}, createdAt: 1, updatedAt: 1 };
  return { id: idOf(memory), siblings: [{ dot, state: 'live', ...content, vectors: [], ...version }] };
}

/**
 * Publishes any well-formed snapshot as the stranger, with the format's own code.
 * @param machine the folder; default the stranger's own
 */
export async function publishStrange(
  store: BlobStore,
  clock: VersionVector,
  states: readonly MemoryState[],
  machine = STRANGER,
): Promise<void> {
  const sums = new DigestSums();
  for (const state of states) sums.add(state);
  const journal = new InMemoryHeadJournal();
  const place = { store, repositoryId: 'stranger', machine, journal, keyring: null };
  const repository = new Repository({ ...place, exclusive: true });
  const view = {
    machine,
    sequence: states.length,
    ...sums.digests(clock),
    facts: { memories: states.length, live: states.length, trash: 0 },
    // eslint-disable-next-line @typescript-eslint/require-await -- the port is asynchronous
    async *changesSince() {
      yield* states;
    },
    close: () => Promise.resolve(),
  };
  await store.delete(`v1/${machine}/head`);
  await repository.writeSnapshot(view, {
    kind: 'auto',
    pinned: false,
    evenIfUnchanged: true,
    fromScratch: true,
  });
}

/** Changes a plain head, whatever the format demands. @returns the changed object */
export function changeHead(
  objects: Map<string, StoredBlob>,
  machine: string,
  change: (head: Readonly<Record<string, unknown>>) => Readonly<Record<string, unknown>>,
): StoredBlob {
  const key = `v1/${machine}/head`;
  const stored = objects.get(key);
  if (stored === undefined) throw new Error(`there is no ${key}`);
  const head = JSON.parse(gunzipSync(stored.bytes).toString('utf8')) as Record<string, unknown>;
  const changed = { ...stored, bytes: gzipSync(JSON.stringify(change(head))) };
  objects.set(key, changed);
  return changed;
}
