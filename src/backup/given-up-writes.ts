import { createHash } from 'node:crypto';
import type { Clock, Dot } from '../memory/version.ts';
import type { ReplicaStore } from '../store/replica-store.ts';
import type { MemoryState } from './memory-state.ts';
import { LOCAL_PLACE } from './local-place.ts';
import type { Repository } from './repository.ts';

/** Gives writes other names. */
export interface Renaming {
  clock(clock: Clock): Clock;
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
  { place, machine: own }: Pick<Repository, 'place' | 'machine'>,
  machine: string,
): Promise<Renaming | null> {
  if (place !== LOCAL_PLACE || machine === own) return null;
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
