import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { SqliteMemoryStore } from '../../src/store/sqlite/sqlite-memory-store.ts';
import { ExactIndex } from '../../src/vector/exact-index.ts';
import { describeMemoryStore } from './memory-store.contract.ts';

describeMemoryStore('SqliteMemoryStore', () => {
  const dataDir = mkdtempSync(join(tmpdir(), 'faiss-memory-store-'));
  return {
    open: () =>
      new SqliteMemoryStore({
        dataDir,
        now: () => Date.now(),
        createVectorIndex: (dimension) => Promise.resolve(new ExactIndex(dimension)),
      }),
    clean: () => {
      rmSync(dataDir, { recursive: true });
    },
  };
});
