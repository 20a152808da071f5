import { MachineForkedError } from '../errors/backup-errors.ts';
import type { ReplicaStore } from '../store/replica-store.ts';
import { rememberGivenUp } from './given-up-writes.ts';

/** A fork leads to a new random id, so a second one in a row means that something else is wrong. */
const MAX_ATTEMPTS = 3;

/**
 * Runs the work as the machine that the store is now. When a repository shows that another copy of the data folder
 * publishes under the same id, the store takes a new id, writes what is not shared again under it, and the work
 * runs again.
 * @throws what the work throws; MachineForkedError when it happens again and again
 */
export async function withOwnIdentity<Result>(
  replica: ReplicaStore,
  work: (machine: string) => Promise<Result>,
): Promise<Result> {
  for (let attempt = 1; ; attempt += 1) {
    const { machine } = await replica.identity();
    try {
      return await work(machine);
    } catch (error) {
      if (!(error instanceof MachineForkedError) || attempt === MAX_ATTEMPTS) throw error;
      await rememberGivenUp(replica, error.machine, error.lastSharedWrite);
      await replica.takeNewIdentity(error.machine, error.lastSharedWrite);
    }
  }
}
