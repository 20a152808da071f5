import { attributesOf } from '../memory/attributes.ts';
import type { ImportProblem, ImportSummary } from '../import-export/import-report.ts';
import type {
  AddResult,
  DeduplicateResult,
  DeleteResult,
  DuplicateGroup,
  EmbeddingStatus,
  MemoriesAsOf,
  MemoryApi,
  MemoryMap,
  NoveltyResult,
  SearchHit,
  SearchResponse,
  SimilarMemory,
  Stats,
  UpdateResult,
} from '../memory/memory-api.ts';
import type { HistoryEntry, Memory, MemoryWithHistory } from '../memory/memory.ts';
import { beginningOf, SNIPPET_LENGTH } from '../memory/snippet.ts';
import type { TimeZone } from '../util/time-zone.ts';

/**
 * The JSON of memories, the same for REST and for `--json`; MCP has less of it where a model would pay for the rest.
 * Absent instead of empty: some clients show it to the model.
 */
export type Data = Record<string, unknown>;

/** `2026-01-31T12:00:00.000Z`. */
export function isoTime(time: number): string {
  return new Date(time).toISOString();
}

/** A similarity or score with the digits that mean something. */
export function rounded(value: number): number {
  return Math.round(value * 100) / 100;
}

/** The beginning of a text that may be long. */
export function beginning(text: string): string {
  return beginningOf(text, SNIPPET_LENGTH);
}

/** @param text the part of its text that is shown */
export function memoryData(memory: Memory, text = memory.text): Data {
  return {
    id: memory.id,
    text,
    ...given('tags', memory.tags),
    ...given('source', memory.source),
    ...metadataData(memory.metadata),
    created: isoTime(memory.createdAt),
    ...(memory.updatedAt === memory.createdAt ? {} : { updated: isoTime(memory.updatedAt) }),
    ...(memory.state === 'live' ? {} : { state: memory.state }),
    ...(memory.conflict ? { conflict: true } : {}),
    ...hiddenData(memory),
    ...supersededData(memory),
  };
}

/** Which live memory says that it replaces this one. */
function supersededData({ supersededBy }: Memory): Data {
  return supersededBy === undefined ? {} : { superseded_by: supersededBy };
}

/** Where a turn of a conversation was said; nothing for a fact. */
function turnData({ metadata }: Memory): Data {
  const { conversation } = attributesOf(metadata);
  if (conversation === null) return {};
  const { session, position, role, client } = conversation;
  return { kind: 'conversation', role, ...given('client', client), session, position };
}

/** Why a memory that was erased is still shown: another machine erased it, and this one keeps the content for a while. */
function hiddenData({ hiddenAt, dot }: Memory): Data {
  return hiddenAt === undefined ? {} : { erased_by: dot.machine, hidden: isoTime(hiddenAt) };
}

/** With older versions and conflict copies, and with the tags, source and metadata of each. */
export function fullHistoryData(memory: MemoryWithHistory): Data {
  const versions = memory.history.slice(1).map((version) => ({
    ...versionData(version),
    ...given('tags', version.tags),
    ...given('source', version.source),
    ...metadataData(version.metadata),
  }));
  return { ...memoryData(memory), ...given('versions', versions), ...given('stale', memory.stale ?? '') };
}

function metadataData(metadata: Memory['metadata']): Data {
  return Object.keys(metadata).length === 0 ? {} : { metadata };
}

export function versionData({ role, state, text, updatedAt }: HistoryEntry): Data {
  return { role, ...(state === 'live' ? {} : { state }), text, updated: isoTime(updatedAt) };
}

/** A page of a list. */
export function pageData({
  memories,
  total,
  nextCursor,
  stale,
}: Awaited<ReturnType<MemoryApi['list']>>): Data {
  return {
    memories: memories.map((memory) => memoryData(memory)),
    total,
    ...given('next_cursor', nextCursor ?? ''),
    ...given('stale', stale ?? ''),
  };
}

export function updatedData({ memory, masked }: UpdateResult): Data {
  return { ...memoryData(memory), ...given('masked', masked) };
}

export function searchData(response: SearchResponse): Data {
  return {
    hits: response.hits.map(hitData),
    mode: response.mode,
    ...given('note', searchNote(response)),
    ...(response.modelLoading === true ? { model_loading: true } : {}),
    ...periodData(response),
  };
}

