import { canonicalJson, compareText, type JsonValue } from '../../memory/version.ts';
import { type Commit, continues, encodeCommits, type Head, type Witness } from '../format/head.ts';
import type { RepositoryContext } from './repository-context.ts';

/**
 * A copied or rolled-back data folder reveals itself by a commit that it never made. When its own head cannot be seen,
 * only the machines that saw such a commit before know of it. So every head names the commits of other machines that
 * its writer has seen, and those that the heads which it read name. A machine that finds a foreign commit under its own
 * id in any head takes a new identity, as if it had found it in its own head.
 */

/** A machine's timeline as it was seen. */
export interface Timeline {
  readonly machine: string;
  /** Newest first. */
  readonly commits: readonly Commit[];
}

/** Timelines of one machine that do not continue each other. More than two need several copies of one folder. */
const MAX_TIMELINES = 3;
const MAX_MACHINES = 300;

type NotedContext = Pick<RepositoryContext, 'journal' | 'repositoryId' | 'machine'>;

/** All timelines that this data folder knows of, without its own. */
export async function knownTimelines({ journal, repositoryId }: NotedContext): Promise<Timeline[]> {
  const note = await journal.readNote(noteName(repositoryId));
  return Array.isArray(note) ? note.flatMap(decodeTimeline) : [];
}

/** The timelines for the next head, each with a few commits only: enough to find one that is shared. */
export async function readWitnesses(context: NotedContext): Promise<Witness[]> {
  const known = await knownTimelines(context);
  return known
    .filter(({ machine }) => machine !== context.machine)
    .map(({ machine, commits }) => ({ machine, commits: commits.filter((_, index) => isPowerOfTwo(index)) }));
}

/** Adds the writes that some heads show and name to the known timelines. @returns all of them */
export async function noteTimelines(context: NotedContext, heads: readonly Head[]): Promise<Timeline[]> {
  const known = await knownTimelines(context);
  const others = fewHeads(
    heads.filter(({ machine }) => machine !== context.machine),
    known,
  );
  const named = others.flatMap(({ witnesses }) => witnesses ?? []);
  const joined = others.reduce(addHead, named.reduce(addNamed, known));
  const kept = limited(joined);
  if (canonicalJson(kept) !== canonicalJson(known)) {
    const value = kept.map(({ machine, commits }): JsonValue[] => [machine, encodeCommits(commits)]);
    await context.journal.writeNote(noteName(context.repositoryId), value);
  }
  return kept;
}

/** A bucket can be full of made-up folders: of very many heads, those of known machines count first. */
function fewHeads(heads: readonly Head[], known: readonly Timeline[]): readonly Head[] {
  if (heads.length <= MAX_MACHINES) return heads;
  const seen = new Set(known.map(({ machine }) => machine));
  const [old, others] = [true, false].map((is) => heads.filter(({ machine }) => seen.has(machine) === is));
  return [...(old ?? []), ...(others ?? [])].slice(0, MAX_MACHINES);
}

/** A timeline that another machine names is new when no known one shows that it was continued. */
function addNamed(known: readonly Timeline[], named: Witness): Timeline[] {
  const [newest, ...pastCommits] = named.commits;
  if (newest === undefined) return [...known];
  const isKnown = known.some(({ machine, commits }) => {
    const [latest, ...past] = commits;
    if (machine !== named.machine || latest === undefined) return false;
    const isLater = latest.seq >= newest.seq && continues({ ...latest, pastCommits: past }, named.commits);
    return isLater || commits.some(({ commitId }) => commitId === newest.commitId);
  });
  if (isKnown) return [...known];
  const older = known.filter(
    ({ machine, commits: [latest] }) =>
      machine !== named.machine || !pastCommits.some(({ commitId }) => commitId === latest?.commitId),
  );
  return [...older, { machine: named.machine, commits: named.commits }];
}

/** A head replaces the timelines of its machine that it continues. */
function addHead(known: readonly Timeline[], head: Head): Timeline[] {
  const { machine, seq, commitId, ownWrites, pastCommits } = head;
  if (known.some((other) => other.machine === machine && other.commits.some((c) => c.commitId === commitId)))
    return [...known];
  const others = known.filter(
    (other) =>
      other.machine !== machine || (other.commits[0]?.seq ?? 0) > seq || !continues(head, other.commits),
  );
  return [...others, { machine, commits: [{ seq, commitId, ownWrites }, ...pastCommits] }];
}

function limited(timelines: readonly Timeline[]): Timeline[] {
  const machines = [...new Set(timelines.map(({ machine }) => machine))]
    .slice(-MAX_MACHINES)
    .sort(compareText);
  return machines.flatMap((machine) =>
    timelines.filter((timeline) => timeline.machine === machine).slice(0, MAX_TIMELINES),
  );
}

/**
 * The highest number of an own write that every foreign timeline under the own id shares with this data folder; null
 * when no head shows that another copy of the data folder published.
 */
export async function sharedWithCopies(
  { journal, repositoryId, machine }: NotedContext,
  heads: readonly Head[],
): Promise<number | null> {
  const named = heads
    .flatMap(({ witnesses }) => witnesses ?? [])
    .filter((witness) => witness.machine === machine);
  let shared: number | null = null;
  for (const { commits } of named) {
    const [newest, ...past] = commits;
    if (newest === undefined || (await journal.findAttempt(repositoryId, newest.commitId)) !== null) continue;
    shared = Math.min(shared ?? Infinity, await newestShared({ journal, repositoryId }, past));
  }
  return shared;
}

/**
 * The own write counter at the newest commit that this data folder made too; 0 without one.
 * @param commits newest first
 */
export async function newestShared(
  { journal, repositoryId }: Pick<NotedContext, 'journal' | 'repositoryId'>,
  commits: readonly Commit[],
): Promise<number> {
  for (const { commitId } of commits) {
    const attempt = await journal.findAttempt(repositoryId, commitId);
    if (attempt !== null) return attempt.ownWrites;
  }
  return 0;
}

/** True when a head shows that its data folder was rolled back to before a commit that was seen, or copied before it. */
export function isReplaced(head: Head, known: readonly Timeline[]): boolean {
  return known.some(({ machine, commits }) => machine === head.machine && !continues(head, commits));
}

function noteName(repositoryId: string): string {
  return `timelines:${repositoryId}`;
}

function isPowerOfTwo(index: number): boolean {
  return (index & (index - 1)) === 0;
}

function decodeTimeline(entry: JsonValue): Timeline[] {
  if (!Array.isArray(entry)) return [];
  const [machine, commits] = entry;
  if (typeof machine !== 'string' || !Array.isArray(commits)) return [];
  return [{ machine, commits: commits.flatMap(notedCommit) }];
}

/** Reads a commit from a note; empty when it is malformed. */
export function notedCommit(entry: JsonValue): Commit[] {
  if (!Array.isArray(entry)) return [];
  const [seq, commitId, ownWrites] = entry;
  if (typeof seq !== 'number' || typeof commitId !== 'string' || typeof ownWrites !== 'number') return [];
  return [{ seq, commitId, ownWrites }];
}
