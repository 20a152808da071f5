/** Names one write for ever: write number `n` of a machine, counted from 1. */
export interface Dot {
  readonly machine: string;
  readonly n: number;
}

/** For each machine id, the highest `n` whose write is included; so are all writes of that machine before it. */
export type VersionVector = Readonly<Record<string, number>>;

/** Highest allowed `n`. No machine makes that many writes in its life, and JavaScript counts exactly far beyond it. */
export const MAX_COUNTER = 2 ** 48;

export type JsonValue = string | number | boolean | null | JsonValue[] | { [key: string]: JsonValue };
export type Metadata = Readonly<Record<string, JsonValue>>;

/** The part of a memory that a user sees. Times are milliseconds since the epoch, UTC. */
export interface MemoryContent {
  readonly text: string;
  /** Sorted, distinct, never empty strings. */
  readonly tags: readonly string[];
  /** Where the memory came from, for example a conversation or a file; empty = unknown. */
  readonly source: string;
  readonly metadata: Metadata;
  readonly createdAt: number;
  readonly updatedAt: number;
}

/** The user's part of a version, without its name and its surroundings. */
export function contentOf({
  text,
  tags,
  source,
  metadata,
  createdAt,
  updatedAt,
}: MemoryContent): MemoryContent {
  return { text, tags, source, metadata, createdAt, updatedAt };
}

/**
 * live: searchable. deleted: in the trash, content kept. stripped: a deleted version whose content is gone.
 * purged: erased on the user's demand; every machine that merges this version erases its own copy of the content.
 */
export type VersionState = 'live' | 'deleted' | 'stripped' | 'purged';

/** One immutable write of one memory. Stripped and purged versions have empty content. */
export interface Version extends MemoryContent {
  readonly dot: Dot;
  readonly state: VersionState;
}

export function sameDot(a: Dot, b: Dot): boolean {
  return a.machine === b.machine && a.n === b.n;
}

/** True when the version vector includes the write. */
export function covers(clock: VersionVector, dot: Dot): boolean {
  return (clock[dot.machine] ?? 0) >= dot.n;
}

/** Includes every write that `a` or `b` includes: the maximum for each machine. */
export function joinVersionVectors(a: VersionVector, b: VersionVector): VersionVector {
  const joined: Record<string, number> = { ...a };
  for (const [machine, n] of Object.entries(b)) joined[machine] = Math.max(joined[machine] ?? 0, n);
  return joined;
}

export type VersionVectorOrder = 'equal' | 'before' | 'after' | 'concurrent';

/** Compares the writes that two stores include: `before` = every write of `a` is in `b`, and `b` has more. */
export function compareVersionVectors(a: VersionVector, b: VersionVector): VersionVectorOrder {
  const machines = new Set([...Object.keys(a), ...Object.keys(b)]);
  let aMisses = false;
  let bMisses = false;
  for (const machine of machines) {
    const difference = (a[machine] ?? 0) - (b[machine] ?? 0);
    if (difference < 0) aMisses = true;
    if (difference > 0) bMisses = true;
  }
  if (aMisses) return bMisses ? 'concurrent' : 'before';
  return bMisses ? 'after' : 'equal';
}

/** True when `a` includes a write that `b` does not: `a` is after `b`, or concurrent. */
export function includesMore(a: VersionVector, b: VersionVector): boolean {
  return Object.entries(a).some(([machine, n]) => n > (b[machine] ?? 0));
}

/** The versions of one memory that no known version replaces, with the version vector of the store that holds them. */
export interface SiblingSet {
  readonly siblings: readonly Version[];
  readonly clock: VersionVector;
}

/**
 * Merge of one memory's siblings. Keeps a version that both sides have. Keeps a version that only one side has when
 * the other side's version vector does not cover it; otherwise the other side knew that version and replaced it.
 * Commutative, associative and idempotent (dotted version vectors; Preguiça et al. 2010, Almeida et al. 2014).
 * Callers never pass an id that one side lacks: an absent id is not a removal.
 * @returns siblings sorted by dot
 */
export function mergeSiblings(a: SiblingSet, b: SiblingSet): Version[] {
  const kept = a.siblings.filter(
    (version) => b.siblings.some((other) => sameDot(version.dot, other.dot)) || !covers(b.clock, version.dot),
  );
  const added = b.siblings.filter(
    (version) =>
      !covers(a.clock, version.dot) && !a.siblings.some((other) => sameDot(version.dot, other.dot)),
  );
  return [...kept.map((version) => preferStripped(version, b.siblings)), ...added].sort(byDot);
}

/** When one side has already stripped the version with this dot, takes the stripped form, so that both sides end equal. */
function preferStripped(version: Version, others: readonly Version[]): Version {
  const other = others.find((candidate) => sameDot(candidate.dot, version.dot));
  return other?.state === 'stripped' ? other : version;
}

function byDot(a: Version, b: Version): number {
  return compareText(a.dot.machine, b.dot.machine) || a.dot.n - b.dot.n;
}

