import type { MemoryState, SnapshotView } from '../backup/ports.ts';
import type { ReplicaCalls } from './replica-calls.ts';
import type { ReplicaStore, StagedStates } from './replica-store.ts';

/** What is sent to the stage at once, at most about. */
const BATCH_STATES = 250;
const BATCH_CHARACTERS = 4 * 1024 * 1024;

/** The port out of its single calls. */
export function assembleReplica(calls: ReplicaCalls): ReplicaStore {
  return {
    identity: () => calls.identity(),
    openView: () => openView(calls),
    stage: (states) => stage(calls, states),
    takeNewIdentity: (machine, lastSharedWrite) => calls.takeNewIdentity(machine, lastSharedWrite),
    repairVector: (request) => calls.repairVector(request),
    readNote: (name) => calls.readNote(name),
    writeNote: (name, value) => calls.writeNote(name, value),
    recordAttempt: (place, commit) => calls.recordAttempt(place, commit),
    findAttempt: (place, commitId) => calls.findAttempt(place, commitId),
    recordSeen: (place, machine, commit) => calls.recordSeen(place, machine, commit),
    findSeen: (place, machine) => calls.findSeen(place, machine),
  };
}

async function openView(calls: ReplicaCalls): Promise<SnapshotView> {
  const { view, ...facts } = await calls.openView();
  let closing: Promise<void> | undefined;
  return {
    ...facts,
    async *changesSince(sequence) {
      for (let after: number | null = sequence; after !== null;) {
        const page = await calls.readView(view, after);
        yield* page.states;
        after = page.next;
      }
    },
    close: () => (closing ??= calls.closeView(view)),
  };
}

/** About the characters that the state has as JSON. */
function sizeOf({ siblings }: MemoryState): number {
  return siblings.reduce((sum, { text, tags, source, metadata, vectors }) => {
    const words = tags.reduce((length, tag) => length + tag.length, text.length + source.length);
    const bytes = vectors.reduce(
      (size, { chunks }) => chunks.reduce((all, { vector }) => all + vector.length, size),
      0,
    );
    return sum + words + bytes + JSON.stringify(metadata).length;
  }, 0);
}

async function stage(calls: ReplicaCalls, states: AsyncIterable<MemoryState>): Promise<StagedStates> {
  const name = await calls.beginStage();
  let memories = 0;
  let closing: Promise<void> | undefined;
  const close = (): Promise<void> => (closing ??= calls.endStage(name));
  const send = async (batch: readonly MemoryState[]): Promise<void> => {
    if (batch.length > 0) await calls.addToStage(name, batch);
    memories += batch.length;
  };
  try {
    let batch: MemoryState[] = [];
    let characters = 0;
    for await (const state of states) {
      batch.push(state);
      characters += sizeOf(state);
      if (batch.length < BATCH_STATES && characters < BATCH_CHARACTERS) continue;
      await send(batch);
      batch = [];
      characters = 0;
    }
    await send(batch);
  } catch (error) {
    await close();
    throw error;
  }
  return {
    memories,
    merge: (request) => calls.applyStage(name, 'merge', request),
    restore: (request) => calls.applyStage(name, 'restore', request),
    close,
  };
}
