import { visibleJson } from '../util/visible-text.ts';
import { FaissMemoryError } from './faiss-memory-error.ts';

/** There is no such person, space, token or invitation, or the caller may not know of it. Nothing was changed. */
export class NoSuchError extends FaissMemoryError {
  constructor(what: 'person' | 'space' | 'token', id: string) {
    super('NOT_FOUND', `There is no ${what} ${visibleJson(id.slice(0, 100))}, or it is not yours to see`, {
      fix: FINDING[what],
    });
  }
}

const FINDING = {
  person: 'Look at the list of "faiss-memory user list".',
  space: 'GET /spaces lists yours; "faiss-memory space list" lists all of a server.',
  token: 'GET /tokens lists yours; "faiss-memory token list <person>" lists those of a person.',
};

/** The caller is known and may not do this. Nothing was changed. */
export class NotAllowedError extends FaissMemoryError {
  constructor(message: string, fix: string) {
    super('FORBIDDEN', message, { fix });
  }
}

/** A space has as much as it may have. Nothing was stored. */
export class QuotaExceededError extends FaissMemoryError {
  constructor(space: string, what: string) {
    super('QUOTA_EXCEEDED', `The space ${visibleJson(space)} ${what}; this was not stored`, {
      fix: 'Delete what is not needed and empty the trash, or ask the administrator of the server for more.',
    });
  }
}
