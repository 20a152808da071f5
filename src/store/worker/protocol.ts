import type { HeadJournal, MemoryState, SnapshotView } from '../../backup/ports.ts';
import type { EncodedError } from '../../errors/error-codec.ts';
import type { JsonValue } from '../../memory/version.ts';
import type { MemoryStore } from '../memory-store.ts';
import type {
  ApplyRequest,
  ChangeReport,
  ReplicaIdentity,
  VectorRepair,
  VectorReport,
} from '../replica-store.ts';

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
  expireTrash: true,
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

/** What a view tells at once; `view` names it in later calls. */
export type OpenedView = Omit<SnapshotView, 'changesSince' | 'close'> & { readonly view: number };

export interface StatePage {
  readonly states: readonly MemoryState[];
  /** Where the next page begins; null after the last. */
  readonly next: number | null;
}

/**
 * `ReplicaStore` as single calls with plain data, so that they can be sent to a worker; `assembleReplica` makes the
 * port of them. Names differ from those of `MemoryStore`, because one worker answers both.
 */
export interface ReplicaCalls extends HeadJournal {
  identity(): Promise<ReplicaIdentity>;
  openView(): Promise<OpenedView>;
  /** States changed after this sequence number, oldest change first; some MiB at a time. */
  readView(view: number, after: number): Promise<StatePage>;
  closeView(view: number): Promise<void>;
  /** Empties the place for staged states. @returns its name, for the next calls */
  beginStage(): Promise<number>;
  addToStage(stage: number, states: readonly MemoryState[]): Promise<void>;
  applyStage(stage: number, how: 'merge' | 'restore', request: ApplyRequest): Promise<ChangeReport>;
  endStage(stage: number): Promise<void>;
  takeNewIdentity(machine: string, lastSharedWrite: number): Promise<string>;
  repairVector(request: VectorRepair): Promise<VectorReport>;
  readNote(name: string): Promise<JsonValue | null>;
  writeNote(name: string, value: JsonValue | null): Promise<void>;
}
