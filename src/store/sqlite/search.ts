import type { MemoryFilter } from '../../memory/filter.ts';
import { gapOf, joinedLists } from '../../memory/ranking.ts';
import { type BestMemories, type BestRequest, rankAll } from '../../memory/reranking.ts';
import type { Candidate, CandidateLists, CandidateRequest, SessionNeighbour } from '../memory-store.ts';
import { CandidateRows } from './candidate-rows.ts';
import type { Connection } from './connection.ts';
import { withoutIdleConditions } from './filter.ts';
import { FilterSets } from './filter-sets.ts';
import { readMemories } from './rows.ts';
import { sessionNeighbours } from './session-neighbours.ts';
import { matchTokens } from './token-vectors.ts';
import type { VectorSearch } from './vector-search.ts';
import type { FoundWords, WordSearch } from './word-search.ts';

/** Searches in one transaction. */
export class Search {
  readonly #connection: Connection;
  readonly #words: WordSearch;
  readonly #vectors: VectorSearch;
  readonly #sets: FilterSets;
  readonly #rows: CandidateRows;

  constructor(
    connection: Connection,
    { words, vectors }: { readonly words: WordSearch; readonly vectors: VectorSearch },
  ) {
    this.#connection = connection;
    this.#words = words;
    this.#vectors = vectors;
    this.#sets = new FilterSets(connection);
    this.#rows = new CandidateRows(connection);
  }

  candidates(request: CandidateRequest): CandidateLists {
    const found = this.#lists(request, this.#byWords(request));
    const { standingsAt: at, contents } = request;
    return {
      ...found,
      ...(at === undefined ? {} : { standings: this.#rows.standings(idsOf(found), at) }),
      ...(contents === true ? { memories: this.#read([...found.vectors, ...found.words]) } : {}),
    };
  }

  best(request: BestRequest): BestMemories {
    const { period: during, tokens, ranking, best, standingsAt } = request;
    const words = this.#byWords(request);
    const all = this.#lists(request, words);
    const found =
      during === undefined
        ? all
        : joinedLists(all, this.#lists({ ...request, filter: { ...request.filter, during } }, words));
    const standings = this.#rows.standings(idsOf(found), standingsAt);
    const { ranked, matches } = rankAll(found, { ...ranking, standings }, (candidates) =>
      tokens === undefined ? [] : matchTokens(this.#connection, { ...tokens, candidates }),
    );
    const shown = ranked.slice(0, best);
    const memories = new Map(this.#read(shown).map((memory) => [memory.id, memory]));
    const plain = new Map(matches.map((match) => [match.id, match.plain]));
    return {
      best: shown.flatMap((candidate) => {
        const { id } = candidate;
        const memory = memories.get(id);
        if (memory === undefined) return [];
        const standing = standings.find((one) => one.id === id);
        return [{ memory, ranked: candidate, standing, tokenMatch: plain.get(id) ?? null }];
      }),
      gap: gapOf(found),
      vectors: found.background?.vectors ?? 0,
      bestTokenMatch: matches.length === 0 ? null : Math.max(...plain.values()),
    };
  }

  #byWords({ words }: Pick<CandidateRequest, 'words'>): FoundWords | undefined {
    return words === undefined ? undefined : this.#words.find(this.#connection, words);
  }

  #lists(request: CandidateRequest, byWords: FoundWords | undefined): CandidateLists {
    const { vector, limit } = request;
    const connection = this.#connection;
    const finding = { sets: this.#sets, rows: this.#rows, limit };
    const filter = withoutIdleConditions(connection, request.filter);
    const vectors =
      vector === undefined
        ? []
        : withFacts({ filter, limit }, (given) =>
            this.#vectors.candidates(connection, vector, { filter: given, ...finding }),
          );
    const words =
      byWords === undefined
        ? []
        : withFacts({ filter, limit }, (given) => byWords.best({ filter: given, ...finding }));
    return {
      ...{ words, vectors },
      ...(request.neighbours === true && { neighbours: this.#neighbours([...words, ...vectors], filter) }),
      ...(vector !== undefined && this.#vectors.background(connection, vector)),
      ...(vector !== undefined && byWords !== undefined && { wordBound: byWords.bound }),
    };
  }

  #neighbours(candidates: readonly Candidate[], filter: MemoryFilter): SessionNeighbour[] {
    return sessionNeighbours(
      this.#connection,
      candidates.map(({ id }) => id),
      filter,
    );
  }

  #read(candidates: readonly { readonly id: string }[]): ReturnType<typeof readMemories> {
    return readMemories(this.#connection, [...new Set(candidates.map(({ id }) => id))]);
  }
}

function idsOf({ words, vectors, neighbours = [] }: CandidateLists): string[] {
  return [...words, ...vectors, ...neighbours].map(({ id }) => id);
}

/**
 * The best candidates, and some of the best facts where turns of conversations nearly fill the list: what was written
 * on purpose must not drown in conversations.
 */
function withFacts(
  { filter, limit }: Pick<CandidateRequest, 'filter' | 'limit'>,
  find: (filter: MemoryFilter) => Candidate[],
): Candidate[] {
  const best = find(filter);
  const enough = Math.ceil(limit / 2);
  const facts = best.filter(({ isTurn }) => isTurn !== true).length;
  // Only turns have a session or a client.
  const isOfOneKind = [filter.kind, filter.session, filter.client].some((value) => value !== undefined);
  if (isOfOneKind || best.length < limit || facts >= enough) return best;
  const known = new Set(best.map(({ id }) => id));
  const more = find({ ...filter, kind: 'fact' }).filter(({ id }) => !known.has(id));
  return [...best, ...more.slice(0, enough - facts)].sort((a, b) => b.score - a.score);
}
