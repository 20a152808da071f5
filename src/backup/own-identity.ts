import { createHash } from 'node:crypto';
import { MachineForkedError } from '../errors/backup-errors.ts';
import type { VersionVector, Dot } from '../memory/version.ts';
import type { ReplicaStore } from '../store/replica-store.ts';
import type { MemoryState } from './ports.ts';
import type { Repository } from './repository/repository.ts';

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

/** Gives writes other names. */
export interface Renaming {
  clock(clock: VersionVector): VersionVector;
  state(state: MemoryState): MemoryState;
}

/**
 * Remembers that this data folder gives up an identity, before it does: another copy goes on under it, so the
 * names of the writes that were not shared belong to that copy from now on.
 */
export function rememberGivenUp(
  replica: ReplicaStore,
  machine: string,
  lastSharedWrite: number,
): Promise<void> {
  return replica.writeNote(noteName(machine), lastSharedWrite);
}

/**
 * Local snapshots that were made under an identity that was given up still have the old names. Taken as they are,
 * they would make this store believe that it includes what the other copy wrote under the same names. So the
 * writes that were not shared get the name of a machine that only this data folder can mean.
 * @returns null when the names of that machine's snapshots are good
 */
export async function renamingOf(
  replica: ReplicaStore,
  { repositoryId, machine: own }: Pick<Repository, 'repositoryId' | 'machine'>,
  machine: string,
): Promise<Renaming | null> {
  if (repositoryId !== LOCAL_REPOSITORY_ID || machine === own) return null;
  const shared = await replica.readNote(noteName(machine));
  if (typeof shared !== 'number') return null;
  const alias = createHash('sha256').update(`${machine} ${own}`).digest('hex').slice(0, machine.length);
  const rename = (dot: Dot): Dot =>
    dot.machine === machine && dot.n > shared ? { machine: alias, n: dot.n } : dot;
  return {
    clock: ({ [machine]: writes = 0, ...others }) => ({
      ...others,
      ...(Math.min(writes, shared) > 0 ? { [machine]: Math.min(writes, shared) } : {}),
      ...(writes > shared ? { [alias]: writes } : {}),
    }),
    state: ({ id, siblings }) => ({
      id,
      siblings: siblings.map((version) => ({ ...version, dot: rename(version.dot) })),
    }),
  };
}

function noteName(machine: string): string {
  return `given-up:${machine}`;
}

/** Name of the local repository in journals and notes. */
export const LOCAL_REPOSITORY_ID = 'local';
