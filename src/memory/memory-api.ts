import type { MemoryKind } from './attributes.ts';
import type { CaptureReport, CaptureRequest } from './conversations.ts';
import type { MemoryFilter } from './filter.ts';
import type { ConversationPage, ListPage, SharedState } from '../store/memory-store.ts';
import type { MemoryImporter } from './import.ts';
import type {
  DeduplicateRequest,
  DeduplicateResult,
  GrowthDay,
  MapRequest,
  MemoryMap,
  NoveltyRequest,
  NoveltyResult,
  SimilarMemory,
  TidyRequest,
  TidyResult,
} from './insights-api.ts';
import type { Memory, MemoryWithHistory } from './memory.ts';
import type { Metadata } from './version.ts';
import type { TimeZone } from '../util/time-zone.ts';

export type * from './insights-api.ts';

/** A filter in the form that users write; `parseFilter` turns it into a `MemoryFilter`. */
export interface FilterInput {
  /** At least one of these tags. */
  readonly tags?: readonly string[] | undefined;
  /** All of these tags. */
  readonly allTags?: readonly string[] | undefined;
  /** The source starts with this text. */
  readonly source?: string | undefined;
  /** The metadata member `project` has this value; `*` = whatever it is. */
  readonly project?: string | undefined;
  /** Top-level metadata members have exactly these values. */
  readonly metadata?: Metadata | undefined;
  /** Created at or after this time: ISO 8601 date or time, or an age such as `7d`, `12h`, `2w`. */
  readonly after?: string | undefined;
  /** Created at or before this time, in the same forms; a plain date includes that whole day. */
  readonly before?: string | undefined;
  /** Facts are written on purpose; parts of conversations are kept word for word. */
  readonly kind?: MemoryKind | undefined;
  /** Parts of the conversation of this name. */
  readonly session?: string | undefined;
  /** Parts of conversations with this program, for example `claude-code`. */
  readonly client?: string | undefined;
  /** `occurred_at` in the metadata is at or after this time, in the forms of `after`. */
  readonly occurredAfter?: string | undefined;
  readonly occurredBefore?: string | undefined;
  /** Memories whose time `expires` is over; default `none` in a search and `any` elsewhere. */
  readonly expired?: 'any' | 'only' | 'none' | undefined;
  readonly pinned?: boolean | undefined;
}

/** Well-known members of the metadata, as fields of their own. */
export interface StatedAttributes {
  /**
   * When the statement was true or the event happened: a day of the zone, a time, or an age such as `3d`. Kept in the
   * metadata as UTC.
   */
  readonly occurredAt?: string | undefined;
  /** Until when it holds: a day (to its end), a time, or an age from now such as `30d`. After it, search leaves it out. */
  readonly expires?: string | undefined;
  readonly pinned?: boolean | undefined;
  /** Id of the fact that this one replaces. */
  readonly supersedes?: string | undefined;
}

export interface AddInput extends StatedAttributes {
  readonly text: string;
  readonly tags?: readonly string[] | undefined;
  readonly source?: string | undefined;
  /** `*` and the empty text = none: the memory holds in all projects. Absent = the current one. */
  readonly project?: string | undefined;
  readonly metadata?: Metadata | undefined;
}

export interface AddRequest {
  /** 1 to 100 memories, stored in one transaction; `skip` and `supersede` store one after the other. */
  readonly memories: readonly AddInput[];
  /**
   * - absent: an exact duplicate returns the existing memory; a near-duplicate is stored and reported.
   * - add: stores even an exact duplicate.
   * - skip: stores nothing when another memory says the same, word for word (see `compareStatements`).
   * - supersede: writes this content as a new version of the memory that says the same, word for word.
   *
   * A memory that only resembles another one is always stored. So is one with another project or source, and,
   * except with `supersede`, one with another value of a metadata member.
   */
  readonly onDuplicate?: 'add' | 'skip' | 'supersede' | undefined;
  /** Of memories that name none; null or absent = the one of the settings, if any. */
  readonly currentProject?: string | null | undefined;
  /**
   * After storing, waits up to 10 s for a model that is still loading, and then reports similar memories.
   * Meant for a process that ends after this call.
   */
  readonly waitForModel?: boolean | undefined;
  /**
   * False: answers as soon as the memories are stored. Their vectors are made in the background, and similar memories are
   * not looked for. Default true.
   */
  readonly wait?: boolean | undefined;
}

