import { setTimeout as delay } from 'node:timers/promises';
import { Worker } from 'node:worker_threads';
import type { MemoryState, SnapshotView } from '../../backup/ports.ts';
import { decodeError } from '../../errors/error-codec.ts';
import { StoreUnavailableError } from '../../errors/store-errors.ts';
import { packagePath } from '../../util/package.ts';
import type { MemoryStore } from '../memory-store.ts';
import type { ReplicaStore, StagedStates } from '../replica-store.ts';
import {
  REPLICA_METHODS,
  type ReplicaCalls,
  STORE_METHODS,
  type StoreCall,
  type StoreMethod,
  type StoreReply,
  type StoreWorkerSettings,
} from './protocol.ts';

/** Time that closing waits for running calls. */
const CLOSE_LIMIT_MS = 2_000;

/** The two ports of one store. */
export interface WorkerStore {
  /** Its `close` ends the thread, and with it the replica. */
  readonly memory: MemoryStore;
  readonly replica: ReplicaStore;
}

/**
 * A store in a worker thread, so that neither SQLite nor vector search blocks the caller's event loop. The thread
 * starts with the first call and does not keep the process alive while idle. When it dies, pending calls reject with
 * `StoreUnavailableError`, and the next call starts a new thread.
 */
export function startWorkerStore(settings: StoreWorkerSettings): WorkerStore {
  const host = new RestartingHost(settings);
  const remote = (methods: object): Record<string, unknown> =>
    Object.fromEntries(
      // `Object.keys` types the keys as plain texts.
      (Object.keys(methods) as StoreMethod[]).map((method) => [
        method,
        (...parameters: unknown[]) => host.call(method, parameters),
      ]),
    );
  const close = (): Promise<void> => host.close();
  // Each method passes its parameters and result on unchanged, so the types of the ports hold.
  const memory = { ...remote(STORE_METHODS), close } as unknown as MemoryStore;
  const replica = assembleReplica(remote(REPLICA_METHODS) as unknown as ReplicaCalls);
  return { memory, replica };
}

/** The `memory` port of `startWorkerStore`; its `close` ends the thread. */
export function startWorkerMemoryStore(settings: StoreWorkerSettings): MemoryStore {
  return startWorkerStore(settings).memory;
}

class RestartingHost {
  readonly #settings: StoreWorkerSettings;
  #worker: StoreWorkerClient | null = null;
  #closing: Promise<void> | null = null;

  constructor(settings: StoreWorkerSettings) {
    this.#settings = settings;
  }

  async call(method: StoreMethod, parameters: readonly unknown[]): Promise<unknown> {
    if (this.#closing !== null) {
      throw new StoreUnavailableError(`The memory store in ${this.#settings.dataDir} is closed`);
    }
    return this.#running().call(method, parameters);
  }

  #running(): StoreWorkerClient {
    this.#worker ??= this.#start();
    return this.#worker;
  }

  #start(): StoreWorkerClient {
    const worker: StoreWorkerClient = new StoreWorkerClient(this.#settings, () => {
      if (this.#worker === worker) this.#worker = null;
    });
    return worker;
  }

  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async #close(): Promise<void> {
    const worker = this.#worker;
    if (worker === null) return;
    const limit = new AbortController();
    const closed = worker.call('close', []).catch(() => undefined);
    await Promise.race([
      closed,
      delay(CLOSE_LIMIT_MS, undefined, { signal: limit.signal }).catch(() => undefined),
    ]);
    limit.abort();
    await worker.terminate();
  }
}

interface PendingCall {
  readonly resolve: (value: unknown) => void;
  readonly reject: (error: Error) => void;
}

/**
 * One worker thread and its pending calls. It keeps the process alive only while a call is pending. When the thread
 * ends for any reason, all pending calls reject with `StoreUnavailableError`.
 */
export class StoreWorkerClient {
  readonly #worker: Worker;
  readonly #pending = new Map<number, PendingCall>();
  readonly #ended: Promise<void>;
  #failure: Error | undefined;
  #lastId = 0;

  /** @param onEnd called once when the thread has ended */
  constructor(settings: StoreWorkerSettings, onEnd: () => void) {
    this.#worker = new Worker(packagePath('dist/store/worker/server.js'), {
      workerData: settings,
      execArgv: [],
      // The standard output of the process may carry a protocol, so the worker prints to standard error. A reader of
      // the worker's output here would keep the process alive.
      stdout: true,
    });
    this.#worker.on('message', (reply: StoreReply) => {
      this.#settle(reply);
    });
    this.#worker.on('error', (error) => {
      this.#failure = error;
    });
    this.#ended = new Promise((resolve) => {
      this.#worker.on('exit', (code) => {
        onEnd();
        this.#rejectAll(code);
        resolve();
      });
    });
    this.#worker.unref();
  }

  call(method: StoreMethod, parameters: readonly unknown[]): Promise<unknown> {
    const id = ++this.#lastId;
    return new Promise((resolve, reject) => {
      this.#worker.postMessage({ id, method, parameters } satisfies StoreCall);
      this.#pending.set(id, { resolve, reject });
      this.#worker.ref();
    });
  }

  /** Ends the thread at once. SQLite rolls its open transaction back when the database is next used. */
  async terminate(): Promise<void> {
    await this.#worker.terminate();
    await this.#ended;
  }

  #settle(reply: StoreReply): void {
    const call = this.#pending.get(reply.id);
    this.#pending.delete(reply.id);
    if (this.#pending.size === 0) this.#worker.unref();
    if ('error' in reply) call?.reject(decodeError(reply.error));
    else call?.resolve(reply.value);
  }

  #rejectAll(exitCode: number): void {
    const reason = this.#failure?.message ?? `exit code ${exitCode}`;
    for (const { reject } of this.#pending.values()) {
      reject(
        new StoreUnavailableError(`The thread of the memory store ended unexpectedly: ${reason}`, {
          fix: 'Check whether the last change was stored, and repeat it if not; the store starts again by itself.',
          retryable: true,
          cause: this.#failure,
        }),
      );
    }
    this.#pending.clear();
  }
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
