import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { MemoryStore } from '../../src/store/memory-store.ts';
import type { ReplicaStore } from '../../src/store/replica-store.ts';
import type { ReplicaUnderTest } from '../contract/replica/use-replicas.ts';
import { draft } from './drafts.ts';

/** A store in a new folder, which goes when it is closed. */
export function replicaUnderTest(
  open: (dataDir: string) => { readonly memory: MemoryStore; readonly replica: ReplicaStore },
): ReplicaUnderTest {
  const dataDir = mkdtempSync(join(tmpdir(), 'faiss-memory-replica-'));
  const { memory, replica } = open(dataDir);
  return {
    replica,
    write: (id, text) => memory.import([draft(text, { id })], { overwrite: true }),
    delete: (id) => memory.delete([id]),
    purge: (id) => memory.purge([id]),
    strip: () => memory.expireTrash(-1_000),
    problems: async () => (await memory.checkIntegrity()).problems,
    close: async () => {
      await memory.close();
      rmSync(dataDir, { recursive: true });
    },
  };
}
