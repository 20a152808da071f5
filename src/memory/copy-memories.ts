import type { MemoryApi } from './memory-api.ts';
import type { Memory, MemoryDraft } from './memory.ts';

/** `MemoryApi.get` takes as many. */
const BATCH = 100;

export interface CopyRequest {
  readonly from: MemoryApi;
  readonly to: MemoryApi;
  readonly ids: readonly string[];
  /** True moves the originals to the trash, each after its copy is stored. */
  readonly move: boolean;
}

export interface CopyReport {
  /** Id of each original and of its copy, or of the memory with this text that was there before. */
  readonly copied: readonly { readonly id: string; readonly copy: string; readonly existed: boolean }[];
  /** Ids that were not copied, and why. They are where they were. */
  readonly left: readonly { readonly id: string; readonly reason: string }[];
  /** Originals that are in the trash now. */
  readonly moved: number;
}

/**
 * Copies memories from one store to another with their text, tags, source, metadata and times, and without their history.
 * A copy has a new id. When it ends early, the copies so far stay, and no original is lost.
 * @throws NotFoundError naming unknown ids of the present batch
 */
export async function copyMemories({ from, to, ids: wanted, move }: CopyRequest): Promise<CopyReport> {
  const copied: CopyReport['copied'][number][] = [];
  const left: CopyReport['left'][number][] = [];
  let moved = 0;
  const unique = [...new Set(wanted)];
  for (let start = 0; start < unique.length; start += BATCH) {
    const found = await from.get(unique.slice(start, start + BATCH));
    for (const { id } of found.filter(({ state }) => state !== 'live'))
      left.push({ id, reason: 'is in the trash' });
    const live = found.filter(({ state }) => state === 'live');
    if (live.length === 0) continue;
    // Durable when it resolves.
    const outcomes = await to.importBatch(live.map(draftOf));
    const done = live.flatMap((memory, index) => {
      const outcome = outcomes[index];
      if (outcome?.outcome === 'added' || outcome?.outcome === 'existing') {
        copied.push({ id: memory.id, copy: outcome.id, existed: outcome.outcome === 'existing' });
        return [memory];
      }
      left.push({
        id: memory.id,
        reason: outcome?.outcome === 'rejected' ? outcome.problem : 'has a conflict',
      });
      return [];
    });
    const ids = move ? await unchanged(from, done) : [];
    if (ids.length > 0) moved += (await from.delete({ ids })).count;
  }
  return { copied, left, moved };
}

function draftOf({ text, tags, source, metadata, createdAt, updatedAt }: Memory): MemoryDraft {
  return { text, tags, source, metadata, createdAt, updatedAt };
}

/** An original that was changed meanwhile differs from its copy, and stays. */
async function unchanged(from: MemoryApi, copied: readonly Memory[]): Promise<string[]> {
  if (copied.length === 0) return [];
  const before = new Map(copied.map((memory) => [memory.id, JSON.stringify(draftOf(memory))]));
  const now = await from.get([...before.keys()]);
  return now
    .filter((memory) => before.get(memory.id) === JSON.stringify(draftOf(memory)))
    .map(({ id }) => id);
}
