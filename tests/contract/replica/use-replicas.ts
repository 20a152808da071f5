import { afterEach } from 'vitest';
import type { CarriedVersion, MemoryState } from '../../../src/backup/ports.ts';
import { currentVersion, type VersionVector } from '../../../src/memory/version.ts';
import type { ApplyRequest, ChangeReport, ReplicaStore } from '../../../src/store/replica-store.ts';

/** A data folder of its own, with what a user does to its memories. */
export interface ReplicaUnderTest {
  readonly replica: ReplicaStore;
  /** Adds a memory, or replaces what became of it. */
  write(id: string, text: string): Promise<unknown>;
  delete(id: string): Promise<unknown>;
  purge(id: string): Promise<unknown>;
  /** Takes the content out of everything in the trash. */
  strip(): Promise<unknown>;
  /** What does not follow from the versions, one line each. */
  problems(): Promise<readonly string[]>;
  close(): Promise<void>;
}

export type PrepareReplica = () => ReplicaUnderTest;

/** Everything of a replica at one moment. */
export interface Snapshot {
  readonly states: readonly MemoryState[];
  readonly clock: VersionVector;
  readonly sequence: number;
  readonly contentDigest: string;
  readonly stateDigest: string;
}

/** Makes data folders for a test, and closes them after it. */
export function useReplicas(prepare: PrepareReplica): { create(): ReplicaUnderTest } {
  const opened: ReplicaUnderTest[] = [];
  afterEach(async () => {
    await Promise.all(opened.splice(0).map((replica) => replica.close()));
  });
  return {
    create() {
      const replica = prepare();
      opened.push(replica);
      return replica;
    },
  };
}

export function idOf(number: number): string {
  return `01890000-0000-7000-8000-${number.toString(16).padStart(12, '0')}`;
}

export async function* streamOf(states: readonly MemoryState[]): AsyncGenerator<MemoryState> {
  await Promise.resolve();
  yield* states;
}

/** @param after a sequence number */
export async function snapshotOf(replica: ReplicaStore, after = 0): Promise<Snapshot> {
  const view = await replica.openView();
  try {
    const states: MemoryState[] = [];
    for await (const state of view.changesSince(after)) states.push(state);
    const { clock, sequence, contentDigest, stateDigest } = view;
    return { states, clock, sequence, contentDigest, stateDigest };
  } finally {
    await view.close();
  }
}

export async function apply(
  to: ReplicaStore,
  how: 'merge' | 'restore',
  { states, clock, ...request }: Pick<Snapshot, 'states' | 'clock'> & Partial<ApplyRequest>,
): Promise<ChangeReport> {
  const staged = await to.stage(streamOf(states));
  try {
    return await staged[how]({ clock, complete: true, ...request });
  } finally {
    await staged.close();
  }
}

export async function merge(from: ReplicaUnderTest, to: ReplicaUnderTest): Promise<ChangeReport> {
  return apply(to.replica, 'merge', await snapshotOf(from.replica));
}

/** Texts of live memories, by the last digits of their ids. */
export async function shownBy({
  replica,
}: Pick<ReplicaUnderTest, 'replica'>): Promise<Record<string, string>> {
  const { states } = await snapshotOf(replica);
  const live = states.flatMap(({ id, siblings }) => {
    const { state, text } = currentVersion(siblings);
    return state === 'live' ? [[Number.parseInt(id.slice(-12), 16), text] as const] : [];
  });
  return Object.fromEntries(live);
}

export async function siblingsOf(
  { replica }: Pick<ReplicaUnderTest, 'replica'>,
  id: string,
): Promise<readonly CarriedVersion[]> {
  const { states } = await snapshotOf(replica);
  return states.find((state) => state.id === id)?.siblings ?? [];
}
