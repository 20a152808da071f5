import { homedir } from 'node:os';
import type { BackupApi } from '../backup/backup-api.ts';
import { resolveConfig, type SettingsInput } from '../config/resolve.ts';
import type { Settings } from '../config/schema.ts';
import { show } from '../config/sources.ts';
import { checkedEmbedder } from '../embedding/checked-embedder.ts';
import type { Embedder } from '../embedding/embedder.ts';
import { InvalidInputError, NotFoundError } from '../errors/input-errors.ts';
import { createLogger, type LogFields, type Logger, type LogLevel, type LogMethod } from '../logger.ts';
import { followedMemory, type UseFollower } from '../memory/followed-memory.ts';
import { FoundRecord } from '../memory/found-record.ts';
import type { ListInput, MemoryApi } from '../memory/memory-api.ts';
import type { HistoryEntry } from '../memory/memory.ts';
import type { MemoryStore } from '../store/memory-store.ts';
import { STORE_METHODS } from '../store/worker/protocol.ts';
import type { SyncApi } from '../sync/sync-api.ts';
import { nearestName } from '../util/text.ts';
import { composeApp, composeMemory, once } from './app.ts';
import { composeEmbedder } from './compose-searches.ts';

interface CommonOptions {
  /**
   * Turns texts into vectors; closed with the memory. Its answers are checked, see `Embedder`.
   * @default the model in this package, which reads English
   */
  readonly embedder?: Embedder | undefined;
  /**
   * Takes entries that a program with a terminal would print to standard error; `console` will do. It gets those of every
   * level. Fields never hold texts of memories; errors may.
   * @default standard error, from the level of `settings.logLevel` on, which is `warn`
   */
  readonly logger?: Pick<Logger, LogLevel> | undefined;
  /** Settings in the shape of `config.json`, see docs/configuration.md. They win over `env`. */
  readonly settings?: SettingsInput | undefined;
  /**
   * Reads the variables `MEMORY_*` and `CLOUD_SYNC_*` from here, for example from `process.env`.
   * @default none is read, and no `config.json` in any case
   */
  readonly env?: Readonly<Record<string, string | undefined>> | undefined;
  /**
   * How long a search waits for a model that is loading before it answers by words only, in milliseconds.
   * @default 5000
   */
  readonly modelWaitMs?: number | undefined;
  /**
   * Embeds by itself memories without a vector, and keeps backups and the remote up to date. Its timers do not keep the
   * process alive.
   * @default true
   */
  readonly background?: boolean | undefined;
}

/** Memories in a folder, as the program keeps them: any number of processes may use it at once. */
export interface OpenFolderOptions extends CommonOptions {
  /** Made when it is not there. A relative path starts at the working directory. */
  readonly dataDir: string;
  readonly store?: undefined;
}

/** Memories in a store of your own. */
export interface OpenStoreOptions extends CommonOptions {
  /** Closed with the memory. */
  readonly store: MemoryStore;
  readonly dataDir?: undefined;
}

/** Memories that were opened: everything that the tools of the program do, and the end of it. */
export interface OpenMemory extends MemoryApi, AsyncDisposable {
  /** As in `MemoryApi`; without input the newest 20. */
  list(input?: ListInput): ReturnType<MemoryApi['list']>;
  /** All versions of one memory, the current one first. @throws NotFoundError */
  history(id: string): Promise<readonly HistoryEntry[]>;
  /** Loads the model now instead of with the first search. @throws EmbeddingUnavailableError */
  warmUp(): Promise<void>;
  /**
   * Backs up changes, if that takes less than a second, and ends threads, timers, the embedder and the store. Every
   * write that was acknowledged is on disk already. Idempotent; later calls reject with `StoreUnavailableError`.
   */
  close(): Promise<void>;
}

/** Memories in a folder, with their backups and their remote. */
export interface OpenFolder extends OpenMemory {
  /** Local backups, in the folder `backups` of the data folder. */
  readonly backup: BackupApi;
  /** The remote; its methods reject with `SyncOffError` until `settings.sync` names one. */
  readonly sync: SyncApi;
}

