import { EmbeddingUnavailableError } from '../errors/embedding-errors.ts';
import { InvalidInputError, StateChangedError } from '../errors/input-errors.ts';
import type { MemoryStore } from '../store/memory-store.ts';
import { attributesOf } from './attributes.ts';
import { confirmationToken } from './confirmation.ts';
import {
  type DeduplicateOptions,
  type DeduplicatorParts,
  DuplicateSearch,
  factPages,
} from './deduplicate.ts';
import type { DuplicateGroup, SimilarMemory, TidyKind, TidyRequest, TidyResult } from './insights-api.ts';
import type { Memory } from './memory.ts';
import type { MemoryWork } from './memory-api.ts';
import type { Difference } from './same-statement.ts';
import { indexedText } from './words.ts';

/** Memories with at least this similarity that say something else are shown together, 0 to 1. */
const CLOSE_FROM = 0.9;
const SHOWN = 50;
/** Removed unless told otherwise. A memory that only resembles another one never is. */
const USUAL_KINDS: readonly TidyKind[] = ['duplicates', 'expired', 'junk'];
const TIDY_KINDS: readonly TidyKind[] = [...USUAL_KINDS, 'unused'];
/** Fewer searches, or days, say nothing about a fact. */
const UNUSED_RULE = { searches: 50, days: 14 };

export interface TidyParts extends DeduplicatorParts {
  /** Milliseconds since the epoch. */
  readonly now: () => number;
}

/**
 * Proposes to remove facts that say the same as an older one word for word, that have expired, or that are junk, and, when
 * asked, those that no search found; and shows facts that resemble each other, of which a person may choose. With the
 * token of a proposal it carries the proposal out.
 * @throws InvalidInputError for unknown kinds
 * @throws StateChangedError when the proposal would be another one now
 */
export async function tidy(
  parts: TidyParts,
  { kinds = USUAL_KINDS, confirm }: TidyRequest,
  work: MemoryWork,
): Promise<TidyResult> {
  checkKinds(kinds);
  const { since, searches, ids } = await parts.store.unused(UNUSED_RULE);
  const looking = { kinds, dryRun: confirm === undefined, unused: ids ?? [] };
  const facts = await sortedFacts(parts, looking, work);
  const search = kinds.includes('duplicates') ? facts.search : undefined;
  const going = { ...facts, unused: kinds.includes('unused') ? facts.unused : [] };
  const removed = [...going.expired, ...going.junk, ...going.unused];
  const proposal = {
    duplicates: search === undefined ? [] : await search.describeGroups(),
    ...(await resembling(parts.store, facts.search)),
    expired: facts.expired.slice(0, SHOWN),
    junk: facts.junk.slice(0, SHOWN),
    unused: facts.unused.slice(0, SHOWN),
    searched: { since, searches, unused: ids === null ? null : facts.unused.length },
    counts: {
      duplicates: search?.count ?? 0,
      expired: going.expired.length,
      junk: going.junk.length,
      unused: going.unused.length,
    },
    compared: facts.search !== undefined,
  };
  const token = confirmationToken([...removed.map(({ id, dot }) => [id, dot]), ...(search?.members ?? [])]);
  if (confirm === undefined) return { ...proposal, dryRun: true, removed: 0, confirm: token };
  if (confirm !== token) throw new StateChangedError();
  const doubled = (await search?.remove()) ?? 0;
  const gone = removed.map(({ id }) => id);
  const deleted = gone.length === 0 ? 0 : await parts.store.delete(gone);
  return { ...proposal, dryRun: false, removed: doubled + deleted };
}

function checkKinds(kinds: readonly TidyKind[]): void {
  const unknown = kinds.find((kind) => !TIDY_KINDS.includes(kind));
  if (unknown === undefined && kinds.length > 0) return;
  const problem = unknown === undefined ? 'is empty' : `has ${JSON.stringify(unknown)}`;
  throw new InvalidInputError('kinds', problem, `allowed are ${TIDY_KINDS.join(', ')}`);
}

interface Looking {
  readonly kinds: readonly TidyKind[];
  /** Also look for facts that only resemble each other: what is only shown need not be looked for when the rest is done. */
  readonly dryRun: boolean;
  /** Ids of the facts that no search found. */
  readonly unused: readonly string[];
}

interface SortedFacts extends Readonly<Record<'expired' | 'junk' | 'unused', readonly Memory[]>> {
  /** Undefined when nothing could be compared, since there is no model. */
  readonly search: DuplicateSearch | undefined;
}

