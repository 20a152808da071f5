import { type AddOutcome, hasWritten, type ImportedDraft, type MemoryStore } from './memory-store.ts';

/**
 * A store that reports each write after it is acknowledged.
 * @param onChange gets the number of changed memories, never 0; must not throw
 */
export function notifyingMemoryStore(store: MemoryStore, onChange: (count: number) => void): MemoryStore {
  async function noting<Result>(
    write: Promise<Result>,
    countOf: (result: Result) => number,
  ): Promise<Result> {
    const result = await write;
    const count = countOf(result);
    if (count > 0) onChange(count);
    return result;
  }
  const itself = (count: number): number => count;
  const written = (outcomes: readonly (AddOutcome | ImportedDraft)[]): number =>
    outcomes.filter(hasWritten).length;
  return {
    add: (drafts, options) => noting(store.add(drafts, options), written),
    import: (drafts, options) =>
      options?.dryRun === true
        ? store.import(drafts, options)
        : noting(store.import(drafts, options), written),
    update: (id, patch) => noting(store.update(id, patch), () => 1),
    delete: (ids) => noting(store.delete(ids), itself),
    restore: (ids) => noting(store.restore(ids), (memories) => memories.length),
    purge: (ids) => noting(store.purge(ids), itself),
    expireTrash: (olderThanMs) => noting(store.expireTrash(olderThanMs), itself),
    expireHidden: (olderThanMs) => store.expireHidden(olderThanMs),
    expireConversations: (olderThanMs) => noting(store.expireConversations(olderThanMs), itself),
    mergeWords: () => store.mergeWords(),
    conversations: (request) => store.conversations(request),
    putEmbeddings: (modelId, writes) => noting(store.putEmbeddings(modelId, writes), itself),
    get: (ids) => store.get(ids),
    getCurrent: (ids) => store.getCurrent(ids),
    findByText: (text) => store.findByText(text),
    list: (request) => store.list(request),
    matching: (filter) => store.matching(filter),
    candidates: (request) => store.candidates(request),
    best: (request) => store.best(request),
    vectors: (modelId, ids) => store.vectors(modelId, ids),
    noteFound: (found) => store.noteFound(found),
    unused: (rule) => store.unused(rule),
    growth: (timeZone) => store.growth(timeZone),
    claimPendingEmbeddings: (request) => store.claimPendingEmbeddings(request),
    releasePendingEmbeddings: (modelId, versionKeys) => store.releasePendingEmbeddings(modelId, versionKeys),
    keepTokenVectors: (kept) => store.keepTokenVectors(kept),
    tokenMatches: (request) => store.tokenMatches(request),
    dropOtherEmbeddings: (modelId) => store.dropOtherEmbeddings(modelId),
    stats: (modelId) => store.stats(modelId),
    checkCounts: (fix) => store.checkCounts(fix),
    checkIntegrity: (modelId, options) => store.checkIntegrity(modelId, options),
    close: () => store.close(),
  };
}

/** A deletion of more memories than this makes a snapshot first. */
const MANY = 20;

/**
 * A store that makes a snapshot before it deletes many memories at once and before an import that overwrites. The
 * write goes on when the snapshot fails, because the trash and the history keep the content too.
 * @param backUp must not throw
 */
export function protectingMemoryStore(
  store: MemoryStore,
  backUp: (kind: 'pre_delete' | 'pre_import') => Promise<void>,
): MemoryStore {
  return {
    ...store,
    delete: async (ids) => {
      if (ids.length > MANY) await backUp('pre_delete');
      return store.delete(ids);
    },
    import: async (drafts, options) => {
      if (options?.overwrite === true && options.dryRun !== true) await backUp('pre_import');
      return store.import(drafts, options);
    },
  };
}