export interface AddResult {
  readonly memory: Memory;
  /** existing and skipped: `memory` is the one that was stored before, including the fields that it `gained`. */
  readonly outcome: 'added' | 'existing' | 'skipped' | 'superseded';
  /** Fields that an existing memory took over from the new one, for example `tags`, `source`, `metadata.owner`. */
  readonly gained: readonly string[];
  /** Another memory that says the same and stays separate, because the fields named in `differs` differ. */
  readonly twin?: { readonly id: string; readonly differs: readonly string[] };
  /** Near-duplicates by meaning, best first, at most 3. A similar memory need not say the same. */
  readonly similar: readonly SimilarMemory[];
  /** False when the model was loading or unavailable, so that `similar` is empty without a comparison. */
  readonly similarChecked: boolean;
  /** Kinds of secrets that were masked in the text, for example `AWS access key`. */
  readonly masked: readonly string[];
}

export type SearchMode = 'hybrid' | 'vector' | 'keyword';

export interface SearchRequest {
  readonly query: string;
  /** 1 to 100, default 5. */
  readonly limit?: number | undefined;
  readonly mode?: SearchMode | undefined;
  readonly filter?: FilterInput | undefined;
  /**
   * The project that the question is asked in: memories of others rank lower. Null = in none, and absent = in the one of
   * the settings, if any. `filter.project` `*` lets all projects count alike.
   */
  readonly currentProject?: string | null | undefined;
  /**
   * Shows the memories that are found now as they were then, from the versions kept, and leaves out those that did not
   * exist yet. A day means its end. Filters apply to the current version of a memory.
   */
  readonly asOf?: string | undefined;
}

/** A period that the words of a query name. */
export interface QueryPeriod {
  /** As they stand in the query, for example `last week`. */
  readonly phrase: string;
  /** Milliseconds since the epoch; null = open. */
  readonly start: number | null;
  readonly end: number | null;
}

export interface SearchHit {
  readonly memory: Memory;
  /** Excerpt around the best chunk, or the whole text when it is short. */
  readonly snippet: string;
  readonly snippetTruncated: boolean;
  /** Fused score of this result list, 0 to 1. Comparable within one answer only. */
  readonly score: number;
  /**
   * Calibrated similarity by meaning, 0 to 1; null for a hit by words only, in a language that the model does not read, and
   * with a model that was not calibrated.
   */
  readonly similarity: number | null;
  /** 1-based rank by words; null when no word matched. */
  readonly wordRank: number | null;
  /** 1-based rank by meaning; null when not found by meaning. */
  readonly vectorRank: number | null;
  /** Most of the score comes from the memories before and after it in its session. */
  readonly byNeighbours: boolean;
  /** Most of the score comes from single words that are near to those of the query in meaning. */
  readonly bySingleWords: boolean;
  /** It is of the period that the query names, and ranks higher for it. */
  readonly inPeriod: boolean;
  /** It ranks lower because it is of another project than the current one. */
  readonly isOtherProject: boolean;
  /** It ranks lower because a newer memory replaces it: `memory.supersededBy`. */
  readonly isSuperseded: boolean;
  /** Words of the query that occur in the memory. */
  readonly matchedWords: readonly string[];
  /** How well its single words answer those of the query, as `SearchResponse.bestTokenMatch`; absent where not compared. */
  readonly tokenMatch?: number;
}

export interface SearchResponse {
  readonly hits: readonly SearchHit[];
  /** The mode that made this answer: `keyword` when the model could not take part. */
  readonly mode: SearchMode;
  /** Why the mode is not the requested one, or that some memories still have no vector. Empty = no remark. */
  readonly note: string;
  /** The possible age of the searched index, a sentence for people; absent when it is up to date. */
  readonly stale?: string;
  /** The period that the query names, which its memories are preferred for; absent when it names none. */
  readonly period?: QueryPeriod;
  /** The model was still loading: the same search finds by meaning in a moment. */
  readonly modelLoading?: boolean;
  /** True when even the best hit hardly stands out of the store by meaning. The hits are given all the same. */
  readonly weak: boolean;
  /**
   * How well the single words of the best hit answer those of the query: the greatest `TokenMatch.plain`, about 0 to 1,
   * comparable between queries. Null where word pieces were not compared.
   */
  readonly bestTokenMatch: number | null;
}

