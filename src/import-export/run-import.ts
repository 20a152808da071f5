import { InvalidInputError, SecretRejectedError } from '../errors/input-errors.ts';
import type { ImportConflict, ImportOutcome } from '../memory/import.ts';
import type { MemoryDraft } from '../memory/memory.ts';
import type {
  ImportFormat,
  ImportItem,
  ImportSource,
  Place,
  ReadOptions,
  TranscriptCursor,
} from './formats/import-format.ts';
import {
  ImportCounter,
  type ImportProblem,
  type ImportProgress,
  type ImportSummary,
} from './import-report.ts';
import type { CapturedTurns, Conversation, Turn } from './transcripts/conversation.ts';
import { LEFT_OUT, RepeatedTexts } from './transcripts/junk.ts';

export interface ImportRequest {
  readonly source: ImportSource;
  readonly format: ImportFormat;
  /** `MemoryImporter.importBatch`, with the options of this import and these. */
  readonly importBatch: (
    drafts: readonly MemoryDraft[],
    options: { readonly joinSameText: boolean },
  ) => Promise<readonly ImportOutcome[]>;
  /**
   * Stores turns of one conversation; `capture` of the memory service, with the options of this import. Absent = the
   * format has no conversations.
   */
  readonly capture?: (turns: TurnBatch) => Promise<CapturedTurns>;
  /** Where the reader of a transcript goes on; it keeps this up to date. */
  readonly cursor?: TranscriptCursor | undefined;
  /** Finds texts that many conversations repeat; shared by the files of one import. */
  readonly repeated?: RepeatedTexts | undefined;
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

/** Turns of one conversation, in their order. */
export interface TurnBatch {
  readonly conversation: Conversation;
  readonly turns: readonly Turn[];
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
type TurnItem = Extract<ImportItem, { kind: 'turn' }>;

class ImportRun {
  readonly #counter: ImportCounter;
  readonly #request: ImportRequest;
  readonly #options: ReadOptions;
  readonly #repeated: RepeatedTexts;
  #pending: MemoryItem[] = [];
  #turns: TurnItem[] = [];
  #pendingBytes = 0;

  constructor(request: ImportRequest) {
    this.#request = request;
    this.#counter = new ImportCounter(request.format.name);
    this.#repeated = request.repeated ?? new RepeatedTexts();
    this.#options = {
      textLimit: request.textLimit ?? Infinity,
      maxEntryBytes: request.maxEntryBytes ?? DEFAULT_MAX_ENTRY_BYTES,
      position: this.#counter,
      cursor: request.cursor,
    };
  }

  async all(): Promise<ImportSummary> {
    const { source, format, signal } = this.#request;
    for await (const item of format.read(source, this.#options)) {
      if (signal?.aborted === true) return this.#counter.summary(false);
      await this.#take(item);
    }
    await this.#flush();
    await this.#flushTurns();
    return this.#counter.summary(true);
  }

  async #take(item: ImportItem): Promise<void> {
    if (item.kind === 'memory') await this.#queue(item);
    else if (item.kind === 'turn') await this.#queueTurn(item);
    else if (item.kind === 'omitted') this.#counter.omit(item.reason);
    else if (item.kind === 'noted') this.#counter.note(item.note);
    else if (item.kind === 'warning') this.#counter.warn(item.warning);
    else if (item.kind === 'rest') await this.#request.onReject?.(item.raw);
    else await this.#reject(item);
  }

  async #queue(item: MemoryItem): Promise<void> {
    const [waiting] = this.#pending;
    if (waiting !== undefined && waiting.joinsSameText !== item.joinsSameText) await this.#flush();
    this.#counter.countFields(item);
    this.#pending.push(item);
    this.#pendingBytes += item.raw?.length ?? item.draft.text.length;
    const size = this.#request.batchSize ?? DEFAULT_BATCH_SIZE;
    if (this.#pending.length >= size || this.#pendingBytes >= MAX_BATCH_BYTES) await this.#flush();
  }

  async #queueTurn(item: TurnItem): Promise<void> {
    const { client, session } = item.conversation;
    if (this.#repeated.isRepeated(item.turn.text, `${client} ${session}`)) {
      this.#counter.omit(LEFT_OUT.repeated);
      return;
    }
    const [waiting] = this.#turns;
    const isOther =
      waiting !== undefined &&
      (waiting.conversation.client !== client || waiting.conversation.session !== session);
    const size = this.#request.batchSize ?? DEFAULT_BATCH_SIZE;
    if (isOther || this.#turns.length >= size) await this.#flushTurns();
    this.#turns.push(item);
  }

  async #flushTurns(): Promise<void> {
    const items = this.#turns;
    this.#turns = [];
    const [first] = items;
    if (first === undefined) return;
    const { conversation } = first;
    const { capture } = this.#request;
    if (capture === undefined)
      throw new RangeError(`a turn of ${conversation.client}, and nothing that stores it`);
    try {
      const captured = await capture({ conversation, turns: items.map(({ turn }) => turn) });
      this.#counter.countTurns(conversation, captured);
    } catch (error) {
      if (!(error instanceof InvalidInputError || error instanceof SecretRejectedError)) throw error;
      // It names one turn, or the conversation; the other turns are none the worse.
      if (items.length === 1) await this.#reject({ kind: 'rejected', at: first.at, problem: error.message });
      else await this.#captureEach(items);
    }
    this.#request.onProgress?.(this.#counter.progress());
  }

  async #captureEach(items: readonly TurnItem[]): Promise<void> {
    for (const item of items) {
      this.#turns = [item];
      await this.#flushTurns();
    }
  }

  async #flush(): Promise<void> {
    const batch = this.#pending;
    this.#pending = [];
    this.#pendingBytes = 0;
    const joinsSameText = batch[0]?.joinsSameText ?? this.#request.format.joinsSameText;
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
