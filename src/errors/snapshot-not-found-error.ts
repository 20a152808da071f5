import { FaissMemoryError } from './faiss-memory-error.ts';

/** No complete snapshot has this name or id. */
export class SnapshotNotFoundError extends FaissMemoryError {
  /** What was asked for. */
  readonly query: string;

  /** @param nearest an existing name that was probably meant */
  constructor(query: string, nearest?: string) {
    const shown = JSON.stringify(query.slice(0, 200));
    super('SNAPSHOT_NOT_FOUND', `There is no snapshot ${shown}`, {
      fix:
        nearest === undefined
          ? 'List the snapshots and use a name or an id from that list.'
          : `Did you mean ${nearest}? List the snapshots to see all names.`,
    });
    this.query = query;
  }
}