/** Memories as they were at a time. */
export interface MemoriesAsOf {
  /** Milliseconds since the epoch. */
  readonly time: number;
  /** With the content of the version that was current then; a deleted one has that state. */
  readonly memories: readonly Memory[];
  /** Ids of those that did not exist yet. */
  readonly absent: readonly string[];
  /** Ids of those that existed, but whose version of then is not kept any more. */
  readonly forgotten: readonly string[];
  /** See `MemoryWithHistory`. */
  readonly stale?: string;
}

export interface ConversationsInput {
  /** Of turns: a conversation is listed for those that match. */
  readonly filter?: FilterInput | undefined;
  /** 1 to 1000, default 20. */
  readonly limit?: number | undefined;
  readonly cursor?: string | undefined;
}

export interface ListInput {
  readonly filter?: FilterInput | undefined;
  readonly which?: 'live' | 'trash' | 'conflict' | undefined;
  /** Default `newest`, and with a session in the filter `position`: the turns as they were said. */
  readonly order?: 'newest' | 'oldest' | 'updated' | 'position' | undefined;
  /** 1 to 1000, default 20. */
  readonly limit?: number | undefined;
  readonly cursor?: string | undefined;
}

export interface UpdateInput extends StatedAttributes {
  /** `*` and the empty text = none. */
  readonly project?: string | undefined;
  readonly id: string;
  readonly text?: string | undefined;
  /** Replaces all tags. */
  readonly tags?: readonly string[] | undefined;
  readonly addTags?: readonly string[] | undefined;
  readonly removeTags?: readonly string[] | undefined;
  readonly source?: string | undefined;
  /** Merged into the metadata; a member with the value null is removed. */
  readonly metadata?: Metadata | undefined;
}

export interface UpdateResult {
  readonly memory: Memory;
  readonly masked: readonly string[];
}

export interface DeleteRequest {
  readonly ids?: readonly string[] | undefined;
  /** Instead of ids. Needs `dryRun: true` first, then the `confirm` token of its answer. */
  readonly filter?: FilterInput | undefined;
  readonly dryRun?: boolean | undefined;
  /** Token of a dry run with the same filter and the same matches. */
  readonly confirm?: string | undefined;
}

export interface DeleteResult {
  readonly dryRun: boolean;
  /** Number of deleted memories; in a dry run, of memories that a real run would delete. */
  readonly count: number;
  /** At most 10 of these memories. */
  readonly examples: readonly Memory[];
  /** Only in the answer of a dry run by filter. */
  readonly confirm?: string;
}

export interface EmbeddingStatus {
  readonly modelId: string;
  readonly ready: boolean;
  /** Live memories without a vector of this model. */
  readonly pending: number;
  /** Live memories with a vector of this model. */
  readonly done: number;
  readonly total: number;
  /** Live memories with a vector whose token vectors are still to be made; search finds them all the same. */
  readonly withoutTokens: number;
  /** Estimated seconds until none is pending; absent while this process does not embed or has not measured yet. */
  readonly secondsLeft?: number;
  /** Last failure of the embedder; empty = no failure since the last success. */
  readonly problem: string;
  readonly details: Readonly<Record<string, string | number | boolean>>;
}

export interface Stats {
  /** IANA name of `MemoryApi.timeZone`, for example `Europe/Berlin`. */
  readonly timeZone: string;
  readonly machineId: string;
  readonly live: number;
  readonly trash: number;
  /** Memories that another machine erased and whose content is still kept here; not part of `trash`. */
  readonly hidden: number;
  readonly conflicts: number;
  /** Live memories that are turns of conversations; the others are facts. */
  readonly turns: number;
  readonly conversations: number;
  readonly tags: readonly { readonly tag: string; readonly count: number }[];
  readonly sources: readonly { readonly source: string; readonly count: number }[];
  /** Times of creation in milliseconds since the epoch; null = no live memory. */
  readonly oldest: number | null;
  readonly newest: number | null;
  /** Size of the database files in bytes. */
  readonly bytes: number;
  readonly contentDigest: string;
  readonly stateDigest: string;
  /** How old these numbers may be, a sentence for people; absent when they are up to date. */
  readonly stale?: string;
  /** Absent when the store shares no database. */
  readonly shared?: SharedState;
  readonly embedding: EmbeddingStatus;
}

