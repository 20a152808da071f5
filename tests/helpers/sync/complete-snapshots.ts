import type { BlobStore } from '../../../src/blob/blob-store.ts';
import { InMemoryHeadJournal } from '../in-memory-head-journal.ts';
import type { Keyring } from '../../../src/backup/repository/keyring.ts';
import { Repository } from '../../../src/backup/repository/repository.ts';

export interface StrangersView {
  /** `machine/name` of every listed snapshot, oldest first. */
  readonly names: readonly string[];
  /** What is missing, damaged, or not what its digests say; empty = every listed snapshot is complete. */
  readonly damage: readonly string[];
}

/** What somebody who has never seen a repository finds in it: every listed snapshot, read whole and compared. */
export async function readAsStranger(
  store: BlobStore,
  keyring: Keyring | null = null,
): Promise<StrangersView> {
  const repository = new Repository({
    store,
    repositoryId: 'test',
    machine: '0123456789abcdef',
    journal: new InMemoryHeadJournal(),
    keyring,
  });
  const { snapshots, machines } = await repository.listSnapshots();
  const damage = machines.flatMap(({ error }) => (error === null ? [] : [error.message]));
  for (const snapshot of snapshots) {
    const report = await repository.verifyContent(await repository.readManifest(snapshot));
    damage.push(...report.problems.map(({ key, problem }) => `${key}: ${problem}`));
  }
  return { names: snapshots.map(({ machine, name }) => `${machine}/${name}`), damage };
}