const MODEL_WAIT_MS = 5_000;
/** When the trash is emptied first, and how often after that. */
const FIRST_LOOK_MS = 3_000;
const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;
const EMBEDDER_METHODS: readonly (keyof Embedder)[] = [
  'modelId',
  'warmUp',
  'embedQuery',
  'embedPassage',
  'describe',
  'close',
];
const OPTIONS = ['dataDir', 'store', 'embedder', 'logger', 'settings', 'env', 'modelWaitMs', 'background'];

/**
 * Opens memories for a program that embeds this one. Works without any configuration, network or account; nothing is
 * read or made before the first call, so a folder that cannot be used is an error of that call.
 *
 * @example
 * ```ts
 * import { openMemory } from 'faiss-memory';
 *
 * await using memory = openMemory({ dataDir: './memories' });
 * await memory.add({ memories: [{ text: 'The staging server is 10.20.0.5', tags: ['infra'] }] });
 * const { hits } = await memory.search({ query: 'where does staging run' });
 * console.log(hits[0]?.memory.text);
 * ```
 *
 * @throws InvalidInputError for an option that is not allowed
 * @throws ConfigurationError with every problem of `settings` and `env`
 */
export function openMemory(options: OpenFolderOptions): OpenFolder;
export function openMemory(options: OpenStoreOptions): OpenMemory;
export function openMemory(options: OpenFolderOptions | OpenStoreOptions): OpenMemory {
  checkOptions(options);
  return options.store === undefined ? openFolder(options) : openStore(options);
}

function openFolder(options: OpenFolderOptions): OpenFolder {
  const settings = readSettings(options);
  const { embedder, logger } = options;
  const app = composeApp(settings, {
    embedder: embedder === undefined ? undefined : checkedEmbedder(embedder),
    logger: toLogger(logger, settings),
    modelWaitMs: options.modelWaitMs ?? MODEL_WAIT_MS,
  });
  if (options.background !== false) app.startBackground();
  return { ...asOpenMemory(app), backup: app.backup, sync: app.sync };
}

function openStore(options: OpenStoreOptions): OpenMemory {
  const settings = readSettings(options);
  const { store } = options;
  const own = options.embedder === undefined ? undefined : checkedEmbedder(options.embedder);
  const embedder = own ?? composeEmbedder(settings);
  const service = composeMemory(settings, {
    store,
    embedder,
    modelWaitMs: options.modelWaitMs ?? MODEL_WAIT_MS,
  });
  const embeds = own !== undefined || settings.embedding.provider !== 'none';
  const background = options.background !== false;
  const record = new FoundRecord({ store, now: Date.now });
  const memory = followedMemory(service, UNFOLLOWED, record);
  if (background && embeds) service.startBackfill();
  const timers = background ? keepTrashShort(store, settings) : [];
  const close = once(async () => {
    for (const timer of timers) clearTimeout(timer);
    const embedderClosed = embedder.close();
    await service.close();
    await record.save();
    await store.close();
    await embedderClosed;
  });
  return asOpenMemory({ memory, embedder, close });
}

/** No other machine writes to it, as far as this program knows. */
const UNFOLLOWED: UseFollower = { noteUse: () => undefined, beforeReading: () => Promise.resolve() };

/** For a store without the background work of a data folder. The timers keep no process alive. */
function keepTrashShort(store: MemoryStore, { trashDays, hiddenDays }: Settings): NodeJS.Timeout[] {
  const expire = (): void => {
    // A store that fails says so at the next call of the program.
    store.expireTrash(trashDays * DAY_MS).catch(() => undefined);
    store.expireHidden(hiddenDays * DAY_MS).catch(() => undefined);
  };
  return [setTimeout(expire, FIRST_LOOK_MS).unref(), setInterval(expire, HOUR_MS).unref()];
}

