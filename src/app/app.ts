import { join } from 'node:path';
import type { BackupApi } from '../backup/backup-api.ts';
import { composeBackup, makesBackups } from './backup-and-sync.ts';
import type { Settings } from '../config/schema.ts';
import { wordsOf } from '../config/setting.ts';
import type { Embedder } from '../embedding/embedder.ts';
import type { Responders } from '../embedding/shared/protocol.ts';
import { answerHook } from '../recall/prompt-recall.ts';
import type { RecallSource } from '../recall/recalled-text.ts';
import { answerSearch } from './search-from-server.ts';
import { composeSearches } from './compose-searches.ts';
import { storeSettings } from './store-settings.ts';
import { createLogger, type Logger } from '../logger.ts';
import type { MemoryApi } from '../memory/memory-api.ts';
import { followedMemory, type UseFollower } from '../memory/followed-memory.ts';
import { FoundRecord } from '../memory/found-record.ts';
import { MemoryService } from '../memory/memory-service.ts';
import { settleWithin } from '../util/concurrency.ts';
import type { Tracer } from '../util/tracer.ts';
import { TimeZone } from '../util/time-zone.ts';
import { createSecretScanner } from '../secrets/create-secret-scanner.ts';
import { isOnReadOnlyDisk } from '../store/sqlite/read-only-disk.ts';
import { removeLeftovers } from '../store/sqlite/sqlite-work-lock.ts';
import { startWorkerStore, type WorkerStore } from '../store/worker/client.ts';
import { databaseName, type MemoryStore } from '../store/memory-store.ts';
import { notifyingMemoryStore, protectingMemoryStore } from '../store/decorators.ts';
import type { SyncApi } from '../sync/sync-api.ts';

/** The services of one data folder. */
export interface App {
  readonly memory: MemoryApi;
  /** For texts that a model gets unasked: memories that they show count as found, not all that they looked at. */
  readonly recall: RecallSource;
  /** Stores the results of searches until now, for a process that ends without `close`. Never rejects. */
  saveFound(): Promise<void>;
  readonly backup: BackupApi;
  readonly sync: SyncApi;
  readonly store: MemoryStore;
  readonly embedder: Embedder;
  readonly settings: Settings;
  /** See `AppOptions`. */
  readonly tracer?: Tracer | undefined;
  /** For long-lived processes: keeps embeddings, backups and the remote up to date in the background. Idempotent. */
  startBackground(): void;
  /**
   * Begins to load the model, and the vectors unless they are many, if there are memories to search, so that the first search
   * can be by meaning and at once. Never throws.
   */
  prepareSearch(): void;
  /**
   * Erases trash and hidden content that is old enough, and files that killed processes left in the data folder, and merges
   * the index of words. For processes that write and do not start the background; that does it by itself, again and again.
   * Never throws.
   */
  tidy(): Promise<void>;
  /** Backs up changes if that takes at most `exitBackupMs`, and closes all services. Idempotent. */
  close(): Promise<void>;
}

const DAY_MS = 86_400_000;
/** Time that a hybrid search waits for a model that is loading before it answers by words. */
const MODEL_WAIT_MS = 3_000;
/** Default time for a backup at the end of a process, because clients kill a process that does not end soon. */
const EXIT_BACKUP_MS = 1_000;
/** The end of a process does not wait longer for another one's lock. */
const SAVE_LIMIT_MS = 500;

export interface AppOptions {
  /** Time that `close` may spend on a backup of changes, in milliseconds; default one second. */
  readonly exitBackupMs?: number;
  /** Default: standard error, at the level of the settings. */
  readonly logger?: Logger;
  /** Instead of the one that the settings ask for. Closed with the rest. */
  readonly embedder?: Embedder | undefined;
  /** Is told of calls of the store, the model and the remote. */
  readonly tracer?: Tracer | undefined;
  /** How long a hybrid search waits for a model that is loading; default 3 seconds. */
  readonly modelWaitMs?: number;
}

/** Composes the services from concrete adapters. Opens no file and no connection; the first call of a service does. */
export function createApp(settings: Settings, options: AppOptions = {}): Promise<App> {
  return Promise.resolve(composeApp(settings, options));
}

