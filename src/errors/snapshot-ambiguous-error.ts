import { FaissMemoryError } from './faiss-memory-error.ts';

/** Several snapshots have this name. */
export class SnapshotAmbiguousError extends FaissMemoryError {
  readonly query: string;
  /** Each names exactly one of the snapshots that were meant. */
  readonly candidates: readonly string[];

  constructor(query: string, candidates: readonly string[]) {
    super(
      'SNAPSHOT_AMBIGUOUS',
      `The snapshot name ${JSON.stringify(query.slice(0, 200))} fits ${candidates.length} snapshots: ${candidates.join(', ')}`,
      { fix: 'Use one of these instead.' },
    );
    this.query = query;
    this.candidates = candidates;
  }
}
