import type { FoundRecord } from './found-record.ts';
import type { MemoryApi } from './memory-api.ts';

/** Follows the use of the memories. Neither method may throw. */
export interface UseFollower {
  /** The memories are in use now. */
  noteUse(): void;
  /** A search or a list is about to begin. The call waits for the promise, so it must resolve soon. */
  beforeReading(): Promise<void>;
}

/**
 * The same memories. The follower hears of the calls that a person or an assistant makes: adding, changing, reading and
 * searching. Statistics, exports and work over all memories do not count, because programs ask for them again and again.
 * @param record notes the results of searches
 */
export function followedMemory(
  memory: MemoryApi,
  follower: UseFollower,
  record: Pick<FoundRecord, 'noteSearch' | 'save'>,
): MemoryApi {
  function used<Result>(call: () => Promise<Result>): Promise<Result> {
    follower.noteUse();
    return call();
  }
  async function read<Result>(call: () => Promise<Result>): Promise<Result> {
    await follower.beforeReading();
    return call();
  }
  return {
    timeZone: memory.timeZone,
    search: async (request) => {
      const response = await read(() => memory.search(request));
      record.noteSearch(
        request.filter,
        response.hits.map((hit) => hit.memory),
      );
      return response;
    },
    list: (input) => read(() => memory.list(input)),
    conversations: (input) => read(() => memory.conversations(input)),
    get: (ids) => used(() => memory.get(ids)),
    getAsOf: (ids, asOf) => used(() => memory.getAsOf(ids, asOf)),
    add: (request) => used(() => memory.add(request)),
    capture: (request) => used(() => memory.capture(request)),
    update: (input) => used(() => memory.update(input)),
    delete: (request) => used(() => memory.delete(request)),
    restore: (ids) => used(() => memory.restore(ids)),
    purge: (ids) => used(() => memory.purge(ids)),
    isNovel: (request) => used(() => memory.isNovel(request)),
    importBatch: (drafts, options) => used(() => memory.importBatch(drafts, options)),
    stats: () => memory.stats(),
    deduplicate: (request, work) => memory.deduplicate(request, work),
    tidy: async (request, work) => {
      await record.save();
      return memory.tidy(request, work);
    },
    growth: (timeZone) => memory.growth(timeZone),
    map: (request) => memory.map(request),
    reembed: (onProgress, signal) => memory.reembed(onProgress, signal),
    dropOtherEmbeddings: () => memory.dropOtherEmbeddings(),
    export: (filter) => memory.export(filter),
  };
}
