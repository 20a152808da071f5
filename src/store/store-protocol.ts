import type { EncodedError } from '../errors/error-codec.ts';
import type { MemoryStore } from './memory-store.ts';
import type { ReplicaCalls } from './replica-calls.ts';

/** What the host thread tells a new worker. */
export interface StoreWorkerSettings {
  /** Folder of the store. */
  readonly dataDir: string;
  /** Which vector index to use; default auto, the fastest that is installed. */
  readonly vectorIndex?: 'auto' | 'wasm' | 'node' | 'exact';
}

export type ReplicaMethod = keyof ReplicaCalls;
export type StoreMethod = keyof MemoryStore | ReplicaMethod;

/** Every method of the memory store; a record, so that the compiler finds a missing one. */
export const STORE_METHODS: Readonly<Record<keyof MemoryStore, true>> = {
  add: true,
  import: true,
  get: true,
  getCurrent: true,
  findByText: true,
  update: true,
  delete: true,
  restore: true,
  purge: true,
  stripTrash: true,
  list: true,
  matching: true,
  candidates: true,
  claimPendingEmbeddings: true,
  putEmbeddings: true,
  dropOtherEmbeddings: true,
  vectors: true,
  stats: true,
  growth: true,
  checkIntegrity: true,
  close: true,
};

/** Every method of the replica. */
export const REPLICA_METHODS: Readonly<Record<ReplicaMethod, true>> = {
  identity: true,
  openView: true,
  readView: true,
  closeView: true,
  beginStage: true,
  addToStage: true,
  applyStage: true,
  endStage: true,
  takeNewIdentity: true,
  repairVector: true,
  readNote: true,
  writeNote: true,
  recordAttempt: true,
  findAttempt: true,
  recordSeen: true,
  findSeen: true,
};

export function isReplicaMethod(method: StoreMethod): method is ReplicaMethod {
  return Object.hasOwn(REPLICA_METHODS, method);
}

/** Host to worker. */
export interface StoreCall {
  readonly id: number;
  readonly method: StoreMethod;
  readonly parameters: readonly unknown[];
}

/** Worker to host: the answer to the call with this id. */
export type StoreReply =
  { readonly id: number; readonly value: unknown } | { readonly id: number; readonly error: EncodedError };
