import type { EmbeddingModelId } from '../embedding/embedder.ts';
import type { MemoryFilter } from '../memory/filter.ts';
import type { Memory, MemoryDraft, MemoryPatch, MemoryWithHistory, StoreDigests } from '../memory/memory.ts';

/** The database, in the data folder. */
export const DATABASE_NAME = 'memory.sqlite';

/** A memory after a write. */
export interface Written {
  readonly memory: Memory;
  /** Names the version that was written; give it to `putEmbeddings` with the vectors of its text. */
  readonly versionKey: number;
}

/** What became of one draft. */
export interface AddOutcome extends Written {
  /** added: a new memory. existing: a live memory with the same text has the draft's tags, source and metadata now. */
  readonly outcome: 'added' | 'existing';
  /** What an existing memory took from the draft, as in `TwinPlan`; empty = it had all of it. */
  readonly gained: readonly string[];
  /** A live memory with the same text that could not take in the draft, and why; only beside `added`. */
  readonly twin?: { readonly id: string; readonly differs: readonly string[] };
}

export interface AddOptions {
  /** Store a draft even when a live memory has exactly the same text. */
  readonly allowDuplicates?: boolean;
}

export interface ImportOptions {
  /** Write a new version of a memory that has other content, or is in the trash. */
  readonly overwrite?: boolean;
}

/** What became of one imported draft; see `MemoryImporter` for the meaning. */
export type ImportedDraft =
  | { readonly id: string; readonly outcome: 'added' | 'updated' }
  /** `gained`: as in `AddOutcome`. */
  | { readonly id: string; readonly outcome: 'existing'; readonly gained: readonly string[] }
  | {
      readonly id: string;
      readonly outcome: 'conflict';
      readonly reason: 'different' | 'deleted' | 'purged';
    };

/** True when the draft made or changed a memory. */
export function hasWritten(outcome: AddOutcome | ImportedDraft): boolean {
  if (outcome.outcome === 'existing') return outcome.gained.length > 0;
  return outcome.outcome !== 'conflict';
}

export interface ListRequest {
  readonly filter: MemoryFilter;
  /** live = normal; trash = deleted with content; conflict = live with conflict copies. */
  readonly which: 'live' | 'trash' | 'conflict';
  readonly order: 'newest' | 'oldest' | 'updated';
  readonly limit: number;
  /** Opaque, from the previous page. */
  readonly cursor?: string;
}

export interface ListPage {
  readonly memories: readonly Memory[];
  /** Absent on the last page. */
  readonly nextCursor?: string;
  /** How many match the filter in all. */
  readonly total: number;
}

export interface VectorQuery {
  readonly modelId: EmbeddingModelId;
  /** Unit vector of `modelId.dimension` floats. */
  readonly vector: Float32Array;
}

export interface CandidateRequest {
  readonly filter: MemoryFilter;
  /** Length of each list at most. */
  readonly limit: number;
  /** Free text; the store makes its full-text query of it. */
  readonly words?: string;
  readonly vector?: VectorQuery;
  /** Also find the neighbours of the candidates in their sessions. */
  readonly neighbours?: boolean;
}

/** One list entry, best first. */
export interface Candidate {
  readonly id: string;
  /** words: BM25, higher is better. vectors: cosine of the best chunk. */
  readonly score: number;
  /** UTF-16 offsets of the best chunk in the text; only in the vector list. */
  readonly start?: number;
  readonly end?: number;
}

/** A memory near a candidate in their session: same source, same `session` in the metadata, by time of creation. */
export interface SessionNeighbour {
  readonly id: string;
  /** The candidate. */
  readonly of: string;
  /** 1 = the memory before or after it. */
  readonly distance: 1 | 2;
}

export interface CandidateLists {
  readonly words: readonly Candidate[];
  readonly vectors: readonly Candidate[];
  /** Neighbours of the candidates of both lists that match the filter too; absent unless asked for. */
  readonly neighbours?: readonly SessionNeighbour[];
}

/** A live memory version that has no vectors of the asked model yet. */
export interface PendingEmbedding {
  /** Names the version; give it back to `putEmbeddings`. */
  readonly versionKey: number;
  readonly id: string;
  readonly text: string;
}

export interface ClaimRequest {
  readonly modelId: EmbeddingModelId;
  readonly limit: number;
  readonly leaseMs: number;
}

export interface EmbeddingWrite {
  readonly versionKey: number;
  /** In the order of the text. `vector` is encoded by `quantize` (4 bytes scale, then one byte a dimension). */
  readonly chunks: readonly { readonly start: number; readonly end: number; readonly vector: Uint8Array }[];
}

