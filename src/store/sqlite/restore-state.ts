import type { CarriedVersion, MemoryState } from '../../backup/ports.ts';
import { contentHash, toHex } from '../../memory/digest.ts';
import { currentVersion, sameDot, type MemoryContent } from '../../memory/version.ts';
import { attachVectors } from './carried-vectors.ts';
import { derive } from './derived-state.ts';
import type { MergeContext } from './merge-state.ts';
import type { StoredMemory } from './stored-memory.ts';
import { toContent } from './writes.ts';

export interface RestoredState {
  readonly after: StoredMemory;
  /** The snapshot has content that was erased here on demand; it stays erased. */
  readonly keptErased: boolean;
}

/** Makes a merged memory show what the snapshot shows, by a new version where it shows something else. */
export function restoreState(
  context: MergeContext,
  memory: StoredMemory,
  { siblings }: MemoryState,
): RestoredState {
  // `currentVersion` returns one of the versions it was given.
  const wanted = currentVersion(siblings) as CarriedVersion;
  const { current } = derive(memory);
  const live = wanted.state === 'live';
  if (current.state === 'purged') return { after: memory, keptErased: live };
  if (!live) return { after: removeState(context, memory), keptErased: false };
  if (hasDotsOf(memory, siblings) || showsExactly(memory, wanted))
    return { after: memory, keptErased: false };
  const after = context.writer.replace(memory, 'live', contentOf(wanted));
  const [version] = after.siblings;
  if (version !== undefined) {
    const target = { key: version.key, num: after.num, isCurrent: true };
    attachVectors(context.connection, target, wanted.vectors);
  }
  return { after, keptErased: false };
}

/** To the trash, with the content that it has here. */
export function removeState({ writer, now }: MergeContext, memory: StoredMemory): StoredMemory {
  const { current } = derive(memory);
  if (current.state !== 'live') return memory;
  return writer.replace(memory, 'deleted', { ...toContent(current), updatedAt: now });
}

function hasDotsOf(memory: StoredMemory, siblings: readonly CarriedVersion[]): boolean {
  return (
    memory.siblings.length === siblings.length &&
    memory.siblings.every(({ dot }) => siblings.some((other) => sameDot(other.dot, dot)))
  );
}

function showsExactly({ id, siblings }: StoredMemory, wanted: MemoryContent): boolean {
  const [only, ...others] = siblings;
  if (only === undefined || others.length > 0 || only.state !== 'live') return false;
  return toHex(contentHash(id, only)) === toHex(contentHash(id, wanted));
}

function contentOf({ text, tags, source, metadata, createdAt, updatedAt }: MemoryContent): MemoryContent {
  return { text, tags, source, metadata, createdAt, updatedAt };
}