/** Goes through all facts once. Each is of one kind, the first of the wanted ones that it belongs to. */
async function sortedFacts(
  parts: TidyParts,
  { kinds, dryRun, unused }: Looking,
  work: MemoryWork,
): Promise<SortedFacts> {
  const search = await duplicateSearch(parts, { dryRun, threshold: CLOSE_FROM, signal: work.signal });
  const found: Record<'expired' | 'junk' | 'unused', Memory[]> = { expired: [], junk: [], unused: [] };
  const unusedIds = new Set(unused);
  const now = parts.now();
  for await (const page of factPages(parts.store, work)) {
    for (const memory of page.memories) {
      if (kinds.includes('expired') && isExpired(memory, now)) found.expired.push(memory);
      else if (kinds.includes('junk') && isJunk(memory)) found.junk.push(memory);
      else if (unusedIds.has(memory.id)) found.unused.push(memory);
    }
    await search?.take(page);
  }
  // The fact that stays of a group takes in tags, source and metadata of the others, so it is not removed together with them.
  const grouped = new Set(search?.members.map(({ id }) => id));
  return { ...found, unused: found.unused.filter(({ id }) => !grouped.has(id)), search };
}

function isExpired({ metadata }: Memory, now: number): boolean {
  const { expiresAt } = attributesOf(metadata);
  return expiresAt !== null && expiresAt <= now;
}

async function duplicateSearch(
  parts: TidyParts,
  options: DeduplicateOptions,
): Promise<DuplicateSearch | undefined> {
  try {
    return new DuplicateSearch(parts, await parts.embedder.modelId(), options);
  } catch (error) {
    if (error instanceof EmbeddingUnavailableError) return undefined;
    throw error;
  }
}

const PLACEHOLDER =
  /^(?:test(?:ing)?|asdf+|foo(?: ?bar)?|bar|baz|qwerty|hello world|lorem ipsum.*|x+|todo|tbd|n\/a|none|null|undefined|placeholder)$/i;
const MASK = /\[masked [^\]]*\]/g;

/**
 * True for a text that no question finds or that says nothing: without a letter or digit, a placeholder that people and
 * programs type to try something out, or nothing but a masked secret. Pinned facts never are.
 */
export function isJunk({ text, metadata }: Pick<Memory, 'text' | 'metadata'>): boolean {
  if (attributesOf(metadata).pinned) return false;
  const bare = text.replaceAll(MASK, ' ').trim();
  return !/[\p{L}\p{N}\p{Extended_Pictographic}]/u.test(bare) || isPlaceholder(bare);
}

function isPlaceholder(text: string): boolean {
  return PLACEHOLDER.test(text.replace(/[\s.!?…]+$/u, '')) || indexedText(text).trim() === '';
}

/** Differences that make one statement deny another; the other kinds are two ways to say it, or two subjects. */
const DENYING: ReadonlySet<Difference> = new Set<Difference>(['numbers', 'negation', 'symbols']);

/** Facts that resemble each other, apart from those of two projects, and from those that already replace another. */
async function resembling(
  store: MemoryStore,
  search: DuplicateSearch | undefined,
): Promise<Pick<TidyResult, 'contradictions' | 'alike'>> {
  const contradictions: DuplicateGroup[] = [];
  const alike: DuplicateGroup[] = [];
  for (const { keep, duplicates } of search?.alike ?? []) {
    const others = await store.getCurrent(duplicates.map(({ id }) => id));
    const open = new Set(others.filter((other) => mayContradict(keep, other)).map(({ id }) => id));
    const left = duplicates.filter(({ id }) => open.has(id));
    const denies = ({ differs }: SimilarMemory): boolean => differs !== undefined && DENYING.has(differs);
    const denying = left.filter(denies);
    const similar = left.filter((one) => !denies(one));
    if (denying.length > 0) contradictions.push({ keep, duplicates: denying });
    if (similar.length > 0) alike.push({ keep, duplicates: similar });
  }
  return { contradictions, alike };
}

function mayContradict(one: Memory, other: Memory): boolean {
  const [first, second] = [attributesOf(one.metadata), attributesOf(other.metadata)];
  const apart = first.project !== null && second.project !== null && first.project !== second.project;
  const isSettled = one.supersededBy !== undefined || other.supersededBy !== undefined;
  return !apart && !isSettled;
}
