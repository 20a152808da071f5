import type { MemoryState, SnapshotView } from '../../backup/ports.ts';
import type { EmbeddingModelId } from '../../embedding/embedder.ts';
import { StoreUnavailableError } from '../../errors/store-errors.ts';
import { LimitedQueue, OpenWork, settleWithin } from '../../util/concurrency.ts';
import { packagePath } from '../../util/package.ts';
import { endBeforeExit } from '../../util/process-end.ts';
import type { Tracer } from '../../util/tracer.ts';
import { type OnTimings, WorkerClient } from '../../util/worker-client.ts';
import type { IntegrityOptions, IntegrityReport, MemoryStore } from '../memory-store.ts';
import type { ReplicaStore, StagedStates } from '../replica-store.ts';
import {
  isSearchMethod,
  REPLICA_METHODS,
  type ReplicaCalls,
  STORE_METHODS,
  type StoreMethod,
  type StoreWorkerSettings,
} from './protocol.ts';

/** Time that closing waits for running calls. A thread that needs longer ends by itself later, or with the process. */
const CLOSE_LIMIT_MS = 2_000;

/**
 * Searches that are with the thread at the same time: one runs, and the next one is there when it ends. More of them would
 * only be before the short calls of a write, which someone waits for.
 */
const SEARCHES_AT_ONCE = 2;

/** The two ports of one store. */
export interface WorkerStore {
  /** Its `close` ends the threads, and with them the replica. */
  readonly memory: MemoryStore;
  readonly replica: ReplicaStore;
  /**
   * Starts the threads before the first call does; they open the file if there is one.
   * @param searches false = that of the searches starts with the first one of them. Default true
   */
  readonly start: (options?: { readonly searches: boolean }) => void;
  /** Ends the thread for searches unless it works; the next search starts it again. */
  readonly restSearches: () => void;
}

/** Two threads, for searches and for all else. */
interface ThreadPair {
  readonly searches: StoreThread;
  readonly others: StoreThread;
}

/** The part of a thread that a store needs. */
interface StoreThread {
  call(method: StoreMethod, parameters: readonly unknown[], onTimings?: OnTimings): Promise<unknown>;
  start(): void;
  /** Ends the thread unless it works or others need it. */
  rest(): void;
  close(): Promise<void>;
}

/**
 * A store in two worker threads, so that neither SQLite nor vector search blocks the caller's event loop, and neither
 * searches nor writes wait for the other. Each thread has its own connection, starts with its first call and does not
 * keep the process alive while idle. When one dies, its pending calls reject with `StoreUnavailableError`, and the next
 * call starts a new thread.
 * @param shared default: threads of this store alone
 * @param tracer is told of each call
 */
export function startWorkerStore(
  settings: StoreWorkerSettings,
  shared?: SharedThreads,
  tracer?: Tracer,
): WorkerStore {
  const { searches, others } = shared?.for(settings) ?? {
    searches: new RestartingHost(settings),
    others: new RestartingHost(settings),
  };
  const spanned = (host: StoreThread, method: StoreMethod, parameters: unknown[]): Promise<unknown> =>
    tracer === undefined
      ? host.call(method, parameters)
      : tracer.span({ name: `store ${method}` }, (span) =>
          host.call(method, parameters, (timings) => {
            span.addParts(timings);
          }),
        );
  const remote = (methods: object): Record<string, unknown> =>
    Object.fromEntries(
      // `Object.keys` types the keys as plain texts.
      (Object.keys(methods) as StoreMethod[]).map((method) => {
        const host = isSearchMethod(method) ? searches : others;
        return [method, (...parameters: unknown[]) => spanned(host, method, parameters)];
      }),
    );
  const close = async (): Promise<void> => {
    // The last connection removes the write-ahead log, which takes a moment that belongs to the writes.
    await searches.close();
    await others.close();
  };
  // Each method passes its parameters and result on unchanged, so the types of the ports hold.
  const memory = {
    ...remote(STORE_METHODS),
    checkIntegrity: checkInBoth({ searches, others }),
    close,
  } as unknown as MemoryStore;
  const replica = assembleReplica(remote(REPLICA_METHODS) as unknown as ReplicaCalls);
  const start: WorkerStore['start'] = (options) => {
    others.start();
    if (options?.searches !== false) searches.start();
  };
  const restSearches = (): void => {
    searches.rest();
  };
  return { memory, replica, start, restSearches };
}

