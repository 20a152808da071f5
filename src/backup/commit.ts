/** One writing of a head. */
export interface Commit {
  /** Counts the writings of this head, from 1. */
  readonly seq: number;
  /** 64 random bits as hex: two writers with the same seq are told apart. */
  readonly commitId: string;
  /** The machine's own write counter in the newest snapshot: what was published up to here. */
  readonly ownWrites: number;
}

/** What a machine knows about a head from earlier: the newest commit it saw at that place. */
export type SeenCommit = Pick<Commit, 'seq' | 'commitId'>;

/** This many of the newest commits are remembered without gaps. */
const DENSE = 32;

/**
 * Past commits of the next head, newest first. The older a commit, the rarer its neighbours: of those between
 * 32·2^k and 64·2^k writings ago every 2^(k+1)-th stays, so the list grows with the logarithm of its age. A gap
 * costs no safety: who finds an older common commit writes a few versions again that were published already.
 * @param latest the commit that is about to be replaced
 */
export function rememberCommit(latest: Commit, past: readonly Commit[]): Commit[] {
  return [latest, ...past].filter(({ seq }) => {
    const age = latest.seq - seq;
    if (age < DENSE) return true;
    const stride = 2 ** (Math.floor(Math.log2(age / DENSE)) + 1);
    return seq % stride === 0;
  });
}

/**
 * True when a head shows less than what was seen before: someone put an older copy back, or removed it.
 * @param head null when there is none
 */
export function wentBack(head: SeenCommit | null, seen: SeenCommit | null): boolean {
  if (seen === null) return false;
  if (head === null || head.seq < seen.seq) return true;
  return head.seq === seen.seq && head.commitId !== seen.commitId;
}
