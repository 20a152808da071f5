import type { StoredBlob } from '../../src/blob/in-memory-blob-store.ts';
import type { WriteHistory } from '../helpers/write-history.ts';
import { type MachineProcess, onlyIn, type SimulatedMachine } from './simulated-machine.ts';

export interface SetBackParts {
  readonly author: SimulatedMachine;
  readonly machines: readonly SimulatedMachine[];
  readonly bucket: Map<string, StoredBlob>;
  readonly history: WriteHistory;
  /** The author writes and pushes; the others pull at the same time, and once more. */
  readonly writeAndPush: (name: string) => Promise<void>;
  /** Starts a process on the author's folder. */
  readonly restart: () => MachineProcess;
}

/**
 * A folder is set back, and its head with it, after all others saw what is undone and before they published that. Its
 * next push cannot know, so the others must not take what it writes for a continuation.
 */
export async function setBack({
  author,
  machines,
  bucket,
  history,
  writeAndPush,
  restart,
}: SetBackParts): Promise<void> {
  const { folder, removals } = author;
  await writeAndPush('write and push before the copy');
  const key = `v1/${folder.replica.machine}/head`;
  const copy = folder.replica.clone();
  const objects = new Map(folder.objects);
  const head = bucket.get(key);
  await writeAndPush('write and push what is undone');
  const undone = folder.replica.table;
  folder.replica.rollBackTo(copy);
  folder.objects.clear();
  for (const [name, blob] of objects) folder.objects.set(name, blob);
  const left = machines.map((machine) => machine.folder.replica.table);
  for (const { id, updatedAt } of onlyIn(undone, left)) history.excuse(id, updatedAt);
  removals.forget();
  author.process = restart();
  if (head !== undefined) bucket.set(key, head);
  await writeAndPush('write and push after it was set back');
}
