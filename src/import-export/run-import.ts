import type { ImportConflict, ImportOutcome } from '../memory/import.ts';
import type { MemoryDraft } from '../memory/memory.ts';
import type { ImportFormat, ImportItem, ImportSource, Place, ReadOptions } from './formats/import-format.ts';
import {
  ImportCounter,
  type ImportProblem,
  type ImportProgress,
  type ImportSummary,
} from './import-report.ts';

export interface ImportRequest {
  readonly source: ImportSource;
  readonly format: ImportFormat;
  /** `MemoryImporter.importBatch`, with the options of this import and these. */
  readonly importBatch: (
    drafts: readonly MemoryDraft[],
    options: { readonly joinSameText: boolean },
  ) => Promise<readonly ImportOutcome[]>;
  /** Called after each batch. */
  readonly onProgress?: ((progress: ImportProgress) => void) | undefined;
  readonly onProblem?: ((problem: ImportProblem) => void) | undefined;
  /**
   * Receives every entry that was not imported as a line, so that a user can correct the lines and import them. A line
   * that is too long comes in pieces. Lines come when their batch is finished, so their order differs slightly from
   * that of the source. Notes do not come, because they are files of their own.
   */
  readonly onReject?: ((bytes: Uint8Array) => void | Promise<void>) | undefined;
  /** Ends the import before the next entry. Imported memories stay. */
  readonly signal?: AbortSignal | undefined;
  /** Longest text of a memory, in UTF-16 code units. @default Infinity */
  readonly textLimit?: number | undefined;
  /** Maximum number of memories in a batch. @default 200 */
  readonly batchSize?: number | undefined;
  /** Maximum bytes of an entry. A longer one is rejected without being held in memory. @default 16777216 */
  readonly maxEntryBytes?: number | undefined;
}

const DEFAULT_BATCH_SIZE = 200;
const DEFAULT_MAX_ENTRY_BYTES = 16 * 1024 * 1024;
const MAX_BATCH_BYTES = 4 * 1024 * 1024;

const CONFLICTS: Readonly<Record<ImportConflict, string>> = {
  different: 'the memory with this id has other content in this store, which was kept',
  deleted: 'the memory with this id is in the trash of this store',
  purged: 'the memory with this id was erased for good in this store',
};

/**
 * Imports the memories of a source. docs/import-export.md describes the formats.
 *
 * Holds one batch in memory. An entry that cannot be imported is reported, and the import continues. Importing a source
 * again, also after an interruption, adds no memory twice, because `importBatch` recognises existing ones.
 * @throws InvalidInputError when the source cannot be read at all
 * @throws the errors of `importBatch`; earlier batches stay imported
 */
export function runImport(request: ImportRequest): Promise<ImportSummary> {
  return new ImportRun(request).all();
}

type MemoryItem = Extract<ImportItem, { kind: 'memory' }>;

class ImportRun {
  readonly #counter: ImportCounter;
  readonly #request: ImportRequest;
  readonly #options: ReadOptions;
  #pending: MemoryItem[] = [];
  #pendingBytes = 0;

  constructor(request: ImportRequest) {
    this.#request = request;
    this.#counter = new ImportCounter(request.format.name);
    this.#options = {
      textLimit: request.textLimit ?? Infinity,
      maxEntryBytes: request.maxEntryBytes ?? DEFAULT_MAX_ENTRY_BYTES,
      position: this.#counter,
    };
  }

  async all(): Promise<ImportSummary> {
    const { source, format, signal } = this.#request;
    for await (const item of format.read(source, this.#options)) {
      if (signal?.aborted === true) return this.#counter.summary(false);
      await this.#take(item);
    }
    await this.#flush();
    return this.#counter.summary(true);
  }

  async #take(item: ImportItem): Promise<void> {
    if (item.kind === 'memory') await this.#queue(item);
    else if (item.kind === 'omitted') this.#counter.omit(item.reason);
    else if (item.kind === 'warning') this.#counter.warn(item.warning);
    else if (item.kind === 'rest') await this.#request.onReject?.(item.raw);
    else await this.#reject(item);
  }

  async #queue(item: MemoryItem): Promise<void> {
    this.#counter.countFields(item);
    this.#pending.push(item);
    this.#pendingBytes += item.raw?.length ?? item.draft.text.length;
    const size = this.#request.batchSize ?? DEFAULT_BATCH_SIZE;
    if (this.#pending.length >= size || this.#pendingBytes >= MAX_BATCH_BYTES) await this.#flush();
  }

  async #flush(): Promise<void> {
    const batch = this.#pending;
    this.#pending = [];
    this.#pendingBytes = 0;
    const { joinsSameText } = this.#request.format;
    const drafts = batch.map(({ draft }) => draft);
    const outcomes =
      batch.length === 0 ? [] : await this.#request.importBatch(drafts, { joinSameText: joinsSameText });
    for (const [index, item] of batch.entries()) {
      const outcome = outcomes[index];
      if (outcome === undefined)
        throw new RangeError(`${outcomes.length} outcomes for ${batch.length} drafts`);
      await this.#settle(item, outcome);
    }
    this.#request.onProgress?.(this.#counter.progress());
  }

  async #settle({ at, draft, raw }: MemoryItem, outcome: ImportOutcome): Promise<void> {
    this.#counter.count(outcome);
    if (outcome.outcome !== 'conflict' && outcome.outcome !== 'rejected') return;
    const problem =
      outcome.outcome === 'conflict' ? CONFLICTS[outcome.reason] : `${outcome.field} ${outcome.problem}`;
    this.#report({ at, id: draft.id, kind: outcome.outcome, problem });
    if (raw !== undefined) await this.#request.onReject?.(raw);
  }

  async #reject({ at, problem, raw }: Extract<ImportItem, { kind: 'rejected' }>): Promise<void> {
    this.#counter.reject();
    this.#report({ at, id: undefined, kind: 'rejected', problem });
    if (raw !== undefined) await this.#request.onReject?.(raw);
  }

  #report({
    at,
    id,
    kind,
    problem,
  }: Pick<ImportProblem, 'kind' | 'problem'> & {
    readonly at: Place;
    readonly id: string | undefined;
  }): void {
    this.#request.onProblem?.({ ...at, ...(id === undefined ? {} : { id }), kind, problem });
  }
}
