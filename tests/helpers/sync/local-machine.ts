import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';
import { BackupService } from '../../../src/backup/backup-service.ts';
import type { RestoreResult } from '../../../src/backup/backup-api.ts';
import { DEFAULT_RETENTION } from '../../../src/backup/retention.ts';
import { FolderBlobStore } from '../../../src/blob/folder-blob-store.ts';
import { hostStore } from '../../../src/store/hosted-memory-store.ts';
import type { MemoryStore } from '../../../src/store/memory-store.ts';
import type { ReplicaStore } from '../../../src/store/replica-store.ts';
import { SqliteWorkLock } from '../../../src/store/sqlite/sqlite-work-lock.ts';
import { draft } from '../drafts.ts';
import { temporaryFolder } from '../sqlite-store.ts';

/** The real database, its worker, its lock, and a real folder of backups; closed after the test. */
export class LocalMachine {
  readonly dataDir: string;
  readonly backupFolder: string;
  readonly memory: MemoryStore;
  readonly replica: ReplicaStore;
  readonly backup: BackupService;

  constructor(dataDir = temporaryFolder(), backupFolder = join(dataDir, 'backups')) {
    this.dataDir = dataDir;
    this.backupFolder = backupFolder;
    const { memory, replica } = hostStore({ dataDir, vectorIndex: 'exact' });
    this.memory = memory;
    this.replica = replica;
    this.backup = new BackupService({
      replica,
      store: new FolderBlobStore(backupFolder),
      keyring: null,
      lock: new SqliteWorkLock({ dataDir }),
      retention: DEFAULT_RETENTION,
      now: () => Date.now(),
      random: randomBytes,
      createScratch: () => {
        const scratch = hostStore({ dataDir: temporaryFolder(), vectorIndex: 'exact' });
        return Promise.resolve({ replica: scratch.replica, close: () => scratch.memory.close() });
      },
    });
    onTestFinished(() => memory.close());
  }

  /** @returns the ids */
  async add(...texts: readonly string[]): Promise<string[]> {
    const outcomes = await this.memory.add(texts.map((text) => draft(text)));
    return outcomes.map(({ memory }) => memory.id);
  }

  /** Live texts, sorted. */
  async texts(): Promise<string[]> {
    const page = await this.memory.list({ filter: {}, which: 'live', order: 'oldest', limit: 1000 });
    return page.memories.map(({ text }) => text).toSorted();
  }

  /** A dry run, then its token. */
  async replaceBy(snapshot: string): Promise<RestoreResult> {
    const request = { snapshot, mode: 'replace' } as const;
    const { confirm } = await this.backup.restore({ ...request, dryRun: true });
    return this.backup.restore({ ...request, confirm });
  }
}
