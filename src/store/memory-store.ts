import type { EmbeddingModelId } from '../embedding/embedder.ts';
import type { MemoryFilter } from '../memory/filter.ts';
import type { FoundMemories, Unused, UnusedRule } from '../memory/found-record.ts';
import type { Memory, MemoryDraft, MemoryPatch, MemoryWithHistory, StoreDigests } from '../memory/memory.ts';
import type { BestMemories, BestRequest } from '../memory/reranking.ts';
import type {
  CandidateLists,
  CandidateRequest,
  PackedTokens,
  TokenMatch,
  TokenRequest,
  TokenSpace,
} from './candidates.ts';
import type { LogConnections } from './shared-log.ts';

export type * from './candidates.ts';

/** File name of the database in the data folder. */
export const DATABASE_NAME = 'memory.sqlite';
/** File name of the local index of memories that are kept in a shared database. It can be thrown away. */
export const INDEX_NAME = 'index.sqlite';

/** File name of the database in the data folder, by where the memories are. */
export function databaseName(store: 'sqlite' | 'postgres'): string {
  return store === 'sqlite' ? DATABASE_NAME : INDEX_NAME;
}

/** A memory after a write. */
export interface Written {
  readonly memory: Memory;
  /** Key of the memory's current version; callers pass it to `putEmbeddings` with the vectors of its text. */
  readonly versionKey: number;
}

/** The outcome of one draft. */
export interface AddOutcome extends Written {
  /** added: a new memory. existing: a live memory with the same text, which now has the draft's tags and metadata too. */
  readonly outcome: 'added' | 'existing';
  /** Fields that an existing memory took over, for example `tags`, `metadata.owner`; empty = it had all of them. */
  readonly gained: readonly string[];
  /** For `added`: a live memory with the same text that could not take in the draft, because these fields differ. */
  readonly twin?: { readonly id: string; readonly differs: readonly string[] };
}

export interface AddOptions {
  /** Stores a draft even when a live memory has exactly the same text. Default false. */
  readonly allowDuplicates?: boolean;
  /** The caller makes the vectors of new memories within this time, in milliseconds: until then no claim returns them. */
  readonly leaseMs?: number | undefined;
}

export interface ImportOptions {
  /** Writes a new version of a memory that has other content or is in the trash. Default false. */
  readonly overwrite?: boolean;
  /** A draft with an unknown id joins a memory that has its text, as a draft without an id does. Default false. */
  readonly joinSameText?: boolean;
  /** Returns the outcomes and writes nothing. Default false. */
  readonly dryRun?: boolean;
}

/** The outcome of one imported draft, by the rules of `MemoryImporter`. */
export type ImportedDraft =
  | { readonly id: string; readonly outcome: 'added' | 'updated' }
  /** `gained` names the fields that the memory took over from the draft. */
  | { readonly id: string; readonly outcome: 'existing'; readonly gained: readonly string[] }
  | {
      readonly id: string;
      readonly outcome: 'conflict';
      readonly reason: 'different' | 'deleted' | 'purged';
    };

/** True when the draft created or changed a memory. */
export function hasWritten(outcome: AddOutcome | ImportedDraft): boolean {
  if (outcome.outcome === 'existing') return outcome.gained.length > 0;
  return outcome.outcome !== 'conflict';
}

export interface ListRequest {
  readonly filter: MemoryFilter;
  /** live: searchable. trash: deleted, with content, hidden memories included. conflict: has siblings with different content. */
  readonly which: 'live' | 'trash' | 'conflict';
  /** position: in the order of conversations; a filter leaves only their turns. */
  readonly order: 'newest' | 'oldest' | 'updated' | 'position';
  readonly limit: number;
  /** `nextCursor` of the previous page, from a request with the same order. */
  readonly cursor?: string;
}