/** The period that the query names. */
export function periodData({ period }: SearchResponse): Data {
  if (period === undefined) return {};
  const { phrase, start, end } = period;
  const bounds = {
    ...(start === null ? {} : { from: isoTime(start) }),
    ...(end === null ? {} : { until: isoTime(end) }),
  };
  return { period: { words: phrase, ...bounds } };
}

/** Memories as they were at a time. */
export function asOfData({ time, memories, absent, forgotten, stale = '' }: MemoriesAsOf): Data {
  return {
    as_of: isoTime(time),
    memories: memories.map((memory) => memoryData(memory)),
    ...given('absent', absent),
    ...given('not_kept', forgotten),
    ...given('stale', stale),
  };
}

/** The remark before the hits of an answer; empty = none. */
export function searchNote({ hits, note, weak, stale = '' }: SearchResponse): string {
  const quality = weak ? 'Weak match: no hit stands out; maybe none answers the query.' : '';
  return [hits.length === 0 ? 'Nothing found.' : quality, note, stale]
    .filter((part) => part !== '')
    .join(' ');
}

export function hitData({ memory, ...hit }: SearchHit): Data {
  return {
    id: memory.id,
    text: hit.snippet,
    ...(hit.snippetTruncated ? { truncated: true } : {}),
    score: rounded(hit.score),
    ...(hit.similarity === null ? {} : { similarity: rounded(hit.similarity) }),
    ...(hit.vectorRank === null ? {} : { vector_rank: hit.vectorRank }),
    ...(hit.wordRank === null ? {} : { word_rank: hit.wordRank }),
    ...(hit.byNeighbours ? { by_neighbours: true } : {}),
    ...(hit.bySingleWords ? { by_single_words: true } : {}),
    ...given('words', hit.matchedWords),
    ...given('tags', memory.tags),
    ...given('source', memory.source),
    created: isoTime(memory.createdAt),
    ...preferenceData(memory, hit),
    ...turnData(memory),
  };
}

/** Why it ranks higher or lower than its words and meaning alone would. */
function preferenceData(
  memory: Memory,
  { inPeriod, isOtherProject, isSuperseded }: Omit<SearchHit, 'memory'>,
): Data {
  const { occurredAt, project } = attributesOf(memory.metadata);
  return {
    ...given('project', project ?? ''),
    ...(isOtherProject ? { other_project: true } : {}),
    ...(occurredAt === null ? {} : { occurred_at: isoTime(occurredAt) }),
    ...(inPeriod ? { in_period: true } : {}),
    ...(isSuperseded ? supersededData(memory) : {}),
  };
}

/** With the day of a zone, which is enough for an agent, instead of the time. */
export function datedHitData(hit: SearchHit, zone: TimeZone): Data {
  const { occurredAt } = attributesOf(hit.memory.metadata);
  return {
    ...hitData(hit),
    created: zone.day(hit.memory.createdAt),
    ...(occurredAt === null ? {} : { occurred_at: zone.day(occurredAt) }),
  };
}

/** In brief, for an agent, which reads in the text of the answer that a comparison could not be made. */
export function briefAddedData({ memory, outcome, gained, twin, similar, masked }: AddResult): Data {
  return {
    id: memory.id,
    outcome,
    ...given('gained', gained),
    ...(twin === undefined ? {} : { twin }),
    ...given('similar', similar.map(similarData)),
    ...given('masked', masked),
  };
}

/** A script that asked to skip or supersede must know when the new memory could not be compared. */
export function addedData(result: AddResult): Data {
  return { ...briefAddedData(result), ...(result.similarChecked ? {} : { compared: false }) };
}

/** Null where a number would say nothing: the list is in its order all the same. */
export function shownSimilarity({ similarity, uncalibrated }: SimilarMemory): number | null {
  return uncalibrated === true ? null : similarity;
}

export function similarData(similar: SimilarMemory): Data {
  const { id, text, differs } = similar;
  const similarity = shownSimilarity(similar);
  return {
    id,
    ...(similarity === null ? {} : { similarity: rounded(similarity) }),
    ...given('differs', differs ?? ''),
    text: beginning(text),
  };
}

