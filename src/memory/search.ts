import type { Embedder } from '../embedding/embedder.ts';
import { VectorIndexError } from '../errors/embedding-errors.ts';
import type { MemoryStore, TokenRequest, VectorQuery } from '../store/memory-store.ts';
import { settleWithin } from '../util/concurrency.ts';
import type { SpokenPeriod } from '../util/time-phrases.ts';
import { type Calibration, calibrationFor } from './calibration.ts';
import type { EmbeddingBackfill } from './embedding-backfill.ts';
import type { MemoryFilter } from './filter.ts';
import { type MatchedWords, wordMatcher } from './matched-words.ts';
import type { QueryPeriod, SearchHit, SearchMode, SearchResponse } from './memory-api.ts';
import { isIn, isOtherProject } from './ranking.ts';
import type { BestMemories, BestMemory, BestRequest } from './reranking.ts';
import { excerpt } from './snippet.ts';

/** Length of each candidate list. */
const CANDIDATES = 50;
/** Trust in cosines of a query in a language that the model does not read: shared names and numbers still tell something. */
const UNREAD_TRUST = 0.5;
/** Time that a search without word hits waits for the model, because an empty answer is worse than a slow one. */
const EMPTY_ANSWER_WAIT_MS = 8_000;
const VECTOR_MODE_WAIT_MS = 30_000;
/** Shortest time limit for a model that is loaded; it is there for endpoints, which may be slow. */
const READY_WAIT_MS = 8_000;

const UNREAD_QUERY =
  'The model does not read the language of the query: only matching words tell how well a hit fits.';

export interface SearchPlan {
  readonly query: string;
  readonly limit: number;
  readonly mode: SearchMode;
  readonly filter: MemoryFilter;
  /** The time that the question is about; milliseconds since the epoch. */
  readonly at: number;
  /** The period that the query names. */
  readonly period?: SpokenPeriod | undefined;
  /** The project whose memories, and those without one, are preferred; null = none. */
  readonly project: string | null;
}

export interface SearcherParts {
  readonly store: MemoryStore;
  readonly embedder: Embedder;
  readonly backfill: EmbeddingBackfill;
  /** Time that a hybrid search waits for a model that is still loading before it answers by words. */
  readonly modelWaitMs: number;
}

/** Hybrid search: fuses the hits by words and by meaning, and gives the reasons of every hit. */
export class MemorySearcher {
  readonly #parts: SearcherParts;

  constructor(parts: SearcherParts) {
    this.#parts = parts;
  }

  async search(plan: SearchPlan): Promise<SearchResponse> {
    if (plan.mode === 'keyword') return this.#answer(plan, undefined, '');
    const wait = plan.mode === 'vector' ? VECTOR_MODE_WAIT_MS : this.#parts.modelWaitMs;
    const vector = await this.#embed(plan.query, wait);
    if (vector !== undefined) return this.#answer(plan, vector, '');
    const byWords = await this.#answer({ ...plan, mode: 'keyword' }, undefined, this.#whyKeyword());
    if (byWords.hits.length > 0 || this.#parts.backfill.problem !== '') return this.#byWords(byWords);
    const late = await this.#embed(plan.query, EMPTY_ANSWER_WAIT_MS);
    return late === undefined ? this.#byWords(byWords) : this.#answer(plan, late, '');
  }

  /** The query's vectors; undefined when the model fails or does not answer in time. */
  async #embed(query: string, waitMs: number): Promise<EmbeddedQuestion | undefined> {
    const { embedder, backfill } = this.#parts;
    try {
      const embedded = embedQuestion(embedder, query);
      const { ready } = embedder;
      const limit = ready ? Math.max(READY_WAIT_MS, waitMs) : waitMs;
      const settled = await settleWithin(embedded, limit);
      if (settled === undefined) {
        if (ready) backfill.noteSlow(limit);
        return undefined;
      }
      backfill.noteSuccess();
      return settled;
    } catch (error) {
      backfill.note(error);
      return undefined;
    }
  }

  /** The answer by words, with the reason that holds now. */
  #byWords(answer: SearchResponse): SearchResponse {
    const modelLoading = this.#parts.backfill.problem === '';
    return { ...answer, note: this.#whyKeyword(), ...(modelLoading ? { modelLoading } : {}) };
  }

