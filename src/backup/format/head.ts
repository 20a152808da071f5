import { canonicalJson, type VersionVector } from '../../memory/version.ts';
import { decodeFacts, type SnapshotFacts } from './manifest.ts';
import {
  FORMAT_VERSION,
  isSnapshotId,
  isSnapshotKind,
  MAX_PAST_COMMITS,
  MAX_RETIRED,
  MAX_SNAPSHOTS,
  MAX_WITNESSES,
  type SnapshotKind,
} from './names.ts';
import type { ObjectChecker } from './object-checker.ts';

const FORMAT = 'faiss-memory-head';
const COMMIT_ID = /^[0-9a-f]{16}$/;
const COUNT = { min: 0, max: Number.MAX_SAFE_INTEGER };

/** A head's entry for one snapshot: enough to show the snapshot and to decide whether to read it. */
export interface HeadSnapshot {
  readonly snapshotId: string;
  readonly kind: SnapshotKind;
  /** Milliseconds since the epoch, by the machine's own clock. */
  readonly createdAt: number;
  readonly clock: VersionVector;
  readonly facts: SnapshotFacts;
  /** Stored bytes of the manifest and all its segments, including segments that other snapshots share. */
  readonly totalBytes: number;
  /** Retention never drops it. */
  readonly pinned: boolean;
  /** SHA-256 of the stored manifest. */
  readonly manifestHash: string;
}

/** The list of a machine's snapshots, and the only object of its folder that changes. Snapshots not in it do not exist. */
export interface Head extends Commit {
  readonly machine: string;
  /** Newest first. `rememberCommit` thins the list out. */
  readonly pastCommits: readonly Commit[];
  /** Complete, verified snapshots in the order of their publication; the last one is the newest. */
  readonly snapshots: readonly HeadSnapshot[];
  /** Null in heads of older programs, which do not record the heads that they have seen. */
  readonly witnesses: readonly Witness[] | null;
  /** Ids that the data folder gave up and whose backups it removed: they are not missing. */
  readonly retired: readonly string[];
}

/** Some commits of another machine's head, as they were seen. They tell a copied or rolled-back folder from its origin. */
export interface Witness {
  readonly machine: string;
  /** Newest first: the commit of a head, and some of the past commits that it named. */
  readonly commits: readonly Commit[];
}

/** Canonical JSON. */
export function encodeHead({ witnesses, retired, ...head }: Head): Buffer {
  const pastCommits = encodeCommits(head.pastCommits);
  const seen = (witnesses ?? []).map(({ machine, commits }) => [machine, encodeCommits(commits)]);
  const others = {
    ...(witnesses === null ? {} : { witnesses: seen }),
    ...(retired.length === 0 ? {} : { retired }),
  };
  return Buffer.from(
    canonicalJson({ format: FORMAT, version: FORMAT_VERSION, ...head, ...others, pastCommits }),
    'utf8',
  );
}

export function encodeCommits(commits: readonly Commit[]): [number, string, number][] {
  return commits.map(({ seq, commitId, ownWrites }) => [seq, commitId, ownWrites]);
}

/** @throws RepositoryDamagedError, RepositoryTooNewError */
export function decodeHead(json: Buffer, machine: string, checker: ObjectChecker): Head {
  const fields = checker.object(checker.parse(json), '');
  checker.header(fields, FORMAT);
  if (fields['machine'] !== machine) checker.fail('machine', 'is not the machine of its folder');
  const snapshots = checker
    .list(fields['snapshots'], 'snapshots', MAX_SNAPSHOTS)
    .map((entry) => decodeSnapshot(checker.object(entry, 'snapshots'), checker));
  if (new Set(snapshots.map(({ snapshotId }) => snapshotId)).size < snapshots.length) {
    checker.fail('snapshots', 'names a snapshot twice');
  }
  const pastCommits = decodeCommits(fields['pastCommits'], 'pastCommits', checker);
  const commit = decodeCommit([fields['seq'], fields['commitId'], fields['ownWrites']], checker);
  const witnesses = decodeWitnesses(fields['witnesses'], checker);
  const retired = checker
    .list(fields['retired'] ?? [], 'retired', MAX_RETIRED)
    .map((id) => checker.machine(id, 'retired'));
  return { machine, ...commit, pastCommits, snapshots, witnesses, retired };
}

function decodeCommits(value: unknown, path: string, checker: ObjectChecker): Commit[] {
  return checker
    .list(value, path, MAX_PAST_COMMITS)
    .map((entry) => decodeCommit(checker.list(entry, path, 3), checker));
}

