import { InvalidInputError } from '../errors/input-errors.ts';
import { RepositoryDamagedError } from '../errors/backup-errors.ts';
import { compareClocks, joinClocks, type Clock } from '../memory/version.ts';
import type { RepositoryContext } from './repository-context.ts';
import { listMachineFiles } from './repository-files.ts';

/**
 * Removes the folder of a machine that is gone for good: the one operation on objects of another machine, and
 * only on the user's explicit demand. The head goes first, so no listed snapshot is ever incomplete.
 * @param clock of the local store, which must include everything that the machine's snapshots hold; null = whatever
 *   they hold may be lost
 * @returns number of objects deleted
 * @throws InvalidInputError when it is the own machine, or something would be lost; and as `readHead`
 */
export async function forgetMachine(
  context: RepositoryContext,
  machine: string,
  clock: Clock | null,
): Promise<number> {
  if (machine === context.machine) {
    throw new InvalidInputError('machine', `is this machine, ${machine}`, 'allowed is another one');
  }
  const loaded = await context.objects.readHead(machine, true).catch((error: unknown) => {
    // Nobody can read its snapshots any more, so nothing is lost with them.
    if (error instanceof RepositoryDamagedError) return null;
    throw error;
  });
  const included = (loaded?.head.snapshots ?? []).reduce<Clock>(
    (joined, snapshot) => joinClocks(joined, snapshot.clock),
    {},
  );
  const order = clock === null ? 'before' : compareClocks(included, clock);
  if (order !== 'equal' && order !== 'before') {
    throw new InvalidInputError(
      'machine',
      `${machine} has published changes that this machine does not have`,
      'merge its newest snapshot first, or give --unmerged to drop them',
    );
  }
  const { head, keyFile, manifests, segments } = await listMachineFiles(context.store, machine);
  const objects = [head, ...manifests.values(), ...segments.values(), keyFile];
  let deleted = 0;
  for (const info of objects) {
    if (info === null) continue;
    await context.store.delete(info.key);
    deleted += 1;
  }
  return deleted;
}
