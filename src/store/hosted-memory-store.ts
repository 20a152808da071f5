import { setTimeout as delay } from 'node:timers/promises';
import { StoreUnavailableError } from '../errors/store-errors.ts';
import { assembleReplica } from './assemble-replica.ts';
import type { MemoryStore } from './memory-store.ts';
import type { ReplicaCalls } from './replica-calls.ts';
import type { ReplicaStore } from './replica-store.ts';
import {
  REPLICA_METHODS,
  STORE_METHODS,
  type StoreMethod,
  type StoreWorkerSettings,
} from './store-protocol.ts';
import { StoreWorkerHost } from './store-worker-host.ts';

/** How long closing waits for calls that still run. */
const CLOSE_LIMIT_MS = 2_000;

/** One store, seen from two sides. */
export interface HostedStore {
  /** Closing it ends the thread. */
  readonly memory: MemoryStore;
  readonly replica: ReplicaStore;
}

/**
 * A store in a worker thread of its own, so that neither SQLite nor a vector search ever blocks the caller's
 * event loop. The thread starts with the first call, does not keep the process alive while idle, and is
 * started again after it died; calls that were pending then reject with `StoreUnavailableError`.
 */
export function hostStore(settings: StoreWorkerSettings): HostedStore {
  const host = new RestartingHost(settings);
  const remote = (methods: object): Record<string, unknown> =>
    Object.fromEntries(
      // The keys of a record are typed as plain texts.
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

/** Only the memories of `hostStore`. */
export function hostMemoryStore(settings: StoreWorkerSettings): MemoryStore {
  return hostStore(settings).memory;
}

class RestartingHost {
  readonly #settings: StoreWorkerSettings;
  #worker: StoreWorkerHost | null = null;
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

  #running(): StoreWorkerHost {
    this.#worker ??= this.#start();
    return this.#worker;
  }

  #start(): StoreWorkerHost {
    const worker: StoreWorkerHost = new StoreWorkerHost(this.#settings, () => {
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
