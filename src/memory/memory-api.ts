import type { MemoryFilter } from './filter.ts';
import type { MemoryImporter } from './import.ts';
import type { Memory, MemoryWithHistory } from './memory.ts';
import type { Difference } from './same-statement.ts';
import type { Metadata } from './version.ts';
import type { TimeZone } from '../util/time-zone.ts';

/** Filter as users write it; `parseFilter` turns it into a `MemoryFilter`. */
export interface FilterInput {
  /** At least one of these tags. */
  readonly tags?: readonly string[] | undefined;
  /** All of these tags. */
  readonly allTags?: readonly string[] | undefined;
  /** Prefix of the source. */
  readonly source?: string | undefined;
  /** Short for metadata equality on `project`. */
  readonly project?: string | undefined;
  readonly metadata?: Metadata | undefined;
  /** Created at or after: ISO 8601 date or time, or an age such as `7d`, `12h`, `2w`. */
  readonly after?: string | undefined;
  /** Created at or before; a plain date includes that whole day. */
  readonly before?: string | undefined;
}

export interface AddInput {
  readonly text: string;
  readonly tags?: readonly string[] | undefined;
  readonly source?: string | undefined;
  readonly project?: string | undefined;
  readonly metadata?: Metadata | undefined;
}

export interface AddRequest {
  /** 1 to 100 memories; all are stored, or none. */
  readonly memories: readonly AddInput[];
  /**
   * Absent: an exact duplicate returns the existing memory, a near-duplicate is stored and reported.
   * add: store even an exact duplicate. skip: store nothing that another memory says with the same words.
   * supersede: a memory that says it with the same words becomes a new version with this content.
   * What only resembles another memory is always stored beside it, see `compareStatements`; so is what has
   * another project, source or, unless it supersedes, another value of a metadata member.
   */
  readonly onDuplicate?: 'add' | 'skip' | 'supersede' | undefined;
  /**
   * Once stored, wait for a model that is loading, a few seconds at most, to tell which memories are similar.
   * For a process that ends after this call.
   */
  readonly waitForModel?: boolean | undefined;
}

export interface SimilarMemory {
  readonly id: string;
  readonly text: string;
  /** Calibrated, 0 to 1; null where the model does not read the language, or has seen only parts of the texts. */
  readonly similarity: number | null;
  /** What keeps it from being the same statement; absent when it is the same. */
  readonly differs?: Difference;
}

export interface AddResult {
  readonly memory: Memory;
  /** existing and skipped: `memory` is the one that was there, with what it `gained`. */
  readonly outcome: 'added' | 'existing' | 'skipped' | 'superseded';
  /** What an existing memory took over, for example `tags`, `source`, `metadata.owner`. */
  readonly gained: readonly string[];
  /** A memory that says the same and was kept apart, because what is named here differs. */
  readonly twin?: { readonly id: string; readonly differs: readonly string[] };
  /** Near-duplicates by meaning, best first, at most 3. Being similar is not being the same. */
  readonly similar: readonly SimilarMemory[];
  /** False while the model is loading or unavailable: `similar` is then not known. */
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
}

export interface SearchHit {
  readonly memory: Memory;
  /** Excerpt around the best chunk, or the whole text when it is short. */
  readonly snippet: string;
  readonly snippetTruncated: boolean;
  /** Fused score of this result list, 0 to 1. Comparable within one answer only. */
  readonly score: number;
  /** Calibrated similarity by meaning, 0 to 1; null when found by words only, or in a language the model does not read. */
  readonly similarity: number | null;
  /** 1-based rank by words; null when no word matched. */
  readonly wordRank: number | null;
  /** 1-based rank by meaning; null when not found by meaning. */
  readonly vectorRank: number | null;
  /** Most of the score comes from the memories before and after it in its session. */
  readonly byNeighbours: boolean;
  /** Words of the query that occur in the memory. */
  readonly matchedWords: readonly string[];
}

export interface SearchResponse {
  readonly hits: readonly SearchHit[];
  /** How the answer was made; `keyword` when the model could not take part. */
  readonly mode: SearchMode;
  /** Why the mode is not the one asked for, or how many memories still wait for a vector. Empty = nothing to say. */
  readonly note: string;
  /** True when no hit reaches the model's threshold of relevance and no word matched well. */
  readonly nothingRelevant: boolean;
}

export interface ListInput {
  readonly filter?: FilterInput | undefined;
  readonly which?: 'live' | 'trash' | 'conflict' | undefined;
  readonly order?: 'newest' | 'oldest' | 'updated' | undefined;
  /** 1 to 1000, default 20. */
  readonly limit?: number | undefined;
  readonly cursor?: string | undefined;
}

export interface UpdateInput {
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
  /** Deleted, or in a dry run those that would be. */
  readonly count: number;
  /** At most 10 of them. */
  readonly examples: readonly Memory[];
  /** Only in the answer of a dry run by filter. */
  readonly confirm?: string;
}

export interface EmbeddingStatus {
  readonly modelId: string;
  readonly ready: boolean;
  /** Live memories without a vector of this model. */
  readonly pending: number;
  /** Live memories that have one. */
  readonly done: number;
  readonly total: number;
  /** Until none is pending; absent = this process does not embed now, or does not know yet. */
  readonly secondsLeft?: number;
  /** Last failure of the embedder; empty = none since the last success. */
  readonly problem: string;
  readonly details: Readonly<Record<string, string | number | boolean>>;
}

