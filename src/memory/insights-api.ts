import type { Memory } from './memory.ts';
import type { Difference } from './same-statement.ts';

export interface SimilarMemory {
  readonly id: string;
  readonly text: string;
  /** Calibrated, 0 to 1; null when the model does not read the language or has seen only a part of either text. */
  readonly similarity: number | null;
  /** The model was not calibrated: `similarity` is the cosine itself, which thresholds are compared with and answers do not show. */
  readonly uncalibrated?: true;
  /** The main difference between the two statements; absent when they are the same. */
  readonly differs?: Difference;
}

export interface NoveltyRequest {
  readonly text: string;
  /** From this similarity on a text may count as known, 0 to 1. Default 0.88. */
  readonly threshold?: number | undefined;
}

export interface NoveltyResult {
  /**
   * False when a live memory says the same word for word (see `compareStatements`), or is a rewording that reaches
   * the threshold (see `mayReword`).
   */
  readonly novel: boolean;
  readonly threshold: number;
  /** The memory that makes the text known, else the most similar live memory; null when there is none. */
  readonly nearest: SimilarMemory | null;
}

export interface DeduplicateRequest {
  /** Memories with at least this similarity that do not say the same are reported as `alike`, 0 to 1. Default 0.97. */
  readonly threshold?: number | undefined;
  /** True only reports. Default true. */
  readonly dryRun?: boolean | undefined;
}

export interface DuplicateGroup {
  /** The oldest memory. In `groups` it stays, and takes in the tags, source and metadata of the others. */
  readonly keep: Memory;
  readonly duplicates: readonly SimilarMemory[];
}

export interface DeduplicateResult {
  readonly dryRun: boolean;
  readonly threshold: number;
  /** Number of memories that were compared: all live ones without an open conflict. */
  readonly compared: number;
  /** Number of live memories without a vector, which were compared by their words only. */
  readonly pending: number;
  /** Number of duplicates moved to the trash; in a dry run, of those that a real run would move. */
  readonly count: number;
  /** Groups of memories that say the same, the largest first, at most 50. */
  readonly groups: readonly DuplicateGroup[];
  /** Groups of memories that only resemble each other, for a person to judge; never removed. Dry runs only, at most 50. */
  readonly alike: readonly DuplicateGroup[];
}

/** Live memories that were created on one day. */
export interface GrowthDay {
  /** `2026-01-31`, a day in the time zone that the caller of `growth` gave. */
  readonly day: string;
  readonly added: number;
}

export interface MapRequest {
  /** Draws only this many of the newest memories; 1 to 5,000, default 2,000. */
  readonly limit?: number | undefined;
}

export interface MapPoint {
  readonly memory: Memory;
  /** `x` and `y` are from -1 to 1. Memories with a similar meaning lie near each other; the axes have no meaning. */
  readonly x: number;
  readonly y: number;
}

/** The memories as points of a plane, placed by meaning. */
export interface MemoryMap {
  readonly points: readonly MapPoint[];
  /** Number of live memories, including those without a vector. */
  readonly total: number;
}

export type TidyKind = 'duplicates' | 'expired' | 'junk' | 'unused';

export interface TidyRequest {
  /** The kinds that are proposed for removal. Default: all but `unused`. */
  readonly kinds?: readonly TidyKind[] | undefined;
  /** Token of a proposal, to carry it out. Absent = a proposal only. */
  readonly confirm?: string | undefined;
}

/** A proposal, or its outcome. Lists are of at most 50. */
export interface TidyResult {
  readonly dryRun: boolean;
  /** Facts that say the same, word for word; all but the oldest go, which takes in their tags, source and metadata. */
  readonly duplicates: readonly DuplicateGroup[];
  readonly expired: readonly Memory[];
  /** Facts that say nothing (see `isJunk`). */
  readonly junk: readonly Memory[];
  /**
   * Facts that no search returned and no hook told. Always shown, unless they are of another kind, and removed only when
   * `kinds` names them.
   */
  readonly unused: readonly Memory[];
  readonly searched: {
    /** Begin of the first day whose searches were noted, in milliseconds since the epoch; null = there is none. */
    readonly since: number | null;
    /** Number of these searches. */
    readonly searches: number;
    /** Number of unused facts; null = too few searches to call any fact unused. */
    readonly unused: number | null;
  };
  /** How many would go, of each kind. */
  readonly counts: Readonly<Record<TidyKind, number>>;
  /** Close facts with other numbers, symbols or a negation, for a person to judge; never touched. Of a proposal only. */
  readonly contradictions: readonly DuplicateGroup[];
  /** Facts that resemble each other in other ways; never touched. Of a proposal only. */
  readonly alike: readonly DuplicateGroup[];
  /** False without a model: duplicates, contradictions and alike are empty then. */
  readonly compared: boolean;
  /** Number of memories that moved to the trash. */
  readonly removed: number;
  /** Token that confirms a proposal. */
  readonly confirm?: string;
}
