import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';
import { DATABASE_NAME } from '../../src/store/memory-store.ts';
import {
  SqliteMemoryStore,
  type SqliteMemoryStoreSettings,
} from '../../src/store/sqlite/sqlite-memory-store.ts';
import { ExactIndex } from '../../src/vector/exact-index.ts';

/** A folder that is removed after the test. */
export function temporaryFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'faiss-memory-test-'));
  onTestFinished(() => {
    rmSync(folder, { recursive: true, force: true });
  });
  return folder;
}

/** A store with an exact vector index; closed after the test. */
export function openSqliteStore(
  dataDir: string,
  settings: Partial<SqliteMemoryStoreSettings> = {},
): SqliteMemoryStore {
  const store = new SqliteMemoryStore({
    dataDir,
    now: () => Date.now(),
    createVectorIndex: (dimension) => Promise.resolve(new ExactIndex(dimension)),
    ...settings,
  });
  onTestFinished(() => store.close());
  return store;
}

export function databasePath(dataDir: string): string {
  return join(dataDir, DATABASE_NAME);
}