export interface Stats {
  /** Name of the zone of `MemoryApi.timeZone`. */
  readonly timeZone: string;
  readonly machineId: string;
  readonly live: number;
  readonly trash: number;
  readonly conflicts: number;
  readonly tags: readonly { readonly tag: string; readonly count: number }[];
  readonly sources: readonly { readonly source: string; readonly count: number }[];
  readonly oldest: number | null;
  readonly newest: number | null;
  readonly bytes: number;
  readonly contentDigest: string;
  readonly stateDigest: string;
  readonly embedding: EmbeddingStatus;
}

export interface NoveltyRequest {
  readonly text: string;
  /** Similarity from which the text is not new, 0 to 1. Default 0.88. */
  readonly threshold?: number | undefined;
}

export interface NoveltyResult {
  /** False when a live memory that reaches the threshold says the same, see `compareStatements`. */
  readonly novel: boolean;
  readonly threshold: number;
  /** The most similar live memory, whether it reaches the threshold or not; null when there is none. */
  readonly nearest: SimilarMemory | null;
}

export interface DeduplicateRequest {
  /** Similarity from which memories that do not say the same are reported as `alike`, 0 to 1. Default 0.97. */
  readonly threshold?: number | undefined;
  /** Default true: only report. */
  readonly dryRun?: boolean | undefined;
}

export interface DuplicateGroup {
  /** The oldest. Of duplicates it is the one that stays, and takes in the tags and metadata of the others. */
  readonly keep: Memory;
  readonly duplicates: readonly SimilarMemory[];
}

export interface DeduplicateResult {
  readonly dryRun: boolean;
  readonly threshold: number;
  /** Memories that were compared: all but those with an open conflict. */
  readonly compared: number;
  /** Those that have no vector yet, and were compared by their words only. */
  readonly pending: number;
  /** Duplicates moved to the trash, or in a dry run those that would be. */
  readonly count: number;
  /** Memories that say the same. Largest groups first, at most 50. */
  readonly groups: readonly DuplicateGroup[];
  /** Memories that only resemble each other, for a person to judge; never removed. Dry runs only, at most 50. */
  readonly alike: readonly DuplicateGroup[];
}

/** Live memories that were created on one day. */
export interface GrowthDay {
  /** `2026-01-31`, UTC. */
  readonly day: string;
  readonly added: number;
}

export interface MapRequest {
  /** How many memories at most, the newest ones; 1 to 5,000, default 2,000. */
  readonly limit?: number | undefined;
}

export interface MapPoint {
  readonly memory: Memory;
  /** Both from -1 to 1. Memories with a similar meaning lie near each other; the axes mean nothing. */
  readonly x: number;
  readonly y: number;
}

/** A picture of the memories by meaning. */
export interface MemoryMap {
  readonly points: readonly MapPoint[];
  /** Live memories, those without a vector included. */
  readonly total: number;
}

/** Long work of a service: how far it is, and a way to end it. */
export interface MemoryWork {
  readonly signal?: AbortSignal | undefined;
  readonly onProgress?: ((progress: ReembedProgress) => void) | undefined;
}

export interface ReembedProgress {
  readonly done: number;
  readonly total: number;
}

/**
 * Everything an edge (MCP, CLI, HTTP) can do with memories. Input is validated here, so that every edge gives
 * the same errors: `InvalidInputError` names the field, the value and what is allowed; `NotFoundError` the id.
 */
export interface MemoryApi extends MemoryImporter {
  /** Whose days filters mean, and answers show. */
  readonly timeZone: TimeZone;
  add(request: AddRequest): Promise<AddResult[]>;
  search(request: SearchRequest): Promise<SearchResponse>;
  /** 1 to 100 ids. @throws NotFoundError naming all ids that are unknown */
  get(ids: readonly string[]): Promise<MemoryWithHistory[]>;
  list(input: ListInput): Promise<{ memories: readonly Memory[]; total: number; nextCursor?: string }>;
  update(input: UpdateInput): Promise<UpdateResult>;
  /** Soft: memories go to the trash. */
  delete(request: DeleteRequest): Promise<DeleteResult>;
  restore(ids: readonly string[]): Promise<Memory[]>;
  /** Erases for good. */
  purge(ids: readonly string[]): Promise<number>;
  stats(): Promise<Stats>;
  /** @throws EmbeddingUnavailableError: without a model nobody can tell */
  isNovel(request: NoveltyRequest): Promise<NoveltyResult>;
  /**
   * Finds memories that say the same, and moves all but the oldest of each group to the trash.
   * @throws EmbeddingUnavailableError
   */
  deduplicate(request: DeduplicateRequest, work?: MemoryWork): Promise<DeduplicateResult>;
  /** Days with new memories, oldest first. @param timeZone whose days; default those of `timeZone` */
  growth(timeZone?: string): Promise<readonly GrowthDay[]>;
  /** @throws EmbeddingUnavailableError */
  map(request: MapRequest): Promise<MemoryMap>;
  /** Embeds what has no vector of the current model; resolves when none is left. Safe to interrupt. */
  reembed(onProgress?: (progress: ReembedProgress) => void, signal?: AbortSignal): Promise<ReembedProgress>;
  /**
   * Removes the embeddings of all other models, once every memory has one of the current model: until then nothing
   * is removed. @returns how many memories had some. @throws EmbeddingUnavailableError
   */
  dropOtherEmbeddings(): Promise<number>;
  /** All live memories that match, in batches, oldest first, for export. */
  export(filter?: MemoryFilter): AsyncIterable<readonly Memory[]>;
}
