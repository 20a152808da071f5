import { InvalidInputError, SecretRejectedError } from '../errors/input-errors.ts';
import type { ImportedDraft, MemoryStore } from '../store/memory-store.ts';
import type { CheckedInput, InputChecker } from './input.ts';
import type { MemoryDraft } from './memory.ts';

export interface ImportBatchOptions {
  /** keep or overwrite a stored memory that has the id of a draft and other content; default `keep`. */
  readonly onConflict?: 'keep' | 'overwrite' | undefined;
  /**
   * A draft with an id that is unknown here joins a memory with its text, as a draft without an id does. For ids that
   * were made from another program's. Default false.
   */
  readonly joinSameText?: boolean | undefined;
  /** Returns the outcomes and writes nothing. Drafts of other calls are not seen. Default false. */
  readonly dryRun?: boolean | undefined;
}

/** The outcome of one imported draft. */
export type ImportOutcome =
  /** added: a new memory. updated: a new version of the memory with this id, whose history keeps the older version. */
  | { readonly outcome: 'added' | 'updated'; readonly id: string; readonly masked: readonly string[] }
  /** The memory is stored already. `gained` names the fields that it took over from the draft, for example `tags`. */
  | { readonly outcome: 'existing'; readonly id: string; readonly gained: readonly string[] }
  /** Nothing was written: the memory with this id has other content, is in the trash, or was erased for good. */
  | { readonly outcome: 'conflict'; readonly id: string; readonly reason: ImportConflict }
  /** Nothing was written: the draft is not allowed. `field` is relative to the draft, for example `tags[3]`. */
  | { readonly outcome: 'rejected'; readonly field: string; readonly problem: string };

export type ImportConflict = 'different' | 'deleted' | 'purged';

/**
 * Stores memories from a file under the ids and times that they have there. The memory service implements it.
 *
 * - Each draft has one outcome, in order. A draft that is not allowed is `rejected` and does not stop the others. All
 *   others are one transaction, durable when the promise resolves. After an error nothing of the batch is stored.
 * - Validation, limits and the handling of secrets are those of `add` and come first: secrets are masked before the
 *   comparison, so importing the same file again finds the masked memory.
 * - With an id, the id alone decides. An unknown id is `added`. A live memory with the same text, tags, source and
 *   metadata is `existing`, even with other times. A live memory with other content is a `conflict` with the reason
 *   `different`; a memory in the trash is one with the reason `deleted`; `overwrite` makes a new version of either.
 *   A memory that was erased for good is always a `conflict` with the reason `purged`.
 * - Without an id, the text decides. The outcome is `existing` when a live memory, or an earlier draft of the batch,
 *   has exactly this text and no other project, source or value of a metadata member; that memory takes over the
 *   tags, source and metadata that it lacks. Else the draft is `added` with a new id.
 * - `createdAt` defaults to the time of the import, `updatedAt` to `createdAt`. Both are stored as given, for
 *   `updated` too.
 */
export interface MemoryImporter {
  /** Takes 1 to 1,000 drafts. @throws InvalidInputError for any other number of drafts */
  importBatch(drafts: readonly MemoryDraft[], options?: ImportBatchOptions): Promise<ImportOutcome[]>;
}

const MAX_DRAFTS = 1_000;

type Rejection = Extract<ImportOutcome, { outcome: 'rejected' }>;

/** Checks each draft separately, and stores the allowed ones in one transaction. */
export async function importMemories(
  { store, checker }: { store: MemoryStore; checker: InputChecker },
  drafts: readonly MemoryDraft[],
  options: ImportBatchOptions,
): Promise<ImportOutcome[]> {
  if (drafts.length === 0 || drafts.length > MAX_DRAFTS) {
    throw new InvalidInputError('drafts', `has ${drafts.length} entries`, `allowed are 1 to ${MAX_DRAFTS}`);
  }
  const checked = drafts.map((draft) => check(checker, draft));
  const good = checked.flatMap((item) => ('value' in item ? [item] : []));
  const values = good.map(({ value }) => value);
  const stored =
    good.length === 0
      ? []
      : await store.import(values, {
          overwrite: options.onConflict === 'overwrite',
          joinSameText: options.joinSameText === true,
          dryRun: options.dryRun === true,
        });
  let next = 0;
  return checked.map((item): ImportOutcome => {
    if (!('value' in item)) return item;
    const outcome = stored[next];
    next += 1;
    if (outcome === undefined) throw new RangeError('the store returned fewer outcomes than drafts');
    return withMasked(outcome, item.masked);
  });
}

function check(checker: InputChecker, draft: MemoryDraft): CheckedInput<MemoryDraft> | Rejection {
  try {
    const { id, createdAt, updatedAt } = draft;
    const { value, masked } = checker.content('', draft);
    return {
      value: {
        ...value,
        ...(id === undefined ? {} : { id }),
        ...(createdAt === undefined ? {} : { createdAt }),
        ...(updatedAt === undefined ? {} : { updatedAt }),
      },
      masked,
    };
  } catch (error) {
    if (!(error instanceof InvalidInputError || error instanceof SecretRejectedError)) throw error;
    return { outcome: 'rejected', field: error.field, problem: error.message };
  }
}

function withMasked(outcome: ImportedDraft, masked: readonly string[]): ImportOutcome {
  if (outcome.outcome === 'conflict' || outcome.outcome === 'existing') return outcome;
  return { id: outcome.id, outcome: outcome.outcome, masked };
}
