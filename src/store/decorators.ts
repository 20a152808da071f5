import { type AddOutcome, hasWritten, type ImportedDraft, type MemoryStore } from './memory-store.ts';

/**
 * Tells how many memories each write has changed, after it was acknowledged.
 * @param onChange must not throw
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
    import: (drafts, options) => noting(store.import(drafts, options), written),
    update: (id, patch) => noting(store.update(id, patch), () => 1),
    delete: (ids) => noting(store.delete(ids), itself),
    restore: (ids) => noting(store.restore(ids), (memories) => memories.length),
    purge: (ids) => noting(store.purge(ids), itself),
    expireTrash: (olderThanMs) => noting(store.expireTrash(olderThanMs), itself),
    putEmbeddings: (modelId, writes) => noting(store.putEmbeddings(modelId, writes), itself),
    get: (ids) => store.get(ids),
    getCurrent: (ids) => store.getCurrent(ids),
    findByText: (text) => store.findByText(text),
    list: (request) => store.list(request),
    matching: (filter) => store.matching(filter),
    candidates: (request) => store.candidates(request),
    vectors: (modelId, ids) => store.vectors(modelId, ids),
    growth: (timeZone) => store.growth(timeZone),
    claimPendingEmbeddings: (request) => store.claimPendingEmbeddings(request),
    dropOtherEmbeddings: (modelId) => store.dropOtherEmbeddings(modelId),
    stats: (modelId) => store.stats(modelId),
    checkIntegrity: (modelId) => store.checkIntegrity(modelId),
    close: () => store.close(),
  };
}

/** Deleting more than this at once is protected. */
const MANY = 20;

/**
 * Makes a snapshot before work that changes or removes much at once. Deleted and replaced content stays in the trash
 * and in the history too, so the work goes on when no snapshot could be made.
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
      if (options?.overwrite === true) await backUp('pre_import');
      return store.import(drafts, options);
    },
  };
}