export interface ListPage {
  readonly memories: readonly Memory[];
  /** Absent on the last page. */
  readonly nextCursor?: string;
  /** Number of memories that match, on all pages. */
  readonly total: number;
  /** How old this may be, a sentence for people; absent when it is up to date. */
  readonly stale?: string;
}

export interface ConversationsRequest {
  /** Of turns: counts and times are of those that match. */
  readonly filter: MemoryFilter;
  readonly limit: number;
  /** `nextCursor` of the previous page. */
  readonly cursor?: string;
}

/** A conversation as lists show it. */
export interface ConversationSummary {
  readonly client: string;
  readonly session: string;
  /** Number of its live turns. */
  readonly turns: number;
  /** Times of creation of its first and its last turn, in milliseconds since the epoch. */
  readonly first: number;
  readonly last: number;
  /** Of the turn that `beginning` is from; empty = none. */
  readonly project: string;
  /** Beginning of the first turn of the user, or of the first turn when the user has none. */
  readonly beginning: string;
}

export interface ConversationPage {
  readonly conversations: readonly ConversationSummary[];
  /** Absent on the last page. */
  readonly nextCursor?: string;
  /** Number of conversations that match, on all pages. */
  readonly total: number;
}

/** The current version of a live memory that has no vectors of the requested model yet. */
export interface PendingEmbedding {
  /** Key of the version, for `putEmbeddings`. */
  readonly versionKey: number;
  readonly id: string;
  readonly text: string;
  /** The memory has its vectors and waits for its token vectors only. */
  readonly tokensOnly?: boolean;
}

export interface ClaimRequest {
  readonly modelId: EmbeddingModelId;
  readonly limit: number;
  /** The lease ends after this time, in milliseconds. */
  readonly leaseMs: number;
  /** Also lease memories that have vectors, but no token vectors; after facts without vectors. */
  readonly tokenVectors?: boolean;
}

export interface EmbeddingWrite {
  readonly versionKey: number;
  /** In the order of the text. `vector` comes from `encodeVector`: 4 bytes scale, then one byte for each dimension. */
  readonly chunks: readonly {
    readonly start: number;
    readonly end: number;
    readonly vector: Uint8Array;
    /** Kept when `keepTokenVectors` named this model. */
    readonly tokens?: PackedTokens;
  }[];
}

/** The knowledge of a store about the database that it shares with others. */
export interface SharedState extends LogConnections {
  /** False while it does not answer. */
  readonly answers: boolean;
  /** Since its last answer; null = it has not answered yet. */
  readonly secondsSinceAnswer: number | null;
  /** Newer entries that are known of and not read yet. */
  readonly lag: number;
  /** True while memories that were there before are still being read. */
  readonly loading: boolean;
  /** Writes that are under way. */
  readonly writes: number;
  /** Writes since the start that were computed again, because another server was faster. */
  readonly lostRaces: number;
}

export interface StoreStats extends StoreDigests {
  readonly machineId: string;
  readonly live: number;
  readonly trash: number;
  /** Memories that another machine erased and whose content is still kept here; not part of `trash`. */
  readonly hidden: number;
  readonly conflicts: number;
  /** Live memories that are turns of conversations; the others are facts. */
  readonly turns: number;
  readonly conversations: number;
  /** Live memories with vectors of the given model; 0 when no model is given. */
  readonly embedded: number;
  /** Live memories with vectors of the given model that wait for token vectors; 0 when none are kept for it. */
  readonly withoutTokens: number;
  /** Other models with vectors, and the number of live memories that have them. */
  readonly otherModels: readonly { readonly modelId: string; readonly memories: number }[];
  /** Most frequent first, at most 50. */
  readonly tags: readonly { readonly tag: string; readonly count: number }[];
  /** Most frequent first, at most 20. */
  readonly sources: readonly { readonly source: string; readonly count: number }[];
  /** Times of creation in milliseconds since the epoch; null = no live memory. */
  readonly oldest: number | null;
  readonly newest: number | null;
  /** Size of the database files in bytes. */
  readonly bytes: number;
  /** The part of them that holds something; a database file keeps its size when content is erased. Absent = all. */
  readonly usedBytes?: number;
  /** Number of the last local change; grows with every change. */
  readonly sequence: number;
  readonly schemaVersion: number;
  /** How old these numbers may be, a sentence for people; absent when they are up to date. */
  readonly stale?: string;
  /** Absent when the store shares no database. */
  readonly shared?: SharedState;
}