/** Both threads check a part at the same time. The one of searches alone has the vector index. */
function checkInBoth({
  searches,
  others,
}: ThreadPair): (modelId?: EmbeddingModelId, options?: IntegrityOptions) => Promise<IntegrityReport> {
  const check = (host: StoreThread, modelId: EmbeddingModelId | undefined, options: IntegrityOptions) =>
    // The method of the port answers the call.
    host.call('checkIntegrity', [modelId, options]) as Promise<IntegrityReport>;
  return async (modelId, options = {}) => {
    const { part } = options;
    if (part !== undefined) return await check(part === 'file' ? others : searches, modelId, options);
    const [file, memories] = await Promise.all([
      check(others, undefined, { ...options, part: 'file' }),
      check(searches, modelId, { ...options, part: 'memories' }),
    ]);
    return {
      ok: file.ok && memories.ok,
      problems: [...file.problems, ...memories.problems],
      checked: [...file.checked, ...memories.checked],
    };
  };
}

/**
 * One pair of worker threads for many stores, which take turns: a thread costs a dozen MiB whatever it holds. The stores
 * are closed before.
 */
export class SharedThreads {
  readonly #searches = new RestartingHost(null);
  readonly #others = new RestartingHost(null);

  for(settings: StoreWorkerSettings): ThreadPair {
    return {
      searches: new SharedThread(this.#searches, settings),
      others: new SharedThread(this.#others, settings),
    };
  }

  /** Ends the threads at once. */
  async close(): Promise<void> {
    await Promise.all([this.#searches.terminate(), this.#others.terminate()]);
  }
}

/** One store's part of a thread. */
class SharedThread implements StoreThread {
  readonly #host: RestartingHost;
  readonly #settings: StoreWorkerSettings;
  readonly #calls = new OpenWork();
  #closing: Promise<void> | undefined;

  constructor(host: RestartingHost, settings: StoreWorkerSettings) {
    this.#host = host;
    this.#settings = settings;
  }

  async call(method: StoreMethod, parameters: readonly unknown[], onTimings?: OnTimings): Promise<unknown> {
    // The thread would open the store again.
    if (this.#closing !== undefined) throw closedStore(this.#settings);
    const end = this.#calls.begin();
    try {
      return await this.#host.call(method, [this.#settings, ...parameters], onTimings);
    } finally {
      end();
    }
  }

  start(): void {
    this.#host.start();
  }

  rest(): void {
    // It is the thread of the other stores too.
  }

  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async #close(): Promise<void> {
    // A search that comes to the thread later would open the store again.
    await this.#calls.done();
    // A thread that died has no open store.
    await this.#host.call('close', [this.#settings]).catch(() => undefined);
  }
}

/** The `memory` port of `startWorkerStore`; its `close` ends the threads. */
export function startWorkerMemoryStore(settings: StoreWorkerSettings): MemoryStore {
  return startWorkerStore(settings).memory;
}

class RestartingHost implements StoreThread {
  /** Null = of many stores. */
  readonly #settings: StoreWorkerSettings | null;
  #worker: WorkerClient | null = null;
  #closing: Promise<void> | null = null;
  #resting: Promise<unknown> = Promise.resolve();
  readonly #searches = new LimitedQueue(SEARCHES_AT_ONCE);

  constructor(settings: StoreWorkerSettings | null) {
    this.#settings = settings;
  }

  async call(method: StoreMethod, parameters: readonly unknown[], onTimings?: OnTimings): Promise<unknown> {
    if (this.#closing !== null) throw closedStore(this.#settings);
    const call = (): Promise<unknown> => this.#running().call(method, parameters, onTimings);
    return method === 'best' ? this.#searches.run(call) : call();
  }

  start(): void {
    this.#running();
  }

  rest(): void {
    const worker = this.#worker;
    if (worker === null || worker.isAwaited) return;
    this.#worker = null;
    this.#resting = Promise.all([this.#resting, endOf(worker)]);
  }

  #running(): WorkerClient {
    this.#worker ??= this.#start();
    return this.#worker;
  }

  #start(): WorkerClient {
    const worker: WorkerClient = new WorkerClient({
      program: packagePath('dist/store/worker/server.js'),
      data: this.#settings,
      onEnd: () => {
        if (this.#worker === worker) this.#worker = null;
      },
      toError: (reason, cause) =>
        new StoreUnavailableError(`The thread of the memory store ended unexpectedly: ${reason}`, {
          fix: 'Check whether the last change was stored, and repeat it if not; the store starts again by itself.',
          retryable: true,
          cause,
        }),
    });
    const end = (): Promise<void> => (this.#settings === null ? this.terminate() : this.close());
    const forget = endBeforeExit(() => end().then(() => worker.ended));
    void worker.ended.then(forget);
    return worker;
  }

  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  /** Ends the thread at once, whatever it does. */
  terminate(): Promise<void> {
    this.#closing ??= this.#worker?.terminate() ?? Promise.resolve();
    return this.#closing;
  }

  async #close(): Promise<void> {
    await settleWithin(this.#searches.idle(), CLOSE_LIMIT_MS);
    await this.#resting;
    if (this.#worker !== null) await endOf(this.#worker);
  }
}

/** Closes the store of the thread, and with it the thread. Resolves when that has happened, or later than usual. */
async function endOf(worker: WorkerClient): Promise<void> {
  if (worker.hasBegun || worker.isAwaited) {
    const closed = worker.call('close', []).catch(() => undefined);
    // It ends by itself once its store is closed, and is never cut off in the middle of anything.
    await settleWithin(
      closed.then(() => worker.ended),
      CLOSE_LIMIT_MS,
    );
  }
  if (!worker.hasBegun) await worker.terminate();
}

function closedStore(settings: StoreWorkerSettings | null): StoreUnavailableError {
  return new StoreUnavailableError(`The memory store in ${settings?.dataDir ?? 'shared threads'} is closed`);
}

/** Approximate size of one message to the stage. */
const BATCH_STATES = 250;
const BATCH_CHARACTERS = 4 * 1024 * 1024;

/** Builds the port from the single calls that the worker answers. */
export function assembleReplica(calls: ReplicaCalls): ReplicaStore {
  return {
    identity: () => calls.identity(),
    openView: () => openView(calls),
    stage: (states) => stage(calls, states),
    finishMerge: () => calls.finishMerge(),
    lease: (name, holder, milliseconds) => calls.lease(name, holder, milliseconds),
    takeNewIdentity: (machine, lastSharedWrite) => calls.takeNewIdentity(machine, lastSharedWrite),
    repairVector: (request) => calls.repairVector(request),
    readNote: (name) => calls.readNote(name),
    writeNote: (name, value) => calls.writeNote(name, value),
    recordAttempt: (repositoryId, commit) => calls.recordAttempt(repositoryId, commit),
    findAttempt: (repositoryId, commitId) => calls.findAttempt(repositoryId, commitId),
    recordSeen: (repositoryId, machine, commit) => calls.recordSeen(repositoryId, machine, commit),
    findSeen: (repositoryId, machine) => calls.findSeen(repositoryId, machine),
  };
}

async function openView(calls: ReplicaCalls): Promise<SnapshotView> {
  const { view, ...facts } = await calls.openView();
  let closing: Promise<void> | undefined;
  return {
    ...facts,
    async *changesSince(sequence) {
      for (let after: number | null = sequence; after !== null;) {
        const page = await calls.readView(view, after);
        yield* page.states;
        after = page.next;
      }
    },
    close: () => (closing ??= calls.closeView(view)),
  };
}

/** Approximate length of the state as JSON. */
function sizeOf({ siblings }: MemoryState): number {
  return siblings.reduce((sum, { text, tags, source, metadata, vectors }) => {
    const words = tags.reduce((length, tag) => length + tag.length, text.length + source.length);
    const bytes = vectors.reduce(
      (size, { chunks }) => chunks.reduce((all, { vector }) => all + vector.length, size),
      0,
    );
    return sum + words + bytes + JSON.stringify(metadata).length;
  }, 0);
}

async function stage(calls: ReplicaCalls, states: AsyncIterable<MemoryState>): Promise<StagedStates> {
  const name = await calls.beginStage();
  let memories = 0;
  let closing: Promise<void> | undefined;
  const close = (): Promise<void> => (closing ??= calls.endStage(name));
  const send = async (batch: readonly MemoryState[]): Promise<void> => {
    if (batch.length > 0) await calls.addToStage(name, batch);
    memories += batch.length;
  };
  try {
    let batch: MemoryState[] = [];
    let characters = 0;
    for await (const state of states) {
      batch.push(state);
      characters += sizeOf(state);
      if (batch.length < BATCH_STATES && characters < BATCH_CHARACTERS) continue;
      await send(batch);
      batch = [];
      characters = 0;
    }
    await send(batch);
  } catch (error) {
    await close();
    throw error;
  }
  return {
    memories,
    merge: (request) => calls.applyStage(name, 'merge', request),
    restore: (request) => calls.applyStage(name, 'restore', request),
    close,
  };
}
