import type { MemoryStore } from './memory-store.ts';

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