/** A vector for the meaning of one memory. */
export interface MemoryVector {
  readonly id: string;
  /** Unit vector of its first chunk. */
  readonly vector: Float32Array;
  /** Number of chunks of its text. */
  readonly chunks: number;
}

/** Live memories that were created on one day. */
export interface DayCount {
  /** `2026-01-31`, a day in the requested time zone. */
  readonly day: string;
  readonly count: number;
}

/** The file with its indexes, or the memories with all that is derived from them: each takes about half of the time. */
export type IntegrityPart = 'file' | 'memories';

export interface IntegrityOptions {
  /** True leaves out the longest part: the comparison of the database's own indexes with their tables. */
  readonly quick?: boolean;
  /** Default: both. */
  readonly part?: IntegrityPart;
}

export interface IntegrityReport {
  readonly ok: boolean;
  /** One line for each problem; empty when `ok` is true. */
  readonly problems: readonly string[];
  /** One line for each part that was checked. */
  readonly checked: readonly string[];
}

/**
 * Versioned memories with full-text and vector search. Callers may not assume SQLite or a single process: any number
 * of processes use one store at the same time.
 *
 * Each call that writes is one transaction, durable when its promise resolves. When an id is unknown, `update`,
 * `delete`, `restore` and `purge` reject with `NotFoundError` and write nothing. The adapter gets the current time
 * from its constructor's settings.
 * Errors: `StoreUnavailableError`, `StoreBusyError`, `StoreDamagedError`, `StoreTooNewError`, `StoreFullError`,
 * `StoreReadOnlyError`. None of them loses an acknowledged write.
 */
