import type { EmbeddingModelId, TokenVectors } from '../embedding/embedder.ts';
import type { MemoryFilter } from '../memory/filter.ts';
import type { Memory } from '../memory/memory.ts';

// The questions of a search to a store, and the answers; a part of the port in memory-store.ts.

export interface VectorQuery {
  readonly modelId: EmbeddingModelId;
  /** Unit vector of `modelId.dimension` floats. */
  readonly vector: Float32Array;
}

export interface CandidateRequest {
  readonly filter: MemoryFilter;
  /** Greatest length of each list; see `CandidateLists` for an exception. */
  readonly limit: number;
  /** Free text, which the store turns into a full-text query. Absent = no list of words. */
  readonly words?: string;
  /** Absent = no list of vectors. */
  readonly vector?: VectorQuery;
  /** Also find the neighbours of the candidates in their sessions. */
  readonly neighbours?: boolean;
  /**
   * Also read the facts beside the query on which the order of the candidates and their neighbours depends, for this time in
   * milliseconds since the epoch.
   */
  readonly standingsAt?: number;
  /** Also read the memories of both lists. */
  readonly contents?: boolean;
}

/** One entry of a candidate list. */
export interface Candidate {
  readonly id: string;
  /** In the list of words: BM25, higher is better. In the list of vectors: cosine of the best chunk. */
  readonly score: number;
  /** UTF-16 offsets of the best chunk in the text; only in the vector list. */
  readonly start?: number;
  readonly end?: number;
  /** The memory is a turn of a conversation; absent for facts. */
  readonly isTurn?: true;
}

/** A memory near a candidate in their session: same source, same `session` in the metadata, by time of creation. */
export interface SessionNeighbour {
  readonly id: string;
  /** The candidate. */
  readonly of: string;
  /** 1 = the memory before or after it. */
  readonly distance: 1 | 2;
}

/** The facts beside the query that the order of a memory depends on. */
export interface Standing {
  readonly id: string;
  /** When it was true (`occurred_at`), else when it was created; milliseconds since the epoch. */
  readonly time: number;
  readonly project: string | null;
  readonly pinned: boolean;
  /** A live memory that was there at the time and says that it replaces this one, of several the newest. */
  readonly supersededBy: string | null;
}

export interface VectorBackground {
  /** Mean cosine of the vectors with the query; nearly exact in a store that has seen many changes. */
  readonly cosine: number;
  readonly vectors: number;
}

/**
 * Both lists are best first. A list that turns of conversations would fill has some of the best facts too, so it may be
 * longer than the limit.
 */
export interface CandidateLists {
  readonly words: readonly Candidate[];
  readonly vectors: readonly Candidate[];
  /** About the most that a text can score in the list of words for this query; absent without a list of vectors. */
  readonly wordBound?: number;
  /** All vectors of the store as the query sees them, whatever the filter; absent without a list of vectors. */
  readonly background?: VectorBackground;
  /** Neighbours of the candidates of both lists that match the filter too; absent unless asked for. */
  readonly neighbours?: readonly SessionNeighbour[];
  /** Absent unless asked for. */
  readonly standings?: readonly Standing[];
  /** The memories of both lists; absent unless asked for. */
  readonly memories?: readonly Memory[];
  /** The possible age of the searched index, a sentence for people; absent when it is up to date. */
  readonly stale?: string;
}

/** Token vectors of one model that can be compared with each other. */
export interface TokenSpace {
  readonly modelId: EmbeddingModelId;
  /** `tokenSpace` of the embedder. */
  readonly name: string;
}

/** The token vectors of a chunk as the store keeps them. */
export interface PackedTokens {
  /** Ids of the word pieces. */
  readonly pieces: Int32Array;
  /** From `packTokens`. */
  readonly vectors: Uint8Array;
}

export interface TokenRequest {
  readonly space: TokenSpace;
  /** Of the query. */
  readonly tokens: TokenVectors;
  /** `start` of the best chunk, which makes sure that it is among those that are compared in a very long text. */
  readonly candidates: readonly { readonly id: string; readonly start?: number }[];
}

/** How well the word pieces of a memory answer those of a query. */
export interface TokenMatch {
  readonly id: string;
  /** Mean cosine of the query's pieces with their nearest one in the best chunk; rare pieces of the query count more. */
  readonly score: number;
  /** The same with all pieces counting alike. It can be compared between queries and stores. */
  readonly plain: number;
}
