import { createHash } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import type { WorkLock } from '../backup/ports.ts';
import { BackupService } from '../backup/backup-service.ts';
import { TARGET_SEGMENT_BYTES } from '../backup/format/names.ts';
import { Keyring } from '../backup/repository/keyring.ts';
import type { RetentionPolicy } from '../backup/repository/retention.ts';
import type { ScratchStore } from '../backup/repository/verify-repository.ts';
import type { BlobSettings } from '../blob/blob-settings.ts';
import type { BlobStore } from '../blob/blob-store.ts';
import { createBlobStore } from '../blob/create-blob-store.ts';
import {
  countedBlobStore,
  limitedBlobStore,
  loggedBlobStore,
  retryingBlobStore,
} from '../blob/decorators.ts';
import { FolderBlobStore } from '../blob/folder/folder-blob-store.ts';
import type { Settings } from '../config/schema.ts';
import type { Logger } from '../logger.ts';
import { LeaseWorkLock } from '../store/lease-work-lock.ts';
import type { ReplicaStore } from '../store/replica-store.ts';
import { DRILL_PREFIX, SqliteWorkLock } from '../store/sqlite/sqlite-work-lock.ts';
import { traced, type Tracer } from '../util/tracer.ts';
import { startWorkerStore } from '../store/worker/client.ts';
import { BackgroundWork } from '../sync/background-work.ts';
import { SyncService } from '../sync/sync-service.ts';

export interface ComposedBackup {
  readonly backup: BackupService;
  readonly sync: SyncService;
  readonly background: BackgroundWork;
  /** Of the backups of this data folder. */
  readonly lock: WorkLock;
}

/** Most requests to the remote at the same time. */
const PARALLEL_REQUESTS = 8;
/** Folder of local backups inside the data folder. */
const BACKUP_FOLDER = 'backups';
const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;

export interface BackupSurroundings {
  readonly replica: ReplicaStore;
  readonly logger: Logger;
  /** Is told of work with the remote. */
  readonly tracer?: Tracer | undefined;
  /** See `BackgroundWorkParts`. */
  readonly tidy: () => Promise<void>;
}

/** Composes backup and sync. Opens no file and no connection. */
export function composeBackup(
  settings: Settings,
  { replica, logger, tracer, tidy }: BackupSurroundings,
): ComposedBackup {
  const { dataDir, sync: remote } = settings;
  const local = new SqliteWorkLock({ dataDir });
  const lock = settings.store === 'sqlite' ? local : new LeaseWorkLock({ local, replica, dataDir });
  const keyring = remote.passphrase === undefined ? null : new Keyring({ passphrase: remote.passphrase });
  const common = {
    replica,
    keyring,
    lock,
    retention: retentionOf(settings),
    hidePurged: settings.hiddenDays > 0,
    now: Date.now,
    createScratch: () => createScratch(dataDir),
  };
  const store = new FolderBlobStore(join(dataDir, BACKUP_FOLDER));
  const backup = new BackupService({ ...common, store });
  const access = remote.bucket === '' ? null : toBlobSettings(remote);
  const service = new SyncService({
    ...common,
    backup,
    enabled: remote.enabled,
    mode: remote.mode,
    textLimit: settings.textLimit,
    repositoryId: access === null ? 'remote:none' : repositoryIdOf(access),
    access:
      access === null
        ? null
        : {
            open: () => createBlobStore(access),
            decorate: (plain, count) => decorate(countedBlobStore(plain, count), logger),
          },
    probe:
      access === null
        ? null
        : async ({ signal }) => {
            const { probeBlobStore } = await import('../blob/probe/probe.ts');
            return probeBlobStore(access, { signal, largestBytes: TARGET_SEGMENT_BYTES });
          },
  });
  const methods = ['status', 'push', 'pull', 'snapshots', 'restore', 'verify', 'prune'] as const;
  const sync = traced(service, tracer, { name: 'sync', methods });
  const background = new BackgroundWork({
    replica,
    backup,
    sync,
    automatic: makesBackups(settings),
    mode: remote.mode,
    schedule: remote.schedule ?? null,
    tidy,
    tidyEveryMs: Math.min(HOUR_MS, Math.max(MINUTE_MS, tidyHours(settings) * HOUR_MS)),
    now: Date.now,
    random: Math.random,
    logger,
  });
  return { backup, sync, background, lock };
}

