import type { BackupApi, BackupResult, SnapshotSummary, WorkOptions } from '../backup/backup-api.ts';
import { FaissMemoryError } from '../errors/faiss-memory-error.ts';
import { NotUploadedError, SyncOffError } from '../errors/remote-errors.ts';
import type { Logger } from '../logger.ts';
import type { MemoryApi } from '../memory/memory-api.ts';
import type { PushResult, SyncApi } from '../sync/sync-api.ts';
import type { Tracer } from '../util/tracer.ts';
import type { StatusFacts } from './sync-answers.ts';

/** The services of tools, resources and prompts. */
export interface Services {
  readonly memory: MemoryApi;
  readonly backup: BackupApi;
  readonly sync: SyncApi;
}

/**
 * Opens the services at their first use. The handshake and the lists never call it, so a client that only asks
 * what there is costs no store, model, index or network.
 */
export type OpenServices = () => Promise<Services>;

export interface ServerParts {
  readonly open: OpenServices;
  /** Begins to load the model and the index for the first search, when a caller seems about to search. Never throws. */
  readonly prepare?: () => void;
  /**
   * The project in which a client works, from the folders that it names; empty = it names none. Absent = the settings
   * name it.
   */
  readonly projectOf?: (folders: readonly string[]) => Promise<string | null>;
  /** Is told of each call of a tool. */
  readonly tracer?: Tracer | undefined;
  /** Hears of failures that are no fault of the caller. */
  readonly logger: Logger;
}

/** The right of a caller. */
export type Access = 'read' | 'write';

/** The memories that a request is about, and the right of its caller there. */
export interface Workspace {
  readonly parts: ServerParts;
  readonly access: Access;
  /** The same for requests of one person about one space with one right; a session of MCP belongs to it. */
  readonly key: string;
  /** Its id, for counting; absent where there is one store for everybody. */
  readonly space?: string;
  /** Hears of a change that the right of the caller does not allow. */
  readonly noteRefusal?: () => void;
}

export interface Upload {
  readonly made: BackupResult;
  /** Null when sync is off. */
  readonly push: PushResult | null;
}

/**
 * One backup, and its upload.
 * @param kind begins the name of the backup; undefined = manual
 * @throws NotUploadedError when the backup was made, and is only here
 */
export async function backUpAndUpload(
  { backup, sync }: Pick<Services, 'backup' | 'sync'>,
  kind: string | undefined,
  work: WorkOptions,
): Promise<Upload> {
  const made = await backup.backup({ kind }, work);
  try {
    return { made, push: await sync.push({ ...work, made }) };
  } catch (error) {
    if (error instanceof SyncOffError) return { made, push: null };
    throw error instanceof FaissMemoryError ? new NotUploadedError(made.snapshot.name, error) : error;
  }
}

/**
 * The state of backups and of the remote, with the snapshots of the remote, or the local ones without it. A list that
 * cannot be read is a warning: the rest of the state is wanted all the more.
 * @param work.offline answer from the last observation, without asking the remote
 */
export async function findStatus(
  { backup, sync }: Pick<Services, 'backup' | 'sync'>,
  work: WorkOptions & { readonly offline?: boolean },
): Promise<StatusFacts> {
  const status = await sync.status(work);
  const warnings = [...status.warnings];
  const list = async (whose: string, listing: Promise<Snapshots>): Promise<Snapshots | undefined> => {
    try {
      return await listing;
    } catch (error) {
      if (!(error instanceof FaissMemoryError)) throw error;
      warnings.push(`${whose} snapshots cannot be listed: ${error.message}`);
      return undefined;
    }
  };
  const isReachable = work.offline !== true && status.enabled && status.reachable?.value === true;
  const remote = isReachable ? await list("The remote's", sync.snapshots(work)) : undefined;
  const from = remote === undefined ? 'local' : 'remote';
  const snapshots = remote ?? (await list("This machine's", backup.list())) ?? [];
  return { status: { ...status, warnings }, from, snapshots };
}

type Snapshots = readonly SnapshotSummary[];