/** @returns null when there are none, as in heads of older programs */
function decodeWitnesses(value: unknown, checker: ObjectChecker): Witness[] | null {
  if (value === undefined) return null;
  return checker.list(value, 'witnesses', MAX_WITNESSES).map((entry) => {
    const [machine, commits] = checker.list(entry, 'witnesses', 2);
    return {
      machine: checker.machine(machine, 'witnesses'),
      commits: decodeCommits(commits, 'witnesses', checker),
    };
  });
}

function decodeCommit([seq, commitId, ownWrites]: readonly unknown[], checker: ObjectChecker): Commit {
  const id = checker.text(commitId, 'commitId');
  if (!COMMIT_ID.test(id)) checker.fail('commitId', 'is not 16 hex digits');
  return {
    seq: checker.integer(seq, 'seq', { min: 1, max: Number.MAX_SAFE_INTEGER - 1 }),
    commitId: id,
    ownWrites: checker.integer(ownWrites, 'ownWrites', COUNT),
  };
}

function decodeSnapshot(fields: Readonly<Record<string, unknown>>, checker: ObjectChecker): HeadSnapshot {
  const { snapshotId, kind } = fields;
  if (typeof snapshotId !== 'string' || !isSnapshotId(snapshotId)) {
    return checker.fail('snapshots.snapshotId', 'is not a snapshot id');
  }
  if (!isSnapshotKind(kind)) return checker.fail('snapshots.kind', 'is not a kind of snapshot');
  return {
    snapshotId,
    kind,
    createdAt: checker.time(fields['createdAt'], 'snapshots.createdAt'),
    clock: checker.clock(fields['clock'], 'snapshots.clock'),
    facts: decodeFacts(fields['facts'], checker),
    totalBytes: checker.integer(fields['totalBytes'], 'snapshots.totalBytes', COUNT),
    pinned: checker.boolean(fields['pinned'], 'snapshots.pinned'),
    manifestHash: checker.sha256(fields['manifestHash'], 'snapshots.manifestHash'),
  };
}

/** One write of a head. */
export interface Commit {
  /** Number of this write, counted from 1. */
  readonly seq: number;
  /** 64 random bits as hex, to tell apart two writers with the same `seq`. */
  readonly commitId: string;
  /** The machine's own write counter in the newest snapshot. All its writes up to this number are published. */
  readonly ownWrites: number;
}

/** The newest commit of a head that this data folder has seen in a repository. */
export type SeenCommit = Pick<Commit, 'seq' | 'commitId'>;

/** Number of the newest commits that are remembered without gaps. */
const DENSE = 32;

/**
 * Past commits of the next head, newest first. Older commits are kept more sparsely: of the commits between
 * 32·2^k and 64·2^k writes ago every 2^(k+1)-th stays, so the list grows with the logarithm of its age. A gap
 * is safe: a machine that finds only an older common commit writes some published versions once more.
 * @param latest the commit that is about to be replaced
 */
export function rememberCommit(latest: Commit, past: readonly Commit[]): Commit[] {
  return [latest, ...past].filter(({ seq }) => isRemembered(seq, latest.seq));
}

function isRemembered(seq: number, latest: number): boolean {
  const age = latest - seq;
  if (age < DENSE) return true;
  const stride = 2 ** (Math.floor(Math.log2(age / DENSE)) + 1);
  return seq % stride === 0;
}

/**
 * False when a head cannot come after some commits of its machine that were seen before: it does not name the newest
 * of them that it must still remember. Then another copy of the data folder made those commits, or the folder was
 * rolled back to before them.
 * @param seen newest first
 */
export function continues(
  head: Pick<Head, 'seq' | 'commitId' | 'pastCommits'>,
  seen: readonly Commit[],
): boolean {
  const past = [head, ...head.pastCommits];
  // A head remembers its predecessors by the number of the newest one, which is one less than its own.
  const expected = seen.find(
    ({ seq }) => seq === head.seq || (seq < head.seq && isRemembered(seq, head.seq - 1)),
  );
  return expected === undefined || past.some(({ commitId }) => commitId === expected.commitId);
}

/**
 * True when a head is older than one seen before, or missing: someone restored an older copy or deleted the head.
 * @param head null when the machine has no head
 * @param seen null when no head of the machine was seen before
 */
export function wentBack(head: SeenCommit | null, seen: SeenCommit | null): boolean {
  if (seen === null) return false;
  if (head === null || head.seq < seen.seq) return true;
  return head.seq === seen.seq && head.commitId !== seen.commitId;
}