// Programs in JavaScript have no compiler that checks their options.
function checkOptions(options: unknown): asserts options is OpenFolderOptions | OpenStoreOptions {
  const given = (options ?? {}) as Record<string, unknown>;
  for (const name of Object.keys(given)) {
    if (OPTIONS.includes(name)) continue;
    const near = nearestName(name, OPTIONS);
    throw new InvalidInputError(
      name,
      'is no option of openMemory',
      near === undefined ? `allowed are ${OPTIONS.join(', ')}` : `did you mean ${near}?`,
    );
  }
  const { dataDir, store, embedder, settings, modelWaitMs } = given;
  if (store !== undefined && dataDir !== undefined)
    throw new InvalidInputError('store', 'is given beside dataDir', 'allowed is one of them');
  // An empty path would be the program's own folder.
  if (store === undefined && (typeof dataDir !== 'string' || dataDir.trim() === ''))
    throw new InvalidInputError('dataDir', `is ${show(dataDir)}`, 'give the path of a folder');
  if (
    settings !== undefined &&
    (typeof settings !== 'object' || settings === null || Array.isArray(settings))
  )
    throw new InvalidInputError('settings', `is ${show(settings)}`, 'give an object as in config.json');
  if (modelWaitMs !== undefined && !(typeof modelWaitMs === 'number' && modelWaitMs >= 0))
    throw new InvalidInputError('modelWaitMs', `is ${show(modelWaitMs)}`, 'give milliseconds, 0 or more');
  checkMethods('store', store, Object.keys(STORE_METHODS));
  checkMethods('embedder', embedder, EMBEDDER_METHODS);
}

function checkMethods(option: string, value: unknown, methods: readonly string[]): void {
  if (value === undefined) return;
  const missing = methods.filter(
    (method) => typeof (value as Record<string, unknown> | null)?.[method] !== 'function',
  );
  if (missing.length === 0) return;
  throw new InvalidInputError(option, `has no method ${missing.join(', ')}`, 'give the whole port');
}

function readSettings({ dataDir, settings, env }: OpenFolderOptions | OpenStoreOptions): Settings {
  return resolveConfig({
    env: env ?? {},
    platform: process.platform,
    homeDirectory: homedir(),
    workingDirectory: process.cwd(),
    settings: { ...settings, ...(dataDir === undefined ? {} : { dataDir }) },
  }).settings;
}

/** A logger that keeps the promise of the port, whatever it is made of: it never throws. */
function toLogger(methods: Pick<Logger, LogLevel> | undefined, settings: Settings): Logger {
  if (methods === undefined) return createLogger({ level: settings.logLevel, format: settings.logFormat });
  const withFields = (own: LogFields): Logger => {
    const method =
      (level: LogLevel): LogMethod =>
      (event, fields, error) => {
        try {
          methods[level](event, { ...own, ...fields }, ...(error === undefined ? [] : [error]));
        } catch {
          // A log that fails must not fail the work that it tells of.
        }
      };
    return {
      debug: method('debug'),
      info: method('info'),
      warn: method('warn'),
      error: method('error'),
      child: (fields) => withFields({ ...own, ...fields }),
    };
  };
  return withFields({});
}

interface Opened {
  readonly memory: MemoryApi;
  readonly embedder: Embedder;
  readonly close: () => Promise<void>;
}

function asOpenMemory({ memory, embedder, close }: Opened): OpenMemory {
  return {
    timeZone: memory.timeZone,
    add: (request) => memory.add(request),
    capture: (request) => memory.capture(request),
    search: (request) => memory.search(request),
    get: (ids) => memory.get(ids),
    getAsOf: (ids, asOf) => memory.getAsOf(ids, asOf),
    list: (input = {}) => memory.list(input),
    conversations: (input) => memory.conversations(input),
    history: async (id) => {
      const [found] = await memory.get([id]);
      if (found === undefined) throw new NotFoundError([id]);
      return found.history;
    },
    update: (input) => memory.update(input),
    delete: (request) => memory.delete(request),
    restore: (ids) => memory.restore(ids),
    purge: (ids) => memory.purge(ids),
    stats: () => memory.stats(),
    isNovel: (request) => memory.isNovel(request),
    deduplicate: (request, work) => memory.deduplicate(request, work),
    tidy: (request, work) => memory.tidy(request, work),
    growth: (timeZone) => memory.growth(timeZone),
    map: (request) => memory.map(request),
    reembed: (onProgress, signal) => memory.reembed(onProgress, signal),
    dropOtherEmbeddings: () => memory.dropOtherEmbeddings(),
    export: (filter) => memory.export(filter),
    importBatch: (drafts, options) => memory.importBatch(drafts, options),
    warmUp: () => embedder.warmUp(),
    close,
    [Symbol.asyncDispose]: close,
  };
}
