import { InvalidInputError, SecretRejectedError } from '../errors/input-errors.ts';
import type { ImportedDraft, MemoryStore } from '../store/memory-store.ts';
import type { CheckedInput, InputChecker } from './input.ts';
import type { MemoryDraft } from './memory.ts';

export interface ImportBatchOptions {
  /** What happens to a draft whose id is there with other content; default `keep`. */
  readonly onConflict?: 'keep' | 'overwrite' | undefined;
}

/** What became of one imported draft. */
export type ImportOutcome =
  /** added: a new memory. updated: a new version of the one with this id; the older version stays in its history. */
  | { readonly outcome: 'added' | 'updated'; readonly id: string; readonly masked: readonly string[] }
  /** The memory is there already; `gained` is what it took over from the draft, for example `tags`; mostly nothing. */
  | { readonly outcome: 'existing'; readonly id: string; readonly gained: readonly string[] }
  /** Nothing was written: the memory with this id is another one, in the trash, or erased for good. */
  | { readonly outcome: 'conflict'; readonly id: string; readonly reason: ImportConflict }
  /** Nothing was written: the draft is not allowed. `field` is relative to the draft, for example `tags[3]`. */
  | { readonly outcome: 'rejected'; readonly field: string; readonly problem: string };

export type ImportConflict = 'different' | 'deleted' | 'purged';

/**
 * Takes memories from a file, with the ids and times they had. Implemented by the memory service.
 *
 * - One outcome per draft, in order. A draft that is not allowed is `rejected` and stops nothing; all others are
 *   one transaction, durable when the promise resolves. An error means that nothing of the batch was written.
 * - Validation, limits and the setting for secrets are those of `add`, before anything is compared: a secret is
 *   masked first, so that importing the same file again finds the masked memory.
 * - With an id, the id alone decides. Unknown: `added` under this id. Live with the same text, tags, source and
 *   metadata: `existing`, whatever its times. Live with other content: `conflict`, reason `different`.
 *   In the trash: `conflict`, reason `deleted`. With `overwrite` both become a new version with this content.
 *   Erased for good: always `conflict`, reason `purged`; what was erased comes back only as a new memory.
 * - Without an id, the text decides: `existing` when a live memory, or an earlier draft of the same batch, has
 *   exactly this text and no other project, source or value of a metadata member; it takes over the tags and
 *   metadata that it lacks. Else `added` with a new id.
 * - `createdAt` defaults to the time of the import, `updatedAt` to `createdAt`. Both are stored as given, and for
 *   `updated` too.
 */
export interface MemoryImporter {
  /** 1 to 1,000 drafts. */
  importBatch(drafts: readonly MemoryDraft[], options?: ImportBatchOptions): Promise<ImportOutcome[]>;
}

const MAX_DRAFTS = 1_000;

type Rejection = Extract<ImportOutcome, { outcome: 'rejected' }>;

/** Checks each draft by itself, so that a bad one stops nothing, and stores the good ones in one transaction. */
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
    good.length === 0 ? [] : await store.import(values, { overwrite: options.onConflict === 'overwrite' });
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
    if (error instanceof InvalidInputError)
      return { outcome: 'rejected', field: error.field, problem: error.message };
    if (error instanceof SecretRejectedError)
      return { outcome: 'rejected', field: 'text', problem: error.message };
    throw error;
  }
}

function withMasked(outcome: ImportedDraft, masked: readonly string[]): ImportOutcome {
  if (outcome.outcome === 'conflict' || outcome.outcome === 'existing') return outcome;
  return { id: outcome.id, outcome: outcome.outcome, masked };
}