export interface StoreStats extends StoreDigests {
  readonly machineId: string;
  readonly live: number;
  readonly trash: number;
  readonly conflicts: number;
  /** Live memories that have vectors of the given model. */
  readonly embedded: number;
  /** Other models that still have vectors, with their number of live memories. */
  readonly otherModels: readonly { readonly modelId: string; readonly memories: number }[];
  /** Most frequent first, at most 50. */
  readonly tags: readonly { readonly tag: string; readonly count: number }[];
  /** Most frequent first, at most 20. */
  readonly sources: readonly { readonly source: string; readonly count: number }[];
  readonly oldest: number | null;
  readonly newest: number | null;
  /** Size of the database files in bytes. */
  readonly bytes: number;
  /** The local change sequence: grows with every change. */
  readonly sequence: number;
  readonly schemaVersion: number;
}

/** The meaning of one memory. */
export interface MemoryVector {
  readonly id: string;
  /** Unit vector of its first chunk. */
  readonly vector: Float32Array;
  /** How many chunks its text has. */
  readonly chunks: number;
}

/** Live memories that were created on one day. */
export interface DayCount {
  /** `2026-01-31`, UTC. */
  readonly day: string;
  readonly count: number;
}

export interface IntegrityReport {
  readonly ok: boolean;
  /** One line per problem, empty when ok. */
  readonly problems: readonly string[];
  /** What was checked, one line each. */
  readonly checked: readonly string[];
}

/**
 * The truth: versioned memories with full-text and vector search behind one interface. Nothing above it may
 * assume SQLite or one process: any number of processes use one store at once.
 *
 * Every write is one transaction, durable when the promise resolves. Unknown ids raise `NotFoundError` before
 * anything is written. Time is passed in by the constructor of the adapter, never read elsewhere.
 * Errors: `StoreUnavailableError`, `StoreDamagedError`, `StoreTooNewError`, `StoreFullError`,
 * `StoreReadOnlyError`; none of them loses an acknowledged write.
 */
export interface MemoryStore {
  /** One outcome per draft, in order; all or nothing. */
  add(drafts: readonly MemoryDraft[], options?: AddOptions): Promise<AddOutcome[]>;
  /** One outcome per draft, in order, by the rules of `MemoryImporter`; all or nothing. */
  import(drafts: readonly MemoryDraft[], options?: ImportOptions): Promise<ImportedDraft[]>;
  /** In the order of the ids; unknown ids are absent from the answer. */
  get(ids: readonly string[]): Promise<MemoryWithHistory[]>;
  /** Current versions only, cheaper than `get`; unknown ids are absent. */
  getCurrent(ids: readonly string[]): Promise<Memory[]>;
  /** The first live memory with the same text, but for Unicode form and outer white space; null when there is none. */
  findByText(text: string): Promise<Memory | null>;
  /** Writes a version that replaces all siblings. Refuses memories that are not live. */
  update(id: string, patch: MemoryPatch): Promise<Written>;
  /** Moves live memories to the trash; those already there are left alone. Returns how many moved. */
  delete(ids: readonly string[]): Promise<number>;
  /** Brings memories back from the trash. Refuses stripped and purged ones. */
  restore(ids: readonly string[]): Promise<Memory[]>;
  /** Erases the content of memories, their history and vectors for good. Returns how many had content. */
  purge(ids: readonly string[]): Promise<number>;
  /** Strips trash older than the given age; returns how many. */
  expireTrash(olderThanMs: number): Promise<number>;
  list(request: ListRequest): Promise<ListPage>;
  /** Ids of live memories that match, oldest first, all of them. */
  matching(filter: MemoryFilter): Promise<string[]>;
  /** Best candidates by words and by vector, each list filtered exactly. Catches up with other processes first. */
  candidates(request: CandidateRequest): Promise<CandidateLists>;
  /**
   * Live versions without vectors of this model, oldest first, leased to the caller so that processes do not
   * embed the same text twice; a lease ends by itself.
   */
  claimPendingEmbeddings(request: ClaimRequest): Promise<PendingEmbedding[]>;
  /** Versions that were replaced meanwhile are ignored. Returns how many were stored. */
  putEmbeddings(modelId: EmbeddingModelId, writes: readonly EmbeddingWrite[]): Promise<number>;
  /** Removes the vectors of all other models. Returns how many memories lost some. */
  dropOtherEmbeddings(modelId: EmbeddingModelId): Promise<number>;
  /** Of those live memories among the ids that have vectors of this model, in any order. */
  vectors(modelId: EmbeddingModelId, ids: readonly string[]): Promise<MemoryVector[]>;
  stats(modelId?: EmbeddingModelId): Promise<StoreStats>;
  /**
   * Days of the years 0000 to 9999 on which live memories were created, oldest first.
   * @param timeZone whose days, for example `Asia/Tokyo`
   */
  growth(timeZone: string): Promise<DayCount[]>;
  /** Checks the file, the full-text index, the counters, the digests and the vector index against the truth. */
  checkIntegrity(modelId?: EmbeddingModelId): Promise<IntegrityReport>;
  /** Idempotent. */
  close(): Promise<void>;
}
