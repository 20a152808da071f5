import { createHash } from 'node:crypto';
import { InvalidInputError, NotFoundError, StateChangedError } from '../errors/input-errors.ts';
import type { MemoryStore } from '../store/memory-store.ts';
import type { MemoryFilter } from './filter.ts';
import type { DeleteResult } from './memory-api.ts';
import { canonicalJson } from './version.ts';

const EXAMPLES = 10;

/** Moves memories to the trash: by id at once, by filter only what a dry run has shown. */
export class MemoryDeleter {
  readonly #store: MemoryStore;

  constructor(store: MemoryStore) {
    this.#store = store;
  }

  /** @throws NotFoundError when an id is unknown; nothing is deleted then */
  async byIds(ids: readonly string[], dryRun: boolean): Promise<DeleteResult> {
    const memories = await this.#store.getCurrent(ids);
    const known = new Set(memories.map((memory) => memory.id));
    const unknown = ids.filter((id) => !known.has(id));
    if (unknown.length > 0) throw new NotFoundError(unknown);
    const live = memories.filter((memory) => memory.state === 'live');
    const count = dryRun ? live.length : await this.#store.delete(ids);
    return { dryRun, count, examples: live.slice(0, EXAMPLES) };
  }

  /**
   * @param confirm token of the dry run; it names the matches, so it fits only as long as the filter
   * finds the same; an age such as `7d` may be given again. Undefined = dry run
   */
  async byFilter(filter: MemoryFilter, confirm: string | undefined): Promise<DeleteResult> {
    if (Object.keys(filter).length === 0) {
      throw new InvalidInputError('filter', 'is empty', 'give at least one condition, or ids');
    }
    const ids = await this.#store.matching(filter);
    const token = confirmToken(ids);
    const examples = await this.#store.getCurrent(ids.slice(0, EXAMPLES));
    if (confirm === undefined) return { dryRun: true, count: ids.length, examples, confirm: token };
    if (confirm !== token) throw new StateChangedError();
    return { dryRun: false, count: await this.#store.delete(ids), examples };
  }
}

function confirmToken(ids: readonly string[]): string {
  return createHash('sha256').update(canonicalJson(ids)).digest('hex').slice(0, 16);
}