/** Orders by code units, which gives the same order on every machine; `localeCompare` does not. */
export function compareText(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

/**
 * The sibling that every machine shows: live before purged before deleted and stripped; then the later `updatedAt`;
 * then the greater machine id; then the greater `n`.
 * @throws RangeError on an empty list
 */
export function currentVersion(siblings: readonly Version[]): Version {
  const [first, ...rest] = siblings;
  if (first === undefined) throw new RangeError('a memory has at least one version');
  return rest.reduce((best, version) => (showsBefore(version, best) ? version : best), first);
}

const STATE_ORDER: Readonly<Record<VersionState, number>> = { live: 0, purged: 1, deleted: 2, stripped: 2 };

function showsBefore(a: Version, b: Version): boolean {
  const byState = STATE_ORDER[a.state] - STATE_ORDER[b.state];
  if (byState !== 0) return byState < 0;
  if (a.updatedAt !== b.updatedAt) return a.updatedAt > b.updatedAt;
  return byDot(a, b) > 0;
}

/** True when the siblings differ in their visible content, so that a user must choose. */
export function isConflict(siblings: readonly Version[]): boolean {
  return siblings.length > 1 && new Set(siblings.map(visibleContent)).size > 1;
}

function visibleContent(version: Version): string {
  const gone = version.state !== 'live';
  return gone ? 'gone' : canonicalJson([version.text, version.tags, version.source, version.metadata]);
}

/** JSON with sorted keys and no white space, so that equal values give equal text on every machine. */
export function canonicalJson(value: unknown): string {
  if (value === null || typeof value !== 'object') return JSON.stringify(value);
  if (Array.isArray(value)) return `[${value.map(canonicalJson).join(',')}]`;
  const members = value as Readonly<Record<string, unknown>>;
  // A loop, because every write and every check of the store makes many of these texts.
  let text = '';
  for (const name of Object.keys(members).sort(compareText)) {
    const member = members[name];
    if (member !== undefined)
      text += `${text === '' ? '' : ','}${JSON.stringify(name)}:${canonicalJson(member)}`;
  }
  return `{${text}}`;
}

/** One memory on both sides of a merge. `V` may have more fields than `Version`. */
export interface MergeSides<V extends Version> {
  /** Empty when this store does not know the id. */
  readonly local: readonly V[];
  readonly localClock: VersionVector;
  /** Never empty: an id that the other side lacks is not merged, because an absent id is not a removal. */
  readonly remote: readonly V[];
  readonly remoteClock: VersionVector;
}

export interface MergedMemory<V extends Version> {
  /** The versions that stay, sorted by dot. */
  readonly siblings: readonly V[];
  /**
   * Versions that lost their dot to another write with the same dot. The store writes each of them as a further
   * sibling under a new dot, so that no write is lost. Empty unless two machines wrote under one machine id.
   */
  readonly homeless: readonly V[];
}

/**
 * Merge of one memory. Keeps a version that both sides have. Keeps a version that only one side has when the other
 * side's version vector does not cover it; otherwise the other side knew that version and replaced it.
 * Commutative, associative and idempotent (dotted version vectors; Preguiça et al. 2010, Almeida et al. 2014).
 *
 * No write is lost even when two machines wrote under one machine id:
 * - When one dot has two contents, every machine keeps the same one of them, and the other becomes homeless.
 * - When no version would stay, which only reused dots can cause, the local versions stay and the remote ones
 *   become homeless.
 * - An id that only the remote side has is taken, even when the local version vector covers its dots.
 */
export function mergeMemory<V extends Version>(sides: MergeSides<V>): MergedMemory<V> {
  const { local, localClock, remote, remoteClock } = sides;
  if (local.length === 0) return { siblings: [...remote].sort(byDot), homeless: [] };
  const homeless: V[] = [];
  const kept = local.flatMap((version) => {
    const twin = remote.find((other) => sameDot(other.dot, version.dot));
    if (twin === undefined) return covers(remoteClock, version.dot) ? [] : [version];
    const [winner, loser] = chooseTwin(version, twin);
    if (loser !== null) homeless.push(loser);
    return [winner];
  });
  const added = remote.filter(
    ({ dot }) => !covers(localClock, dot) && !local.some((version) => sameDot(version.dot, dot)),
  );
  const siblings = [...kept, ...added].sort(byDot);
  if (siblings.length === 0) return { siblings: local, homeless: withoutKnown(remote, local) };
  return { siblings, homeless: withoutKnown(homeless, siblings) };
}

/** The stripped form wins over content; of two different contents, every machine chooses the same one. */
function chooseTwin<V extends Version>(a: V, b: V): [winner: V, loser: V | null] {
  const order = strippedFirst(a, b) || compareText(writtenText(a), writtenText(b));
  if (order === 0) return [a, null];
  const [winner, loser] = order < 0 ? [a, b] : [b, a];
  return [winner, isStrippedFormOf(winner, loser) ? null : loser];
}

function strippedFirst(a: Version, b: Version): number {
  return Number(b.state === 'stripped') - Number(a.state === 'stripped');
}

/** Stripping changes deleted versions only and keeps their times; any other content under the dot is another write. */
function isStrippedFormOf(stripped: Version, other: Version): boolean {
  if (stripped.state !== 'stripped') return false;
  if (other.state === 'stripped') return true;
  const sameTimes = other.createdAt === stripped.createdAt && other.updatedAt === stripped.updatedAt;
  return other.state === 'deleted' && sameTimes;
}

function withoutKnown<V extends Version>(versions: readonly V[], known: readonly V[]): V[] {
  const contents = new Set(known.map(writtenText));
  return versions.filter((version) => !contents.has(writtenText(version)));
}

/** State and content in one text, to compare them by. */
function writtenText(version: Version): string {
  return canonicalJson({ state: version.state, ...contentOf(version) });
}
