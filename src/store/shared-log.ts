import type { CarriedChunk } from '../backup/ports.ts';
import type { EmbeddingModelId } from '../embedding/embedder.ts';
import type { Dot, JsonValue, MemoryContent, Version, VersionVector } from '../memory/version.ts';

/** A version of a memory in the log. */
export interface SharedVersion extends Version {
  /** Milliseconds since the epoch when another version replaced it; null for siblings. */
  readonly replacedAt: number | null;
}

/** The vectors of one version by one model. */
export interface SharedVectors {
  readonly dot: Dot;
  readonly modelId: EmbeddingModelId;
  readonly chunks: readonly CarriedChunk[];
}

/** The facts of a memory that stores share beside its versions. */
interface SharedFacts {
  /** UUID in lower case. */
  readonly id: string;
  /** Number of its last change. Numbers of a space are never used twice. */
  readonly change: number;
  /** A user of this space erased it, so no restore brings it back. */
  readonly erasedHere: boolean;
  /** The kept content of a memory that another machine erased; `at` is the time at which that arrived. */
  readonly hidden: { readonly content: MemoryContent; readonly at: number } | null;
  /** Of the siblings, at most one for each version and model. */
  readonly vectors: readonly SharedVectors[];
}

/** The whole state of one memory in the log. */
export interface SharedMemory extends SharedFacts {
  /** Replaced ones first, each kind from old to new. */
  readonly versions: readonly SharedVersion[];
}

/** The state of one memory after a change. */
export interface ChangedMemory extends SharedFacts {
  /** Those that the log may not have as they are now; every sibling is among them. */
  readonly versions: readonly SharedVersion[];
  /** Replaced versions that the log has. All that are in neither list are gone for good. */
  readonly kept: readonly { readonly dot: Dot; readonly replacedAt: number }[];
  /** Dot of the version that is shown. */
  readonly current: Dot;
}

/** A row of the journal of heads and notes. */
export interface SharedNote {
  readonly kind: 'note' | 'attempt' | 'seen';
  /** The repository; empty for notes. */
  readonly place: string;
  /** Name of the note, id of the commit, or id of the machine. */
  readonly name: string;
  /** Null = removed. */
  readonly value: JsonValue | null;
}

/** The end of a log at one moment. */
export interface LogHead {
  /** Number of the newest entry; 0 = none yet. */
  readonly sequence: number;
  /** Random id of the newest entry, a UUID. */
  readonly commit: string;
}

/** The answer of the log to the question for its end. */
export interface LogEnd {
  /** Null when there is no such space. */
  readonly head: LogHead | null;
  /** True when a copy of the log answered, which may lack its newest entries. */
  readonly isCopy: boolean;
  /** The clock of the log, in milliseconds since the epoch, which all stores of the space go by. */
  readonly time: number;
}

/** The facts of a whole space. */
export interface SpaceState {
  /** The machine id under which all stores of the space write. */
  readonly machine: string;
  /** Number of the last change of a memory. */
  readonly change: number;
  readonly clock: VersionVector;
}

/** The changes of one write transaction. */
export interface LogEntry extends SpaceState {
  readonly commit: string;
  /** The number and the id of the entry before. */
  readonly after: number;
  readonly afterCommit: string;
  readonly memories: readonly ChangedMemory[];
  readonly notes: readonly SharedNote[];
}

export interface PageRequest {
  /** Number of the last entry that the reader has. */
  readonly after: number;
  /** Reads only memories whose last change has a higher number. */
  readonly afterChange: number;
  /** True = more memories in a page, without their vectors. Default false. */
  readonly textsOnly?: boolean;
}

/** Memories that changed after an entry, each once and as it is now, in the order of their changes. */
export interface LogPage extends SpaceState {
  readonly head: LogHead;
  /** Id of the entry that the reader has; null when the log has no such entry. */
  readonly known: string | null;
  readonly memories: readonly SharedMemory[];
  readonly notes: readonly SharedNote[];
  /** True when no more memories follow. */
  readonly done: boolean;
}

/** The vectors of one version by one model, in a page. */
export interface PagedVectors {
  readonly dot: Dot;
  readonly modelId: EmbeddingModelId;
  readonly starts: readonly number[];
  readonly ends: readonly number[];
  /** Where they are in the bytes of the page: those of its chunks one after the other, all of the same length. */
  readonly at: number;
  readonly bytes: number;
}

/** Vectors of a space in a fixed order, as they are when the page is read. */
export interface VectorPage {
  readonly rows: readonly PagedVectors[];
  readonly vectors: Uint8Array;
  /** Where the next page begins; null = no more follow. */
  readonly next: string | null;
}

/** How connections to a log are used. */
export interface LogConnections {
  readonly open: number;
  /** Since the start of the program; more than those that are open = they were lost, or not used for long. */
  readonly opened: number;
  /** Callers that wait for one. */
  readonly waiting: number;
}

/** Appends an entry. @returns false when it is not the next one any more, or when another store is appending */
export type Append = (entry: LogEntry) => Promise<boolean>;

/**
 * The log of a space: what several stores have in common, and the truth. Each call ends in bounded time.
 * Errors: `StoreUnavailableError` (retryable) when it cannot be reached; of an append it says that the outcome is unknown
 * when that is so.
 */
export interface SharedLog {
  /** The connections of this thread. */
  readonly connections: LogConnections;
  /** To show to people, without credentials. */
  readonly location: string;
  /** Id of the space. */
  readonly space: string;
  /** True when the log of this or another space did not answer a store of this thread in time, until any answers. */
  readonly isSilent: boolean;
  /** Tells the stores of other spaces, so that they do not each wait as long. */
  noteSilence(): void;
  head(): Promise<LogEnd>;
  /** Creates the space if it is not there. @param machine the machine id of a new one */
  create(machine: string): Promise<void>;
  /** @returns null when there is no such space */
  page(request: PageRequest): Promise<LogPage | null>;
  /** @param from `next` of the page before; null = from the first vector on */
  vectors(from: string | null): Promise<VectorPage>;
  append: Append;
  /** Runs work while no other store can append, after waiting for those that do. */
  exclusively<Result>(work: (append: Append) => Promise<Result>): Promise<Result>;
  /**
   * Takes or prolongs a lease of the space.
   * @param milliseconds after which it ends by itself; 0 gives it back
   * @returns false when another holder has it
   */
  lease(name: string, holder: string, milliseconds: number): Promise<boolean>;
  close(): Promise<void>;
}