/** The same at once, for `openMemory`. */
export function composeApp(
  settings: Settings,
  options: AppOptions = {},
  hosted: WorkerStore = startWorkerStore(storeSettings(settings), undefined, options.tracer),
): App {
  const { exitBackupMs = EXIT_BACKUP_MS, tracer } = options;
  const { logger = createLogger({ level: settings.logLevel, format: settings.logFormat }) } = options;
  warnOfReadOnlyDisk(settings, logger);
  const { backup, sync, background, lock } = composeBackup(settings, {
    replica: hosted.replica,
    logger,
    tracer,
    tidy: () => tidyUp(),
  });
  const responders: Responders = {
    recall: (request) => answerHook(recall, request),
    search: (request) => answerSearch(memory, settings, request),
  };
  const { embedder, searched } = composeSearches(settings, hosted, { ...options, logger, responders });
  const notifying = notifyingMemoryStore(searched, (count) => {
    background.noteChanges(count);
  });
  const tidyUp = async (): Promise<void> => {
    await removeLeftovers(settings.dataDir, { lock, finishMerge: () => hosted.replica.finishMerge() });
    await expireOld(notifying, settings);
    await notifying.mergeWords();
  };
  const tidy = (): Promise<void> =>
    tidyUp().catch((error: unknown) => {
      // Work that the user asked for reports faults of the memories.
      logger.debug('the trash was not emptied', {}, error);
    });
  const store = !makesBackups(settings)
    ? notifying
    : protectingMemoryStore(notifying, async (kind) => {
        await backup.tryBackup({ kind }).catch((error: unknown) => {
          logger.warn('no backup was made before the change', { kind }, error);
        });
      });
  const service = composeMemory(settings, { store, embedder, modelWaitMs: options.modelWaitMs });
  const record = foundRecord(store, logger);
  const memory = followedMemory(service, background, record);
  const recall = recallFrom(service, background, record);
  const close = once(async () => {
    // Closing the embedder ends the running work of the service; the model's thread may end while the store closes.
    const embedderClosed = embedder.close();
    await service.close();
    await settleWithin(record.save(), SAVE_LIMIT_MS);
    await background.close(exitBackupMs);
    await sync.close();
    await store.close();
    await embedderClosed;
  });
  const startBackground = (): void => {
    background.start();
    if (options.embedder !== undefined || settings.embedding.provider !== 'none') service.startBackfill();
  };
  const prepareSearch = searchPreparation({ store, embedder, service, logger });
  const saveFound = (): Promise<void> => record.save();
  const services = { memory, recall, saveFound, backup, sync, store, embedder, settings, tracer };
  return { ...services, startBackground, prepareSearch, tidy, close };
}

function warnOfReadOnlyDisk({ dataDir, store }: Settings, logger: Logger): void {
  if (!isOnReadOnlyDisk(join(dataDir, databaseName(store)))) return;
  logger.warn('the data folder is on a read-only disk: its memories can be read and exported, not changed', {
    dataDir,
  });
}

function foundRecord(store: MemoryStore, logger: Logger): FoundRecord {
  const onProblem = (error: unknown): void => {
    logger.debug('what searches found was not noted', {}, error);
  };
  return new FoundRecord({ store, now: Date.now, onProblem });
}

function recallFrom(memory: MemoryApi, follower: UseFollower, record: FoundRecord): RecallSource {
  const reading = async <Result>(read: () => Promise<Result>): Promise<Result> => {
    await follower.beforeReading();
    return read();
  };
  return {
    timeZone: memory.timeZone,
    search: (request) => reading(() => memory.search(request)),
    list: (input) => reading(() => memory.list(input)),
    noteGiven: (memories) => {
      record.noteGiven(memories);
    },
  };
}

/** Memories that move to the trash now stay there as long as those that a user deleted. */
async function expireOld(
  store: MemoryStore,
  { conversations, trashDays, hiddenDays }: Settings,
): Promise<void> {
  if (conversations.days > 0) await store.expireConversations(conversations.days * DAY_MS);
  await store.expireTrash(trashDays * DAY_MS);
  await store.expireHidden(hiddenDays * DAY_MS);
}

/** The vectors of so many memories are read ahead of a search: a tenth of a second and 8 MB. More are read when they are needed. */
const READ_AHEAD = 20_000;
/** Of a search by words whose answer nobody sees: it compiles the code of all searches, which takes longer than one. */
const QUESTION = 'What was decided, and why?';

interface PreparationParts {
  readonly store: MemoryStore;
  readonly embedder: Embedder;
  readonly service: MemoryService;
  readonly logger: Logger;
}

function searchPreparation({ store, embedder, service, logger }: PreparationParts): () => void {
  let running = false;
  let isPrepared = false;
  // The search that needs it reports faults.
  const searchOnce = once(() =>
    service.search({ query: QUESTION, limit: 1, mode: 'keyword' }).then(
      () => undefined,
      () => undefined,
    ),
  );
  const prepare = async (): Promise<void> => {
    // An empty store is answered without a model.
    const { live } = await store.stats();
    if (live === 0) return;
    // After the model, so that it is not beside a search that somebody waits for; and without one, too.
    await embedder.warmUp().finally(searchOnce);
    isPrepared = true;
    if (live > READ_AHEAD) return;
    const modelId = await embedder.modelId();
    const vector = new Float32Array(modelId.dimension).fill(1);
    await store.candidates({ filter: {}, limit: 1, vector: { modelId, vector } });
  };
  return () => {
    if (running || (embedder.ready && isPrepared)) return;
    running = true;
    prepare()
      .catch((error: unknown) => {
        // The search that needs them reports faults.
        logger.debug('a search was not prepared', {}, error);
      })
      .finally(() => (running = false));
  };
}

export interface MemoryParts {
  readonly store: MemoryStore;
  readonly embedder: Embedder;
  readonly modelWaitMs?: number | undefined;
}

/** The service on a store, however it is made. */
export function composeMemory(
  settings: Settings,
  { store, embedder, modelWaitMs }: MemoryParts,
): MemoryService {
  return new MemoryService({
    store,
    embedder,
    rules: {
      scanner: createSecretScanner(),
      secrets: settings.secrets,
      textLimit: settings.textLimit,
      defaultProject: settings.project,
    },
    conversations: { ...settings.conversations, exclude: wordsOf(settings.conversations.exclude) },
    now: Date.now,
    timeZone: new TimeZone(() => settings.timeZone),
    modelWaitMs: modelWaitMs ?? MODEL_WAIT_MS,
  });
}

export function once(action: () => Promise<void>): () => Promise<void> {
  let running: Promise<void> | undefined;
  return () => (running ??= action());
}