/** Whether the folder gets backups unasked: one that is only an index is lost with them, and its database has its own. */
export function makesBackups({ backup, store }: Settings): boolean {
  return backup.enabled && store === 'sqlite';
}

/** One day of keeping content allows one hour of delay. */
function tidyHours({ trashDays, hiddenDays }: Settings): number {
  return hiddenDays > 0 ? Math.min(trashDays, hiddenDays) : trashDays;
}

function decorate(plain: BlobStore, logger: Logger): BlobStore {
  const logged = loggedBlobStore(plain, ({ operation, key, milliseconds, error }) => {
    logger.debug('object store', { operation, key, milliseconds, error });
  });
  return limitedBlobStore(retryingBlobStore(logged), PARALLEL_REQUESTS);
}

function retentionOf({ backup }: Settings): RetentionPolicy {
  const { keepLast, hourly, daily, weekly, monthly } = backup;
  return { keepLast, hourly, daily, weekly, monthly };
}

/** A hash of the remote's address, which stays the same when keys change. It is a hash because the journal stores it. */
function repositoryIdOf(settings: BlobSettings): string {
  const facts =
    settings.provider === 'folder'
      ? [settings.provider, settings.path]
      : [settings.provider, settings.bucket, settings.prefix ?? '', endpointOf(settings)];
  const preset = settings.provider === 's3' ? [settings.preset ?? '', settings.accountId ?? ''] : [];
  const text = JSON.stringify([...facts, ...preset]);
  return `remote:${createHash('sha256').update(text).digest('hex').slice(0, 16)}`;
}

/** Written in a connection string or beside it, one address is one place. Empty = the provider's own. */
function endpointOf(settings: Exclude<BlobSettings, { readonly provider: 'folder' }>): string {
  if (settings.provider !== 'azure' || settings.connectionString === undefined)
    return settings.endpoint ?? '';
  const endpoint = /(?:^|;)\s*BlobEndpoint=([^;]*?)\/*\s*(?:;|$)/i.exec(settings.connectionString)?.[1] ?? '';
  return /^https:\/\/[a-z0-9]+\.blob\.core\.windows\.net$/.test(endpoint) ? '' : endpoint;
}

/** Creates a temporary store in the data folder for a restore drill; its `close` removes it. */
function createScratch(dataDir: string): Promise<ScratchStore> {
  const folder = mkdtempSync(join(dataDir, DRILL_PREFIX));
  const { memory, replica } = startWorkerStore({ dataDir: folder });
  return Promise.resolve({
    replica,
    close: async () => {
      await memory.close();
      rmSync(folder, { recursive: true, force: true });
    },
  });
}

/** Turns the settings of sync into those of the object store. The result contains secrets. */
export function toBlobSettings(sync: Settings['sync']): BlobSettings {
  const { provider, bucket, prefix, region, endpoint, pathStyle, accountId } = sync;
  const accessKey = sync.accessKey?.reveal();
  const secretKey = sync.secretKey?.reveal();
  switch (provider) {
    case 'folder':
      return { provider, path: bucket };
    case 'gcs':
      return { provider, bucket, prefix, endpoint, keyFile: sync.keyFile, projectId: sync.projectId };
    case 'azure': {
      const connectionString = sync.connectionString?.reveal();
      const keys = { accountName: accessKey, accountKey: secretKey, sasToken: sync.sasToken?.reveal() };
      return { provider, bucket, prefix, endpoint, connectionString, ...keys };
    }
    default: {
      const sessionToken = sync.sessionToken?.reveal();
      const keys = { accessKey, secretKey, sessionToken };
      const common = { bucket, prefix, region, endpoint, pathStyle, accountId, ...keys };
      return provider === 's3' ? { provider, ...common } : { provider: 's3', preset: provider, ...common };
    }
  }
}
