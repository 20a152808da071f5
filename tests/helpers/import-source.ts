import { recognizeFormat } from '../../src/import-export/formats/all-formats.ts';
import type { ImportSource } from '../../src/import-export/formats/import-format.ts';
import type { ImportProblem, ImportSummary } from '../../src/import-export/import-report.ts';
import { openSource } from '../../src/import-export/open-source.ts';
import { type ImportRequest, runImport } from '../../src/import-export/run-import.ts';
import type { Conversation, Turn } from '../../src/import-export/transcripts/conversation.ts';
import { InMemoryImporter } from './in-memory-importer.ts';

interface Setup extends Pick<Partial<ImportRequest>, 'textLimit' | 'maxEntryBytes' | 'cursor' | 'repeated'> {
  readonly importer?: InMemoryImporter;
  readonly format?: string;
  readonly overwrite?: boolean;
}

export interface ImportedSource {
  readonly summary: ImportSummary;
  readonly problems: readonly ImportProblem[];
  readonly rejects: string;
  readonly importer: InMemoryImporter;
  /** What is stored, oldest first as the source has it. */
  readonly texts: readonly string[];
  /** Turns of conversations, in the order of their capture. */
  readonly turns: readonly (Conversation & Turn)[];
}

/** Imports a text as a stream of small chunks, or the file or folder at a path, by its content. */
export async function importSource(
  from: { readonly text: string; readonly name?: string } | { readonly path: string },
  setup: Setup = {},
): Promise<ImportedSource> {
  if ('text' in from) {
    const bytes = inChunks(Buffer.from(from.text), 11);
    return importOpened({ kind: 'text', name: from.name ?? '', bytes }, setup);
  }
  const opened = await openSource(from.path);
  try {
    return await importOpened(opened.source, setup);
  } finally {
    await opened.close();
  }
}

async function importOpened(source: ImportSource, setup: Setup): Promise<ImportedSource> {
  const {
    importer = new InMemoryImporter({ textLimit: setup.textLimit ?? 1_000 }),
    format,
    overwrite,
    ...limits
  } = setup;
  const problems: ImportProblem[] = [];
  const turns: (Conversation & Turn)[] = [];
  let rejects = '';
  const summary = await runImport({
    ...limits,
    ...(await recognizeFormat(source, format)),
    importBatch: (drafts) =>
      importer.importBatch(drafts, { onConflict: overwrite === true ? 'overwrite' : 'keep' }),
    capture: ({ conversation, turns: captured }) => {
      const counts = { added: 0, updated: 0, known: 0, left: {} };
      for (const turn of captured) {
        turns.push({ ...conversation, ...turn });
        const key = `${conversation.client} ${conversation.session} ${turn.position}`;
        const before = importer.turns.get(key);
        counts[before === undefined ? 'added' : before === turn.text ? 'known' : 'updated'] += 1;
        importer.turns.set(key, turn.text);
      }
      return Promise.resolve(counts);
    },
    onProblem: (problem) => problems.push(problem),
    onReject: (bytes) => {
      rejects += Buffer.from(bytes).toString('utf8');
    },
  });
  return {
    summary,
    problems,
    rejects,
    importer,
    turns,
    texts: [...importer.memories.values()].map(({ text }) => text),
  };
}

async function* inChunks(bytes: Uint8Array, size: number): AsyncGenerator<Uint8Array> {
  for (let start = 0; start < bytes.length; start += size) {
    await Promise.resolve();
    yield bytes.subarray(start, start + size);
  }
}
