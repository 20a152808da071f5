import type { MemoriesAsOf, SearchHit, SearchResponse } from './memory-api.ts';
import type { HistoryEntry, Memory, MemoryWithHistory } from './memory.ts';
import { excerpt } from './snippet.ts';
import { wordMatcher } from './matched-words.ts';
import { contentOf } from './version.ts';

/** absent: it did not exist yet. forgotten: it did, but the version of then is not kept here. */
type Then = Memory | 'absent' | 'forgotten';

/**
 * A memory as it was at a time, by the times in its versions. Versions are the history of this machine: what another one
 * wrote and replaced before it arrived here is forgotten, and so are versions of an emptied trash and of a long history.
 * @param time milliseconds since the epoch
 */
export function memoryAt(memory: MemoryWithHistory, time: number): Then {
  const version = versionAt(memory.history, time);
  if (version === undefined) return memory.createdAt > time ? 'absent' : 'forgotten';
  if (version.state !== 'live' && version.state !== 'deleted') return 'forgotten';
  const { id, versionCount } = memory;
  const { state, dot } = version;
  return { ...contentOf(version), id, versionCount, conflict: false, state, dot };
}

/** The newest that was written by then. Conflict copies lost to the version that is shown. */
function versionAt(history: readonly HistoryEntry[], time: number): HistoryEntry | undefined {
  return history
    .filter(({ role, updatedAt }) => role !== 'sibling' && updatedAt <= time)
    .reduce<HistoryEntry | undefined>(
      (best, version) => (best === undefined || version.updatedAt > best.updatedAt ? version : best),
      undefined,
    );
}

/** @param time milliseconds since the epoch */
export function memoriesAt(memories: readonly MemoryWithHistory[], time: number): MemoriesAsOf {
  const then = memories.map((memory) => ({ id: memory.id, was: memoryAt(memory, time) }));
  const idsOf = (kind: 'absent' | 'forgotten'): string[] =>
    then.filter(({ was }) => was === kind).map(({ id }) => id);
  const stale = memories.find((memory) => memory.stale !== undefined)?.stale;
  return {
    time,
    ...(stale === undefined ? {} : { stale }),
    memories: then.flatMap(({ was }) => (typeof was === 'string' ? [] : was)),
    absent: idsOf('absent'),
    forgotten: idsOf('forgotten'),
  };
}

/**
 * The hits with the content of a time. Those that were not there then are left out; the ranking is that of the texts that the
 * memories say now.
 * @param found the memories of the hits, with their history
 */
export function responseAt(
  response: SearchResponse,
  found: readonly MemoryWithHistory[],
  { query, time, limit }: { readonly query: string; readonly time: number; readonly limit: number },
): SearchResponse {
  const { memories, forgotten } = memoriesAt(found, time);
  const then = new Map(memories.filter(({ state }) => state === 'live').map((memory) => [memory.id, memory]));
  const match = wordMatcher(query);
  const hits = response.hits.flatMap((hit): SearchHit[] => {
    const memory = then.get(hit.memory.id);
    if (memory === undefined) return [];
    if (memory.text === hit.memory.text) return [{ ...hit, memory: withSuccessor(memory, hit) }];
    const { places, words } = match(memory.text, memory.tags);
    const { text: snippet, truncated } = excerpt(memory.text, { places, chunk: null });
    return [
      {
        ...{ ...hit, memory: withSuccessor(memory, hit), snippet, matchedWords: words },
        snippetTruncated: truncated,
      },
    ];
  });
  const lost =
    forgotten.length === 0
      ? ''
      : `Left out ${forgotten.length === 1 ? 'is 1 memory' : `are ${forgotten.length} memories`} whose version of then is not kept.`;
  const note = [response.note, lost].filter((part) => part !== '').join(' ');
  return { ...response, hits: hits.slice(0, limit), note };
}

function withSuccessor(memory: Memory, { isSuperseded, memory: { supersededBy } }: SearchHit): Memory {
  return isSuperseded && supersededBy !== undefined ? { ...memory, supersededBy } : memory;
}
