import { FaissMemoryError } from './faiss-memory-error.ts';

/** No memory has one of these ids. */
export class NotFoundError extends FaissMemoryError {
  readonly ids: readonly string[];

  constructor(ids: readonly string[]) {
    super('NOT_FOUND', `No memory has the id ${ids.map((id) => JSON.stringify(id)).join(', ')}`, {
      fix: 'Use an id from a search or a list.',
    });
    this.ids = ids;
  }
}
