import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startWorkerMemoryStore } from '../../src/store/worker/client.ts';
import { describeMemoryStore } from './memory-store.contract.ts';

describeMemoryStore('hostMemoryStore', () => {
  const dataDir = mkdtempSync(join(tmpdir(), 'faiss-memory-store-'));
  return {
    open: () => startWorkerMemoryStore({ dataDir, vectorIndex: 'exact' }),
    clean: () => {
      rmSync(dataDir, { recursive: true });
    },
  };
});