/** Progress of long work, and a signal that ends it. */
export interface MemoryWork {
  readonly signal?: AbortSignal | undefined;
  readonly onProgress?: ((progress: ReembedProgress) => void) | undefined;
}

export interface ReembedProgress {
  readonly done: number;
  readonly total: number;
}

/**
 * All operations on memories that an edge (MCP, CLI, HTTP) offers. The implementation validates the input, so every
 * edge gives the same errors: `InvalidInputError` names the field, the value and the allowed values, and
 * `NotFoundError` names the unknown ids.
 */
export interface MemoryApi extends MemoryImporter {
  /** Time zone of the days in filters and answers. */
  readonly timeZone: TimeZone;
  add(request: AddRequest): Promise<AddResult[]>;
  /** Stores turns of a conversation that a program held. Repeating it changes nothing. */
  capture(request: CaptureRequest): Promise<CaptureReport>;
  search(request: SearchRequest): Promise<SearchResponse>;
  /** Takes 1 to 100 ids. @throws NotFoundError naming all ids that are unknown */
  get(ids: readonly string[]): Promise<MemoryWithHistory[]>;
  /**
   * The same memories as they were at a time, in the forms of `SearchRequest.asOf`, from the versions kept here.
   * @throws NotFoundError naming all ids that are unknown
   */
  getAsOf(ids: readonly string[], asOf: string): Promise<MemoriesAsOf>;
  list(input: ListInput): Promise<ListPage>;
  /** Conversations, those with the newest turn first; `list` with a session in its filter gives the turns of one. */
  conversations(input: ConversationsInput): Promise<ConversationPage>;
  update(input: UpdateInput): Promise<UpdateResult>;
  /** Moves memories to the trash. */
  delete(request: DeleteRequest): Promise<DeleteResult>;
  /** Takes memories back from the trash. @throws NotFoundError */
  restore(ids: readonly string[]): Promise<Memory[]>;
  /** Erases memories for good, their history included. @returns how many were erased */
  purge(ids: readonly string[]): Promise<number>;
  stats(): Promise<Stats>;
  /** Tells whether no live memory says the same. @throws EmbeddingUnavailableError when a comparison needs the model */
  isNovel(request: NoveltyRequest): Promise<NoveltyResult>;
  /**
   * Finds memories that say the same, and moves all but the oldest of each group to the trash.
   * @throws EmbeddingUnavailableError
   */
  deduplicate(request: DeduplicateRequest, work?: MemoryWork): Promise<DeduplicateResult>;
  /**
   * Proposes memories to tidy up, and does it with the token of a proposal. The caller makes a backup before.
   * @throws StateChangedError when the proposal would be another one now
   */
  tidy(request: TidyRequest, work?: MemoryWork): Promise<TidyResult>;
  /** Days with new memories, oldest first. @param timeZone zone of the days; default `MemoryApi.timeZone` */
  growth(timeZone?: string): Promise<readonly GrowthDay[]>;
  /** Places the newest memories on a plane by meaning. @throws EmbeddingUnavailableError */
  map(request: MapRequest): Promise<MemoryMap>;
  /** Embeds every memory without a vector of the current model; resolves when none is left. Safe to interrupt. */
  reembed(onProgress?: (progress: ReembedProgress) => void, signal?: AbortSignal): Promise<ReembedProgress>;
  /**
   * Removes the embeddings of all other models, but only when every memory has one of the current model.
   * @returns how many memories lost embeddings; 0 when some memory has none of the current model
   * @throws EmbeddingUnavailableError
   */
  dropOtherEmbeddings(): Promise<number>;
  /** Yields all live memories that match, oldest first, in batches of at most 500. */
  export(filter?: MemoryFilter): AsyncIterable<readonly Memory[]>;
}
