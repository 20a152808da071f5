import { createReadStream } from 'node:fs';
import { basename } from 'node:path';
import { InvalidInputError } from '../../errors/input-errors.ts';
import { recognizeFormat } from '../formats/all-formats.ts';
import type { ImportFormat, ImportSource, TranscriptCursor } from '../formats/import-format.ts';
import type { ImportSummary } from '../import-report.ts';
import { type ImportRequest, runImport } from '../run-import.ts';
import { TRANSCRIPT_CLIENTS, type TranscriptFile } from './find-transcripts.ts';
import { headOf, type ReadingNote, type ReadingNotes } from './reading-notes.ts';

export interface ReadTranscriptOptions extends Pick<ImportRequest, 'onProblem' | 'signal' | 'maxEntryBytes'> {
  readonly notes: ReadingNotes;
  readonly capture: NonNullable<ImportRequest['capture']>;
  /** False for a look that stores nothing, so that nothing counts as read. */
  readonly isStored: boolean;
  /** Reads a file that was read before from its beginning. */
  readonly again?: boolean;
}

/**
 * Reads the new part of a transcript, and notes how far it was read when its turns are stored.
 * @returns undefined for a file that has not changed, and for one that is no transcript
 * @throws the error of the file system; the errors of `capture`
 */
export async function readTranscript(
  file: TranscriptFile,
  options: ReadTranscriptOptions,
): Promise<ImportSummary | undefined> {
  const { notes, isStored, again = false, signal } = options;
  const note = again ? undefined : notes.get(file.path);
  if (note?.bytes === file.bytes && note.modified === file.modified) return undefined;
  const begun = await begin(file, note);
  if (begun === undefined) return undefined;
  const { source, format, cursor } = begun;
  const summary = await runImport({
    source,
    format,
    cursor,
    capture: options.capture,
    repeated: isStored ? notes.repeated : undefined,
    onProblem: options.onProblem,
    signal,
    maxEntryBytes: options.maxEntryBytes,
    importBatch: () => Promise.resolve([]),
  });
  if (isStored && summary.completed) {
    const { bytes, modified } = file;
    notes.set(file.path, { ...begun.head, bytes, modified, format: format.name, cursor });
  }
  return summary;
}

interface Begun {
  readonly source: ImportSource;
  readonly format: ImportFormat;
  readonly cursor: TranscriptCursor;
  readonly head: Pick<ReadingNote, 'head' | 'headBytes'>;
}

/** Opens a file at the place where it was left, or at its beginning when it is not the same file. */
async function begin(file: TranscriptFile, note: ReadingNote | undefined): Promise<Begun | undefined> {
  const isSame =
    note !== undefined &&
    file.bytes >= note.cursor.offset &&
    (await headOf(file.path, note.headBytes)).head === note.head;
  const head = isSame ? note : await headOf(file.path);
  const cursor: TranscriptCursor = isSame
    ? { ...note.cursor }
    : {
        offset: 0,
        lines: 0,
        time: Math.round(file.modified),
        ...(file.folder === undefined ? {} : { folder: file.folder }),
      };
  const source: ImportSource = {
    kind: 'text',
    name: basename(file.path),
    bytes: createReadStream(file.path, { start: cursor.offset }) as AsyncIterable<Uint8Array>,
  };
  try {
    const recognized = await recognizeFormat(source, isSame ? note.format : undefined);
    const isTranscript = TRANSCRIPT_CLIENTS.some((client) => client === recognized.format.name);
    return isTranscript ? { ...recognized, cursor, head } : undefined;
  } catch (error) {
    if (error instanceof InvalidInputError) return undefined;
    throw error;
  }
}
