import { createHash } from 'node:crypto';
import { MachineForkedError } from '../errors/backup-errors.ts';
import type { VersionVector, Dot } from '../memory/version.ts';
import type { ReplicaStore } from '../store/replica-store.ts';
import type { MemoryState } from './ports.ts';
import type { Repository } from './repository/repository.ts';

/** Each fork ends in a new random id, so several forks in a row mean another fault. */
const MAX_ATTEMPTS = 3;

/**
 * Runs the work under the store's present machine id. If the work finds that another copy of the data folder
 * publishes under the same id, the store takes a new id, writes its unpublished versions again under that id, and
 * the work runs again.
 * @param onAbandoned is told the old id before the store gives it up
 * @throws the errors of the work; MachineForkedError after three attempts
 */
export async function withOwnIdentity<Result>(
  replica: ReplicaStore,
  work: (machine: string) => Promise<Result>,
  onAbandoned: (machine: string) => Promise<void> = () => Promise.resolve(),
): Promise<Result> {
  for (let attempt = 1; ; attempt += 1) {
    const { machine } = await replica.identity();
    try {
      return await work(machine);
    } catch (error) {
      if (!(error instanceof MachineForkedError) || attempt === MAX_ATTEMPTS) throw error;
      await rememberAbandoned(replica, error.machine, error.lastSharedWrite);
      await onAbandoned(error.machine);
      await replica.takeNewIdentity(error.machine, error.lastSharedWrite);
    }
  }
}

/** Replaces one machine id in the names of some writes. */
export interface Renaming {
  clock(clock: VersionVector): VersionVector;
  state(state: MemoryState): MemoryState;
}

/**
 * Notes durably that this data folder is about to give up an identity. Another copy keeps the identity, so from now
 * on the names of the writes after `lastSharedWrite` belong to that copy.
 */
export function rememberAbandoned(
  replica: ReplicaStore,
  machine: string,
  lastSharedWrite: number,
): Promise<void> {
  return replica.writeNote(noteName(machine), lastSharedWrite);
}

/**
 * Local snapshots from before an identity was given up contain writes under names that now belong to the other copy.
 * Restored unchanged, they would make this store skip the other copy's writes. The returned renaming replaces the
 * machine id of the unshared writes with an alias that only this data folder uses.
 * @returns null when the snapshots of that machine need no renaming
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
