import { EmbeddingUnavailableError } from '../errors/embedding-errors.ts';
import { InvalidInputError, StateChangedError } from '../errors/input-errors.ts';
import type { MemoryStore } from '../store/memory-store.ts';
import { attributesOf } from './attributes.ts';
import { confirmationToken } from './confirmation.ts';
import { type DeduplicatorParts, DuplicateSearch } from './deduplicate.ts';
import type { DuplicateGroup, SimilarMemory, TidyKind, TidyRequest, TidyResult } from './insights-api.ts';
import type { Memory } from './memory.ts';
import type { MemoryWork } from './memory-api.ts';
import type { Difference } from './same-statement.ts';
import { indexedText } from './words.ts';

/** Memories with at least this similarity that say something else are shown together, 0 to 1. */
const CLOSE_FROM = 0.9;
const SHOWN = 50;
const READ_AT_ONCE = 500;
/** What is removed; what only resembles another memory never is. */
export const TIDY_KINDS: readonly TidyKind[] = ['duplicates', 'expired', 'junk'];

export interface TidyParts extends DeduplicatorParts {
  /** Milliseconds since the epoch. */
  readonly now: () => number;
}

/**
 * Proposes to remove facts that say the same as an older one word for word, that have expired, or that are junk; and
 * shows facts that resemble each other, of which a person may choose. With the token of a proposal it does what the
 * proposal said.
 * @throws InvalidInputError for unknown kinds
 * @throws StateChangedError when the proposal would be another one now
 */
export async function tidy(
  parts: TidyParts,
  { kinds = TIDY_KINDS, confirm }: TidyRequest,
  work: MemoryWork,
): Promise<TidyResult> {
  checkKinds(kinds);
  const expired = kinds.includes('expired') ? await expiredFacts(parts) : [];
  const expiredIds = new Set(expired.map(({ id }) => id));
  const junk = kinds.includes('junk')
    ? (await junkFacts(parts.store)).filter(({ id }) => !expiredIds.has(id))
    : [];
  // What is only shown need not be looked for again when the rest is done.
  const compared = await comparedFacts(parts, { ...work, dryRun: confirm === undefined });
  const search = kinds.includes('duplicates') ? compared : undefined;
  const proposal = {
    duplicates: search === undefined ? [] : await search.describeGroups(),
    ...(await resembling(parts.store, compared)),
    expired: expired.slice(0, SHOWN),
    junk: junk.slice(0, SHOWN),
    counts: { duplicates: search?.count ?? 0, expired: expired.length, junk: junk.length },
    compared: compared !== undefined,
  };
  const removed = [...expired, ...junk];
  const token = confirmationToken([...removed.map(({ id, dot }) => [id, dot]), ...(search?.members ?? [])]);
  if (confirm === undefined) return { ...proposal, dryRun: true, removed: 0, confirm: token };
  if (confirm !== token) throw new StateChangedError();
  const doubled = (await search?.remove()) ?? 0;
  const ids = removed.map(({ id }) => id);
  return {
    ...proposal,
    dryRun: false,
    removed: doubled + (ids.length === 0 ? 0 : await parts.store.delete(ids)),
  };
}

function checkKinds(kinds: readonly TidyKind[]): void {
  const unknown = kinds.find((kind) => !TIDY_KINDS.includes(kind));
  if (unknown === undefined && kinds.length > 0) return;
  const problem = unknown === undefined ? 'is empty' : `has ${JSON.stringify(unknown)}`;
  throw new InvalidInputError('kinds', problem, `allowed are ${TIDY_KINDS.join(', ')}`);
}

interface Looking extends MemoryWork {
  /** Also look for facts that only resemble each other. */
  readonly dryRun: boolean;
}

async function expiredFacts({ store, now }: TidyParts): Promise<readonly Memory[]> {
  return readEach(store, await store.matching({ kind: 'fact', expiredAt: now() }), () => true);
}

async function junkFacts(store: MemoryStore): Promise<readonly Memory[]> {
  return readEach(store, await store.matching({ kind: 'fact' }), isJunk);
}

/** @returns undefined when nothing could be compared, since there is no model */
async function comparedFacts(parts: TidyParts, work: Looking): Promise<DuplicateSearch | undefined> {
  try {
    const options = { ...work, threshold: CLOSE_FROM };
    const search = new DuplicateSearch(parts, await parts.embedder.modelId(), options);
    await search.run();
    return search;
  } catch (error) {
    if (error instanceof EmbeddingUnavailableError) return undefined;
    throw error;
  }
}

/** Those live memories of the ids that `isWanted`; no more of the others is in memory at a time than one page. */
async function readEach(
  store: MemoryStore,
  ids: readonly string[],
  isWanted: (memory: Memory) => boolean,
): Promise<Memory[]> {
  const wanted: Memory[] = [];
  for (let start = 0; start < ids.length; start += READ_AT_ONCE) {
    const page = await store.getCurrent(ids.slice(start, start + READ_AT_ONCE));
    wanted.push(...page.filter((memory) => memory.state === 'live' && !memory.conflict && isWanted(memory)));
  }
  return wanted;
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