export interface MemoryStore {
  /** Stores all drafts or none. @returns one outcome for each draft, in order */
  add(drafts: readonly MemoryDraft[], options?: AddOptions): Promise<AddOutcome[]>;
  /** Imports all drafts or none, by the rules of `MemoryImporter`. @returns one outcome for each draft, in order */
  import(drafts: readonly MemoryDraft[], options?: ImportOptions): Promise<ImportedDraft[]>;
  /** Memories in the order of the ids; unknown ids are left out. */
  get(ids: readonly string[]): Promise<MemoryWithHistory[]>;
  /** Like `get` without the history, which is cheaper. */
  getCurrent(ids: readonly string[]): Promise<Memory[]>;
  /** The oldest live fact with the same text, ignoring Unicode form and outer white space; null when there is none. */
  findByText(text: string): Promise<Memory | null>;
  /** Writes a version that replaces all siblings. @throws InvalidInputError when the memory is not live */
  update(id: string, patch: MemoryPatch): Promise<Written>;
  /** Moves live memories to the trash and ignores deleted ones. @returns how many moved */
  delete(ids: readonly string[]): Promise<number>;
  /** Takes memories back from the trash, hidden ones included. @throws InvalidInputError when the content of one is gone */
  restore(ids: readonly string[]): Promise<Memory[]>;
  /** Erases the content, history and vectors of memories for good. @returns how many had content */
  purge(ids: readonly string[]): Promise<number>;
  /**
   * Erases the content of memories that were deleted at least this long ago, in steps. A deletion of another machine
   * counts from its arrival, if the memory was live here until then. Writes nothing when there is none. @returns how many
   */
  expireTrash(olderThanMs: number): Promise<number>;
  /**
   * Erases the content of memories that another machine erased, when that arrived at least this long ago, in steps.
   * Changes no version, so it never makes a backup necessary. @returns how many
   */
  expireHidden(olderThanMs: number): Promise<number>;
  /**
   * Moves the turns of conversations whose last turn was created before this long ago to the trash, in steps. Writes
   * nothing when there is none. @returns how many turns
   */
  expireConversations(olderThanMs: number): Promise<number>;
  /**
   * Merges the index of words where many writes have left it in parts, in steps, between which other calls have their
   * turn. Changes no memory.
   */
  mergeWords(): Promise<void>;
  list(request: ListRequest): Promise<ListPage>;
  /** The conversations that have a live turn that matches, those with the newest turn first. */
  conversations(request: ConversationsRequest): Promise<ConversationPage>;
  /** Ids of all live memories that match, oldest first. */
  matching(filter: MemoryFilter): Promise<string[]>;
  /** Best candidates by words and by vector. Both lists obey the filter exactly and include other processes' writes. */
  candidates(request: CandidateRequest): Promise<CandidateLists>;
  /** The best of these candidates. */
  best(request: BestRequest): Promise<BestMemories>;
  /**
   * Leases memories without vectors of this model to the caller, oldest first and turns of conversations last, so that two processes do not embed the
   * same text. A lease ends after `leaseMs`.
   */
  claimPendingEmbeddings(request: ClaimRequest): Promise<PendingEmbedding[]>;
  /** Ends the leases of versions that were claimed and get no vectors now, so that no process waits for them to end. */
  releasePendingEmbeddings(modelId: EmbeddingModelId, versionKeys: readonly number[]): Promise<void>;
  /**
   * Stores vectors and ignores versions that are not current any more. Chunks that have their vectors keep them and only
   * gain token vectors. @returns how many versions got vectors
   */
  putEmbeddings(modelId: EmbeddingModelId, writes: readonly EmbeddingWrite[]): Promise<number>;
  /**
   * From now on, token vectors of this space are kept and can be claimed; those of other models and spaces are removed,
   * in steps. Null = none are kept. Cheap when nothing changes.
   */
  keepTokenVectors(kept: TokenSpace | null): Promise<void>;
  /** Compares the word pieces of a query with those of memories; leaves out memories without token vectors. */
  tokenMatches(request: TokenRequest): Promise<TokenMatch[]>;
  /** Removes the vectors of all other models. @returns how many memories lost vectors */
  dropOtherEmbeddings(modelId: EmbeddingModelId): Promise<number>;
  /** Vectors of the live memories among the ids that have vectors of this model, in any order. */
  vectors(modelId: EmbeddingModelId, ids: readonly string[]): Promise<MemoryVector[]>;
  /**
   * Notes the results of searches. That is a note of this machine: it changes no version, digest or sequence, and the part
   * of a memory goes with its content.
   */
  noteFound(found: FoundMemories): Promise<void>;
  /** Facts that were never noted; without pinned ones and those with an open conflict. */
  unused(rule: UnusedRule): Promise<Unused>;
  stats(modelId?: EmbeddingModelId): Promise<StoreStats>;
  /**
   * Days of the years 0000 to 9999 on which live memories were created, oldest first.
   * @param timeZone zone of the days, for example `Asia/Tokyo`
   */
  growth(timeZone: string): Promise<DayCount[]>;
  /**
   * Compares the counts that are kept for `stats` and `growth` with the rows that they count.
   * @param fix true counts wrong ones anew
   * @returns one line for each kind of count that is wrong, or was
   */
  checkCounts(fix: boolean): Promise<string[]>;
  /** Checks the file, and compares indexes, totals and digests with the versions; with a model, its vector index too. */
  checkIntegrity(modelId?: EmbeddingModelId, options?: IntegrityOptions): Promise<IntegrityReport>;
  /** Finishes the writes that were requested, and refuses later calls. Idempotent. */
  close(): Promise<void>;
}
