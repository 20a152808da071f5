import { InvalidInputError } from '../../src/errors/input-errors.ts';
import type { ImportBatchOptions, ImportOutcome, MemoryImporter } from '../../src/memory/import.ts';
import { checkText } from '../../src/memory/input.ts';
import type { Memory, MemoryDraft } from '../../src/memory/memory.ts';
import { canonicalJson } from '../../src/memory/version.ts';

/** The contract of `MemoryImporter` over a map, without secrets and history. Records the size of each batch. */
export class InMemoryImporter implements MemoryImporter {
  readonly memories = new Map<string, Memory>();
  readonly deleted = new Set<string>();
  /** Texts of turns of conversations by client, session and position. */
  readonly turns = new Map<string, string>();
  readonly batchSizes: number[] = [];
  readonly #textLimit: number;

  constructor(options: { textLimit?: number } = {}) {
    this.#textLimit = options.textLimit ?? 1_000;
  }

  importBatch(drafts: readonly MemoryDraft[], options: ImportBatchOptions = {}): Promise<ImportOutcome[]> {
    this.batchSizes.push(drafts.length);
    return Promise.resolve(drafts.map((draft) => this.#importOne(draft, options.onConflict === 'overwrite')));
  }

  #importOne(draft: MemoryDraft, overwrite: boolean): ImportOutcome {
    try {
      checkText('text', draft.text, this.#textLimit);
    } catch (error) {
      if (!(error instanceof InvalidInputError)) throw error;
      return { outcome: 'rejected', field: 'text', problem: error.message };
    }
    const there = draft.id === undefined ? this.#withText(draft.text) : this.memories.get(draft.id);
    if (there === undefined) return this.#write('added', draft);
    const isDeleted = this.deleted.has(there.id);
    if (draft.id === undefined || (!isDeleted && sameContent(there, draft)))
      return { outcome: 'existing', id: there.id, gained: [] };
    if (overwrite) return this.#write('updated', draft);
    return { outcome: 'conflict', id: there.id, reason: isDeleted ? 'deleted' : 'different' };
  }

  #withText(text: string): Memory | undefined {
    return [...this.memories.values()].find((memory) => memory.text === text);
  }

  #write(outcome: 'added' | 'updated', draft: MemoryDraft): ImportOutcome {
    const id = draft.id ?? `00000000-0000-7000-8000-${String(this.memories.size).padStart(12, '0')}`;
    this.memories.set(id, memoryOf(id, draft));
    this.deleted.delete(id);
    return { outcome, id, masked: [] };
  }
}

/** A live memory with this content, as stores return it. */
export function memoryOf(id: string, draft: MemoryDraft): Memory {
  const createdAt = draft.createdAt ?? 1_700_000_000_000;
  return {
    id,
    text: draft.text,
    tags: draft.tags,
    source: draft.source,
    metadata: draft.metadata,
    createdAt,
    updatedAt: draft.updatedAt ?? createdAt,
    state: 'live',
    dot: { machine: 'm', n: 1 },
    versionCount: 1,
    conflict: false,
  };
}

function sameContent(a: MemoryDraft, b: MemoryDraft): boolean {
  const content = ({ text, tags, source, metadata }: MemoryDraft): string =>
    canonicalJson([text, tags, source, metadata]);
  return content(a) === content(b);
}