  #whyKeyword(): string {
    const { backfill, embedder } = this.#parts;
    if (embedder.describe()['provider'] === 'none') return 'Search is by words: embeddings are switched off.';
    const { problem } = backfill;
    return problem === ''
      ? 'The embedding model is still loading: these hits are by words only. Search again in a moment for hits by meaning.'
      : `Hits are by words only, because search by meaning failed: ${problem}`;
  }

  async #answer(
    plan: SearchPlan,
    question: EmbeddedQuestion | undefined,
    note: string,
  ): Promise<SearchResponse> {
    const { backfill } = this.#parts;
    const vector = question?.vector;
    const calibration = calibrationFor(vector?.modelId.modelId ?? '');
    const readable = calibration.reads(plan.query);
    const found = await this.#best(plan, question, { readable, usualGap: calibration.usualGap });
    if (found === undefined) return this.#answer({ ...plan, mode: 'keyword' }, undefined, this.#whyKeyword());
    const waiting = backfill.busy
      ? 'Some memories still wait for their vectors and are found by words only.'
      : '';
    if (vector !== undefined) backfill.wakeAfterSearch();
    const foreign = vector === undefined || readable ? '' : UNREAD_QUERY;
    const match = wordMatcher(plan.query);
    const hits = found.best.map((best) => {
      const { text, tags } = best.memory;
      return describeHit(best, { readable, plan, calibration, matched: match(text, tags) });
    });
    const { gap, vectors, bestTokenMatch, stale } = found;
    return {
      hits,
      mode: vector === undefined ? 'keyword' : plan.mode,
      note: note === '' ? [foreign, waiting].filter((part) => part !== '').join(' ') : note,
      ...(stale === undefined ? {} : { stale }),
      weak: readable && calibration.isWeak({ gap, vectors, tokenMatch: bestTokenMatch }),
      bestTokenMatch,
      ...(plan.period === undefined ? {} : { period: queryPeriod(plan.period) }),
    };
  }

  /** Undefined when the vector index failed; the caller then searches by words only. */
  async #best(
    plan: SearchPlan,
    question: EmbeddedQuestion | undefined,
    { readable, usualGap }: { readonly readable: boolean; readonly usualGap: number | null },
  ): Promise<BestMemories | undefined> {
    const { filter, mode, period, project } = plan;
    const depth = Math.max(CANDIDATES, plan.limit);
    // Modes other than hybrid rank by their one list alone.
    const isHybrid = mode === 'hybrid' && question !== undefined;
    // Pieces of words that the model does not read find words that are spelled alike, and rank worse than no comparison.
    const tokens = isHybrid && readable ? question.tokens : undefined;
    const request: BestRequest = {
      ...{ filter, limit: depth, best: plan.limit, standingsAt: plan.at, neighbours: isHybrid },
      ...(mode === 'vector' && question !== undefined ? {} : { words: plan.query }),
      ...(question === undefined ? {} : { vector: question.vector }),
      ...(tokens === undefined ? {} : { tokens }),
      ...(period === undefined ? {} : { period: { start: period.start, end: period.end } }),
      ranking: {
        scale: { depth, usualGap, trust: readable ? 1 : UNREAD_TRUST },
        preference: { period, project },
      },
    };
    try {
      return await this.#parts.store.best(request);
    } catch (error) {
      if (question === undefined || !(error instanceof VectorIndexError)) throw error;
      this.#parts.backfill.note(error);
      return undefined;
    }
  }
}

interface EmbeddedQuestion {
  readonly vector: VectorQuery;
  /** Undefined when the embedder gives no token vectors. */
  readonly tokens: Omit<TokenRequest, 'candidates'> | undefined;
}

async function embedQuestion(embedder: Embedder, text: string): Promise<EmbeddedQuestion> {
  const { tokenSpace: name } = embedder;
  const embedded = name === undefined ? undefined : embedder.embedQueryTokens?.(text);
  if (name === undefined || embedded === undefined) {
    const [modelId, vector] = await Promise.all([embedder.modelId(), embedder.embedQuery(text)]);
    return { vector: { modelId, vector }, tokens: undefined };
  }
  const [modelId, { vector, tokens }] = await Promise.all([embedder.modelId(), embedded]);
  return { vector: { modelId, vector }, tokens: { space: { modelId, name }, tokens } };
}

/** The facts that describe hits, beside the results themselves. */
interface Description {
  readonly plan: SearchPlan;
  readonly calibration: Calibration;
  /** Whether the model reads the language of the query. */
  readonly readable: boolean;
  readonly matched: MatchedWords;
}

function queryPeriod({ phrase, start, end }: SpokenPeriod): QueryPeriod {
  const bound = (time: number): number | null => (Number.isFinite(time) ? time : null);
  return { phrase, start: bound(start), end: bound(end) };
}

function describeHit(
  { memory, ranked, standing, tokenMatch }: BestMemory,
  { plan: { period, project }, calibration: { reads, relevance }, readable, matched }: Description,
): SearchHit {
  const { cosine } = ranked;
  const snippet = excerpt(memory.text, { places: matched.places, chunk: ranked.chunk });
  return {
    memory,
    snippet: snippet.text,
    snippetTruncated: snippet.truncated,
    score: ranked.score,
    // The language of the text is looked at last, because that takes the longest.
    similarity:
      readable && relevance !== null && cosine !== null && reads(memory.text) ? relevance(cosine) : null,
    wordRank: ranked.wordRank,
    vectorRank: ranked.vectorRank,
    byNeighbours: ranked.byNeighbours,
    bySingleWords: ranked.bySingleWords,
    inPeriod: period !== undefined && standing !== undefined && isIn(period, standing.time),
    isOtherProject: isOtherProject(standing?.project ?? null, project),
    isSuperseded: typeof standing?.supersededBy === 'string',
    matchedWords: matched.words,
    ...(tokenMatch === null ? {} : { tokenMatch }),
  };
}
