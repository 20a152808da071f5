import type { HeadJournal, MemoryState, SnapshotView } from '../backup/ports.ts';
import type { JsonValue } from '../memory/version.ts';
import type {
  ApplyRequest,
  ChangeReport,
  ReplicaIdentity,
  VectorRepair,
  VectorReport,
} from './replica-store.ts';

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
