/** Names one write for ever: the `n`-th write of a machine. */
export interface Dot {
  readonly machine: string;
  readonly n: number;
}

/** Version vector: for each machine the highest `n` whose effect is included. */
export type Clock = Readonly<Record<string, number>>;

/** Writes of one machine: far above what any makes in its life, far below the numbers that JavaScript counts exactly. */
export const MAX_COUNTER = 2 ** 48;

export type JsonValue = string | number | boolean | null | JsonValue[] | { [key: string]: JsonValue };
export type Metadata = Readonly<Record<string, JsonValue>>;

/** What a user sees of a memory. Times are milliseconds since the epoch, UTC. */
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

/**
 * live: searchable. deleted: in the trash, content kept. stripped: a deleted version whose content is gone.
 * purged: erased on the user's demand; every machine that learns of it strips its content.
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

/** True when the effect of the write is included in the clock. */
export function covers(clock: Clock, dot: Dot): boolean {
  return (clock[dot.machine] ?? 0) >= dot.n;
}

/** Component-wise maximum. */
export function joinClocks(a: Clock, b: Clock): Clock {
  const joined: Record<string, number> = { ...a };
  for (const [machine, n] of Object.entries(b)) joined[machine] = Math.max(joined[machine] ?? 0, n);
  return joined;
}

export type ClockOrder = 'equal' | 'before' | 'after' | 'concurrent';

/** Compares what two stores include: `before` = every write of `a` is in `b`, and `b` has more. */
export function compareClocks(a: Clock, b: Clock): ClockOrder {
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

/** The versions of one memory that no known version replaces, with the clock of the store that holds them. */
export interface SiblingSet {
  readonly siblings: readonly Version[];
  readonly clock: Clock;
}

/**
 * Merge of one memory's siblings: keeps a version that both have, and a version that one side has and the
 * other's clock does not cover; drops the rest, because the other side knew it and replaced it.
 * Commutative, associative and idempotent (dotted version vectors; Preguiça et al. 2010, Almeida et al. 2014).
 * An id that one side lacks altogether must not be passed here: absence is never a removal.
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

/** The same dot can be stripped on one side already; stripping wins, so that both sides end equal. */
function preferStripped(version: Version, others: readonly Version[]): Version {
  const other = others.find((candidate) => sameDot(candidate.dot, version.dot));
  return other?.state === 'stripped' ? other : version;
}

function byDot(a: Version, b: Version): number {
  return compareText(a.dot.machine, b.dot.machine) || a.dot.n - b.dot.n;
}

/** Code-unit order, the same on every machine (localeCompare is not). */
export function compareText(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

/**
 * The sibling that every machine shows: live before purged before deleted, then the later `updatedAt`, then the machine, then `n`.
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

/** True when the siblings differ in what a user sees: a conflict worth showing. */
export function isConflict(siblings: readonly Version[]): boolean {
  return new Set(siblings.map(visibleContent)).size > 1;
}

function visibleContent(version: Version): string {
  const gone = version.state !== 'live';
  return gone ? 'gone' : canonicalJson([version.text, version.tags, version.source, version.metadata]);
}

/** JSON with sorted keys and no white space: equal values give equal text on every machine. */
export function canonicalJson(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(canonicalJson).join(',')}]`;
  if (value === null || typeof value !== 'object') return JSON.stringify(value);
  const entries = Object.entries(value)
    .filter(([, member]) => member !== undefined)
    .sort(([a], [b]) => compareText(a, b));
  return `{${entries.map(([key, member]) => `${JSON.stringify(key)}:${canonicalJson(member)}`).join(',')}}`;
}
