// Fakes for the tests of programs that embed this one, typed from the ports that they stand in for.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { SqliteMemoryStore } from './store/sqlite/sqlite-memory-store.ts';
import type { MemoryStore } from './store/memory-store.ts';
import { ExactIndex } from './vector/exact-index.ts';

export {
  InMemoryBlobStore,
  type BlobCall,
  type InMemoryBlobStoreOptions,
  type StoredBlob,
} from './blob/in-memory-blob-store.ts';
export { FakeEmbedder } from './embedding/fake-embedder.ts';
export { ExactIndex } from './vector/exact-index.ts';

/**
 * An empty store that is gone when it is closed. It is the real one in a folder of the system's for temporary files,
 * without a thread and with an exact search, so the result of a test is true of the program too.
 *
 * @example
 * ```ts
 * import { openMemory } from 'faiss-memory';
 * import { FakeEmbedder, temporaryStore } from 'faiss-memory/testing';
 *
 * await using memory = openMemory({ store: temporaryStore(), embedder: new FakeEmbedder() });
 * ```
 *
 * @param now milliseconds since the epoch; default the system's clock
 */
export function temporaryStore({ now = Date.now }: { readonly now?: () => number } = {}): MemoryStore {
  const dataDir = mkdtempSync(join(tmpdir(), 'faiss-memory-temporary-'));
  const createVectorIndex = (dimension: number): Promise<ExactIndex> =>
    Promise.resolve(new ExactIndex(dimension));
  const store = new SqliteMemoryStore({ dataDir, now, createVectorIndex });
  const close = store.close.bind(store);
  return Object.assign(store, {
    close: async () => {
      await close();
      rmSync(dataDir, { recursive: true, force: true });
    },
  });
}
