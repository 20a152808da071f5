import { expect, test } from 'vitest';
import { idOf } from '../../helpers/model-store.ts';
import { MemoryBucket, MemoryMachine } from '../../helpers/sync/memory-machine.ts';

/** A data folder, its copy, and a backup that the first one made before it noticed the copy. */
async function forkWithBackup(): Promise<{ original: MemoryMachine; copy: MemoryMachine; backup: string }> {
  const original = new MemoryMachine(new MemoryBucket());
  original.add('shared');
  await original.sync.push();
  const copy = original.copy();
  original.add('only in the original');
  const { snapshot } = await original.backup.backup();
  copy.replica.write(idOf(1), 'only in the copy');
  await copy.sync.push();
  const old = original.replica.machine;
  await original.sync.push();
  expect(original.replica.machine).not.toBe(old);
  return { original, copy, backup: `${old}/${snapshot.id}` };
}

async function restore(machine: MemoryMachine, snapshot: string): Promise<void> {
  const { confirm } = await machine.backup.restore({ mode: 'replace', snapshot, dryRun: true });
  await machine.backup.restore({ mode: 'replace', snapshot, confirm: confirm ?? '' });
}

test('a backup from before a new identity does not hide what the other copy writes under the old one', async () => {
  const { original, copy, backup } = await forkWithBackup();
  await restore(original, backup);
  expect(original.texts()).toEqual(['only in the original', 'shared']);

  await original.sync.pull();
  await original.sync.push();
  await copy.sync.pull();
  expect(original.texts()).toEqual(['only in the copy', 'only in the original', 'shared']);
  expect(await copy.stateDigest()).toBe(await original.stateDigest());
});

test('restoring it twice changes nothing the second time', async () => {
  const { original, backup } = await forkWithBackup();
  await restore(original, backup);
  const before = await original.stateDigest();
  await restore(original, backup);
  expect(await original.stateDigest()).toBe(before);
});
