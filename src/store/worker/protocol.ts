import type { HeadJournal, MemoryState, SnapshotView } from '../../backup/ports.ts';
import type { JsonValue } from '../../memory/version.ts';
import type { MemoryStore } from '../memory-store.ts';
import type {
  ApplyRequest,
  ChangeReport,
  ReplicaIdentity,
  VectorRepair,
  VectorReport,
} from '../replica-store.ts';

/** Settings of a new store worker. */
export interface StoreWorkerSettings {
  /** Data folder. */
  readonly dataDir: string;
  /** Vector index to use; default auto, which takes the fastest one installed. */
  readonly vectorIndex?: 'auto' | 'wasm' | 'node' | 'exact';
  /** The database is there, and is not made anew when it is gone: its folder was moved away. Default false. */
  readonly mustExist?: boolean;
  /** The database that holds the memories, of which the data folder then has an index. Absent = the folder holds them. */
  readonly database?: SharedDatabase | undefined;
}

/** A space in PostgreSQL. */
export interface SharedDatabase {
  /** Address with credentials. */
  readonly url: string;
  /** Name of the schema of the tables. */
  readonly schema: string;
  readonly space: string;
  /** The space is one of a team: it is there, is not made anew when it is erased, and is not used while it is in the trash. */
  readonly ofTeam?: boolean | undefined;
  /** Makes and changes no tables. */
  readonly asIs?: boolean | undefined;
}

export type ReplicaMethod = keyof ReplicaCalls;
export type StoreMethod = keyof MemoryStore | ReplicaMethod;

/** Every method of the memory store. It is a record, so that the compiler reports a missing method. */
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
  expireHidden: true,
  expireConversations: true,
  mergeWords: true,
  conversations: true,
  list: true,
  matching: true,
  candidates: true,
  best: true,
  claimPendingEmbeddings: true,
  releasePendingEmbeddings: true,
  putEmbeddings: true,
  keepTokenVectors: true,
  tokenMatches: true,
  dropOtherEmbeddings: true,
  vectors: true,
  noteFound: true,
  unused: true,
  stats: true,
  growth: true,
  checkCounts: true,
  checkIntegrity: true,
  close: true,
};

/** Methods of searches, which a thread of their own answers. */
const SEARCH_METHODS = [
  'candidates',
  'best',
  'tokenMatches',
  'getCurrent',
] as const satisfies readonly (keyof MemoryStore)[];
export type SearchMethod = (typeof SEARCH_METHODS)[number];

export function isSearchMethod(method: unknown): method is SearchMethod {
  return SEARCH_METHODS.some((name) => name === method);
}

/** Every method of `ReplicaCalls`. */
export const REPLICA_METHODS: Readonly<Record<ReplicaMethod, true>> = {
  identity: true,
  openView: true,
  readView: true,
  closeView: true,
  beginStage: true,
  addToStage: true,
  applyStage: true,
  endStage: true,
  finishMerge: true,
  lease: true,
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

/** Facts of an open view; `view` names it in later calls. */
export type OpenedView = Omit<SnapshotView, 'changesSince' | 'close'> & { readonly view: number };

export interface StatePage {
  readonly states: readonly MemoryState[];
  /** Value of `after` for the next page; null after the last page. */
  readonly next: number | null;
}

/**
 * `ReplicaStore` as single calls with plain data, which can be sent to a worker; `assembleReplica` builds the port
 * from them. No method has the name of a `MemoryStore` method, because one worker answers both.
 */
export interface ReplicaCalls extends HeadJournal {
  identity(): Promise<ReplicaIdentity>;
  openView(): Promise<OpenedView>;
  /** States changed after this sequence number, oldest change first; one page has some MiB. */
  readView(view: number, after: number): Promise<StatePage>;
  closeView(view: number): Promise<void>;
  /** Begins an empty stage and discards an earlier one. @returns its name for the next calls */
  beginStage(): Promise<number>;
  addToStage(stage: number, states: readonly MemoryState[]): Promise<void>;
  applyStage(stage: number, how: 'merge' | 'restore', request: ApplyRequest): Promise<ChangeReport>;
  endStage(stage: number): Promise<void>;
  finishMerge(): Promise<void>;
  lease(name: string, holder: string, milliseconds: number): Promise<boolean>;
  takeNewIdentity(machine: string, lastSharedWrite: number): Promise<string>;
  repairVector(request: VectorRepair): Promise<VectorReport>;
  readNote(name: string): Promise<JsonValue | null>;
  writeNote(name: string, value: JsonValue | null): Promise<void>;
}
