import type { ListInput, MemoryApi, SearchHit, SearchResponse } from '../memory/memory-api.ts';
import type { Memory } from '../memory/memory.ts';
import { countFitting, fillWithHits, jsonTokens, tokensOf } from './answer-size.ts';
import { type Data, hitData, memoryData, searchData } from './memory-answers.ts';

/** Hits that fit, and how many did not. */
export interface FittingHits {
  readonly response: SearchResponse;
  readonly leftOut: number;
}

/**
 * The hits that fit into an answer of JSON, for REST and the command line.
 * @param maxTokens undefined = all
 */
export function hitsWithin(response: SearchResponse, maxTokens: number | undefined): FittingHits {
  if (maxTokens === undefined) return { response, leftOut: 0 };
  const cost = (hit: SearchHit): number => tokensOf(JSON.stringify(hitData(hit)));
  const hits = fillWithHits(response.hits, cost, jsonTokens(maxTokens));
  return { response: { ...response, hits }, leftOut: response.hits.length - hits.length };
}

/** Names the parts that were left out, and the way to get them. */
export function boundedSearchData(found: SearchResponse, maxTokens: number | undefined): Data {
  const { response, leftOut } = hitsWithin(found, maxTokens);
  if (leftOut === 0) return searchData(response);
  const note = [response.note, leftOutNote(leftOut, 'max_tokens')].filter((part) => part !== '').join(' ');
  return { ...searchData({ ...response, note }), left_out: leftOut };
}

/** @param name how the caller calls it */
export function leftOutNote(leftOut: number, name: string): string {
  const hits = leftOut === 1 ? '1 more hit does' : `${leftOut} more hits do`;
  return `${hits} not fit: raise ${name}, or leave it out.`;
}

type Page = Awaited<ReturnType<MemoryApi['list']>>;

/**
 * A page whose memories fit into an answer of JSON; its cursor is behind the last of them.
 * @param maxTokens undefined = all that were asked for
 */
export async function listWithin(
  memory: MemoryApi,
  request: ListInput,
  maxTokens: number | undefined,
): Promise<Page> {
  const page = await memory.list(request);
  if (maxTokens === undefined) return page;
  const cost = (one: Memory): number => tokensOf(JSON.stringify(memoryData(one)));
  const fitting = countFitting(page.memories, cost, jsonTokens(maxTokens));
  // Asked once more, for the cursor behind the last one that fits.
  return fitting === page.memories.length ? page : memory.list({ ...request, limit: fitting });
}
