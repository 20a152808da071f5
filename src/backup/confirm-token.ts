import { createHash } from 'node:crypto';

/** What a confirmation is about. */
export interface ConfirmedFacts {
  readonly mode: 'replace' | 'merge';
  readonly snapshotIds: readonly string[];
  /** Of the local store at the dry run. */
  readonly stateDigest: string;
}

const LENGTH = 16;

/**
 * The token that a dry run gives. It fits only the same snapshots on the same local state, so it is worth nothing
 * any more once something was changed; no process needs to remember it.
 */
export function confirmToken({ mode, snapshotIds, stateDigest }: ConfirmedFacts): string {
  const facts = JSON.stringify(['faiss-memory confirm', mode, snapshotIds, stateDigest]);
  return createHash('sha256').update(facts).digest('hex').slice(0, LENGTH);
}
