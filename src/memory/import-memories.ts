import { InvalidInputError, SecretRejectedError } from '../errors/input-errors.ts';
import type { ImportedDraft, MemoryStore } from '../store/memory-store.ts';
import type { ImportBatchOptions, ImportOutcome } from './import-batch.ts';
import type { CheckedInput, InputChecker } from './input-checker.ts';
import type { MemoryDraft } from './memory.ts';

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
