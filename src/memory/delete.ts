import { InvalidInputError, NotFoundError, StateChangedError } from '../errors/input-errors.ts';
import type { MemoryStore } from '../store/memory-store.ts';
import { confirmationToken } from './confirmation.ts';
import type { MemoryFilter } from './filter.ts';
import type { DeleteRequest, DeleteResult, FilterInput } from './memory-api.ts';
import { checkString } from './input.ts';

/** Of one call. */
export const MAX_IDS = 100;

/** @throws InvalidInputError */
export function checkIds(ids: readonly string[]): readonly string[] {
  if (ids.length === 0 || ids.length > MAX_IDS) {
    throw new InvalidInputError('ids', `has ${ids.length} entries`, `allowed are 1 to ${MAX_IDS}`);
  }
  return ids.map((id, index) => checkString(`ids[${index}]`, id).trim());
}

const EXAMPLES = 10;

/** Moves memories to the trash: by id at once, by filter only after a dry run has shown the same matches. */
export class MemoryDeleter {
  readonly #store: MemoryStore;

  constructor(store: MemoryStore) {
    this.#store = store;
  }

  /** @param parse reads a filter in the form that users write. @throws InvalidInputError */
  async run(
    request: DeleteRequest,
    parse: (filter: FilterInput | undefined) => MemoryFilter,
  ): Promise<DeleteResult> {
    const { ids, filter, dryRun, confirm } = request;
    if ((ids === undefined) === (filter === undefined)) {
      throw new InvalidInputError(
        'ids',
        ids === undefined ? 'and filter are both missing' : 'and filter are both given',
        'give one of them',
      );
    }
    if (ids !== undefined) return this.#byIds(checkIds(ids), dryRun ?? false);
    if (dryRun !== true && confirm === undefined) {
      throw new InvalidInputError(
        'confirm',
        'is missing',
        'make a dry run with this filter first and pass its token',
      );
    }
    return this.#byFilter(parse(filter), dryRun === true ? undefined : confirm);
  }

  /** @throws NotFoundError when an id is unknown; nothing is deleted then */
  async #byIds(ids: readonly string[], dryRun: boolean): Promise<DeleteResult> {
    const memories = await this.#store.getCurrent(ids);
    const known = new Set(memories.map((memory) => memory.id));
    const unknown = ids.filter((id) => !known.has(id));
    if (unknown.length > 0) throw new NotFoundError(unknown);
    const live = memories.filter((memory) => memory.state === 'live');
    const count = dryRun ? live.length : await this.#store.delete(ids);
    return { dryRun, count, examples: live.slice(0, EXAMPLES) };
  }

  /**
   * @param confirm token of the dry run, a hash of the matching ids; undefined = dry run. A filter with an age such
   * as `7d` may be repeated as it is
   * @throws StateChangedError when the filter matches other memories than in the dry run
   */
  async #byFilter(filter: MemoryFilter, confirm: string | undefined): Promise<DeleteResult> {
    if (Object.keys(filter).length === 0) {
      throw new InvalidInputError('filter', 'is empty', 'give at least one condition, or ids');
    }
    const ids = await this.#store.matching(filter);
    const token = confirmationToken(ids);
    const examples = await this.#store.getCurrent(ids.slice(0, EXAMPLES));
    if (confirm === undefined) return { dryRun: true, count: ids.length, examples, confirm: token };
    if (confirm !== token) throw new StateChangedError();
    return { dryRun: false, count: await this.#store.delete(ids), examples };
  }
}
