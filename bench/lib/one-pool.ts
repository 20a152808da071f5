import { encode } from 'gpt-tokenizer';
import type { SearchResponse } from 'faiss-memory';
import { renderHit } from '../../src/mcp/render.ts';
import { TimeZone } from '../../src/util/time-zone.ts';
import type { Dataset } from './datasets.ts';
import { documentsOf, type EvaluatedStore } from './evaluated-store.ts';
import { interval, mean, recallAt } from './metrics.ts';

/** Tokens of answer. */
const BUDGETS = [500, 1_000, 2_000] as const;
const ZONE = new TimeZone('UTC');

interface Measured {
  readonly category: string;
  readonly hit1: number;
  readonly anySession10: number;
  readonly sessions10: number;
  readonly evidence: readonly number[];
}

export interface PoolRow {
  readonly category: string;
  readonly questions: number;
  /** The first hit is evidence. */
  readonly hit1: string;
  /** The first ten sessions, in the order of their best hits, contain one with evidence. */
  readonly anySession10: string;
  /** Part of the sessions with evidence that are among the first ten. */
  readonly sessions10: string;
  /** Part of the evidence in the first so many tokens of the answer to an assistant. */
  readonly evidence500: string;
  readonly evidence1000: string;
  readonly evidence2000: string;
}

/** All conversations in one store, searched without a filter. Each figure has its 95 % interval by bootstrap. */
export async function measureOnePool(dataset: Dataset, store: EvaluatedStore): Promise<PoolRow[]> {
  const measured: Measured[] = [];
  for (const question of dataset.questions) {
    const response = await store.search({ ...question, partition: '' }, 'hybrid');
    measured.push(scoresOf(dataset, question, response));
  }
  const categories = [...new Set(measured.map(({ category }) => category))].sort();
  return ['all', ...categories].map((category) =>
    rowOf(
      category,
      measured.filter((one) => category === 'all' || one.category === category),
    ),
  );
}

function scoresOf(
  dataset: Dataset,
  { gold, category = '' }: Dataset['questions'][number],
  response: SearchResponse,
): Measured {
  const groupOf = dataset.groupOf ?? ((id: string) => id);
  const ranked = documentsOf(response);
  const ids = new Set(gold.keys());
  const sessions = recallAt(10, [...new Set(ranked.map(groupOf))], new Set([...ids].map(groupOf)));
  return {
    category,
    hit1: ids.has(ranked[0] ?? '') ? 1 : 0,
    anySession10: sessions > 0 ? 1 : 0,
    sessions10: sessions,
    evidence: BUDGETS.map((budget) => recallAt(hitsWithin(response, budget), ranked, ids)),
  };
}

/** Number of whole hits that fit. */
function hitsWithin({ hits }: SearchResponse, budget: number): number {
  let used = 0;
  const tooMany = hits.findIndex((hit) => {
    used += encode(renderHit(hit, ZONE)).length;
    return used > budget;
  });
  return tooMany === -1 ? hits.length : tooMany;
}

function rowOf(category: string, measured: readonly Measured[]): PoolRow {
  const figure = (of: (one: Measured) => number): string => {
    const values = measured.map(of);
    const [low, high] = interval(values);
    return `${mean(values).toFixed(3)} (${low.toFixed(3)}–${high.toFixed(3)})`;
  };
  return {
    category,
    questions: measured.length,
    hit1: figure(({ hit1 }) => hit1),
    anySession10: figure(({ anySession10 }) => anySession10),
    sessions10: figure(({ sessions10 }) => sessions10),
    evidence500: figure(({ evidence }) => evidence[0] ?? 0),
    evidence1000: figure(({ evidence }) => evidence[1] ?? 0),
    evidence2000: figure(({ evidence }) => evidence[2] ?? 0),
  };
}
