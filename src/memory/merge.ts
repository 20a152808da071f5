import { canonicalJson, compareText, covers, sameDot, type Clock, type Version } from './version.ts';

/** One memory on both sides of a merge; the versions may carry more than `Version` says. */
export interface MergeSides<V extends Version> {
  /** Empty when this store does not know the id. */
  readonly local: readonly V[];
  readonly localClock: Clock;
  /** Never empty: an id that the other side lacks is not merged, since absence is never a removal. */
  readonly remote: readonly V[];
  readonly remoteClock: Clock;
}

export interface MergedMemory<V extends Version> {
  /** What stays, under the dots that both sides know; sorted by dot. */
  readonly siblings: readonly V[];
  /**
   * Contents that lost their name because two writes had the same dot. The store writes each of them as a further
   * sibling under a new dot of its own, so that neither write is lost. Empty unless an identity was used twice.
   */
  readonly homeless: readonly V[];
}

/**
 * Merge of one memory: keeps a version that both sides have, and a version that one side has and the other's
 * clock does not cover; drops the rest, because the other side knew it and replaced it. Commutative, associative
 * and idempotent (dotted version vectors; Preguiça et al. 2010, Almeida et al. 2014).
 *
 * Loses nothing even when two machines wrote under one identity:
 * - the same dot with two contents: every machine keeps the same one of them, the other becomes homeless;
 * - a result without any version, which only reused dots can cause: the local versions stay, the remote ones
 *   become homeless;
 * - an id that only the remote side has is taken, also when the local clock covers it.
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

/** Stripping wins over content; of two different contents the same one wins on every machine. */
function chooseTwin<V extends Version>(a: V, b: V): [winner: V, loser: V | null] {
  const order = strippedFirst(a, b) || compareText(contentOf(a), contentOf(b));
  if (order === 0) return [a, null];
  const [winner, loser] = order < 0 ? [a, b] : [b, a];
  return [winner, isStrippedFormOf(winner, loser) ? null : loser];
}

function strippedFirst(a: Version, b: Version): number {
  return Number(b.state === 'stripped') - Number(a.state === 'stripped');
}

/** Only the trash is stripped, and the times stay; another content under the same dot is another write. */
function isStrippedFormOf(stripped: Version, other: Version): boolean {
  if (stripped.state !== 'stripped') return false;
  if (other.state === 'stripped') return true;
  const sameTimes = other.createdAt === stripped.createdAt && other.updatedAt === stripped.updatedAt;
  return other.state === 'deleted' && sameTimes;
}

function withoutKnown<V extends Version>(versions: readonly V[], known: readonly V[]): V[] {
  const contents = new Set(known.map(contentOf));
  return versions.filter((version) => !contents.has(contentOf(version)));
}

function contentOf({ state, text, tags, source, metadata, createdAt, updatedAt }: Version): string {
  return canonicalJson({ state, text, tags, source, metadata, createdAt, updatedAt });
}

function byDot(a: Version, b: Version): number {
  return compareText(a.dot.machine, b.dot.machine) || a.dot.n - b.dot.n;
}