/** @param show an example: the memory, or, for an agent, its id */
export function deletedData(
  { dryRun, count, examples, confirm }: DeleteResult,
  show: (memory: Memory) => unknown = (memory) => memoryData(memory),
): Data {
  return {
    dry_run: dryRun,
    count,
    examples: examples.map(show),
    ...(confirm === undefined ? {} : { confirm }),
  };
}

export function noveltyData({ novel, threshold, nearest }: NoveltyResult): Data {
  return {
    is_novel: novel,
    threshold,
    ...(nearest === null ? {} : { most_similar: similarData(nearest) }),
  };
}

export function duplicatesData({ dryRun, groups, alike, ...counts }: DeduplicateResult): Data {
  const { threshold, compared, pending, count } = counts;
  const parts = ({ keep, duplicates }: DuplicateGroup): { keep: Data; duplicates: Data[] } => ({
    keep: memoryData(keep),
    duplicates: duplicates.map(similarData),
  });
  return {
    dry_run: dryRun,
    ...{ threshold, compared, pending, count },
    groups: groups.map(parts),
    alike: alike.map(parts).map(({ keep, duplicates }) => ({ memory: keep, similar: duplicates })),
  };
}

const MAP_TEXT_LENGTH = 120;

export function mapData({ points, total }: MemoryMap): Data {
  return {
    points: points.map(({ memory, x, y }) => ({
      id: memory.id,
      x: coordinate(x),
      y: coordinate(y),
      text: beginningOf(memory.text, MAP_TEXT_LENGTH),
      ...given('tags', memory.tags),
      created: isoTime(memory.createdAt),
    })),
    total,
  };
}

function coordinate(value: number): number {
  return Math.round(value * 10_000) / 10_000;
}

/** An import lists at most so many lines with a problem; the others are only counted. */
export const MAX_LISTED_PROBLEMS = 1_000;

export function importData(summary: ImportSummary, problems: readonly ImportProblem[]): Data {
  return { ...summary, problems };
}

/** Enough for an agent, which pays for each. */
const SHOWN_FACETS = 15;

/** Statistics for an agent. @param facets tags and sources at most */
export function briefStatsData(stats: Stats, facets: number = SHOWN_FACETS): Data {
  const { oldest, newest } = stats;
  const tags = stats.tags.slice(0, facets).map(({ tag, count }) => [tag, count]);
  const sources = stats.sources.slice(0, facets).map(({ source, count }) => [source, count]);
  return {
    live: stats.live,
    trash: stats.trash,
    ...(stats.hidden === 0 ? {} : { hidden: stats.hidden }),
    conflicts: stats.conflicts,
    ...(stats.turns === 0
      ? {}
      : { facts: stats.live - stats.turns, conversations: stats.conversations, turns: stats.turns }),
    bytes: stats.bytes,
    ...(oldest === null ? {} : { oldest: isoTime(oldest) }),
    ...(newest === null ? {} : { newest: isoTime(newest) }),
    time_zone: stats.timeZone,
    tags: Object.fromEntries(tags),
    sources: Object.fromEntries(sources),
    ...(stats.stale === undefined ? {} : { stale: stats.stale }),
    embedding: embeddingData(stats.embedding),
  };
}

function embeddingData({ modelId, ready, problem, secondsLeft, ...counts }: EmbeddingStatus): Data {
  const { pending, done, total, withoutTokens } = counts;
  return {
    model: modelId,
    // An embedder that needs no loading counts itself ready even when it cannot be reached.
    ready: ready && problem === '',
    ...{ pending, done, total },
    ...(withoutTokens === 0 ? {} : { without_tokens: withoutTokens }),
    ...(secondsLeft === undefined ? {} : { seconds_left: secondsLeft }),
    ...given('problem', problem),
  };
}

/** With every tag and source, and with the fingerprints that tell whether two machines have the same memories. */
export function statsData(stats: Stats): Data {
  const { machineId, stateDigest, contentDigest, embedding } = stats;
  return {
    ...briefStatsData(stats, Infinity),
    embedding: { ...embeddingData(embedding), details: embedding.details },
    machine: machineId,
    state: stateDigest,
    content: contentDigest,
  };
}

/** A member, unless it is empty. */
export function given(name: string, value: string | readonly unknown[]): Data {
  return value.length === 0 ? {} : { [name]: value };
}
