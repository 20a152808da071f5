import { InvalidInputError } from '../../errors/input-errors.ts';
import type { MemoryDraft } from '../../memory/memory.ts';
import type { Archive, ArchiveEntry } from '../archive.ts';
import { type Head, peekText } from '../head.ts';
import type { Conversation, Turn } from '../transcripts/conversation.ts';

/** Where an entry is: a line of a file, or a place in words, for example `entry 3` or the path of a note. */
export type Place = { readonly line: number } | { readonly place: string };

/** The result of a reader. It yields one item for each entry, in the order of the source. */
export type ImportItem =
  | {
      readonly kind: 'memory';
      readonly at: Place;
      readonly draft: MemoryDraft;
      /** Names of fields that were moved into the metadata. */
      readonly moved?: readonly string[];
      /** Names of fields that are not imported. */
      readonly ignored?: readonly string[];
      /** The entry as it is in the source, for the file of rejects. */
      readonly raw?: Uint8Array;
      /** Instead of the format's `joinsSameText`, in a source of several formats. */
      readonly joinsSameText?: boolean;
    }
  /** A turn of a conversation; those of one conversation come one after the other. */
  | {
      readonly kind: 'turn';
      readonly at: Place;
      readonly conversation: Conversation;
      readonly turn: Turn;
    }
  /** The entry cannot be imported; `problem` is a sentence that never quotes the text of a memory. */
  | { readonly kind: 'rejected'; readonly at: Place; readonly problem: string; readonly raw?: Uint8Array }
  /** A further piece of the rejected entry. */
  | { readonly kind: 'rest'; readonly raw: Uint8Array }
  /** Junk by a written rule; `reason` names it, for example `an empty note`. */
  | { readonly kind: 'omitted'; readonly reason: string }
  /** Something about an entry that is worth counting, although the entry is taken or of no use. */
  | { readonly kind: 'noted'; readonly note: string }
  /** A sentence about the source as a whole. */
  | { readonly kind: 'warning'; readonly warning: string };

/** A file or a body that is read once, from its beginning. */
export interface TextSource {
  readonly kind: 'text';
  /** Name of the file; empty when it has none. */
  readonly name: string;
  readonly bytes: AsyncIterable<Uint8Array>;
}

/** A folder or a zip. */
export interface ArchiveSource {
  readonly kind: 'archive';
  /** Name of the folder or the zip, without the folders around it. */
  readonly name: string;
  readonly archive: Archive;
}

export type ImportSource = TextSource | ArchiveSource;

/** How far a transcript that only grows was read, so that the next reading goes on there. */
export interface TranscriptCursor {
  /** Bytes and lines before this place; a line without its end is behind it. */
  offset: number;
  lines: number;
  /** The last time of a turn, in milliseconds since the epoch. */
  time?: number;
  /** The facts about the conversation at the beginning of the file. */
  session?: string;
  folder?: string;
  repository?: string;
  subagent?: boolean;
  /** True when the beginning was read. */
  described?: boolean;
}

export interface ReadOptions {
  /** Longest text of a memory, in UTF-16 code units. */
  readonly textLimit: number;
  /** A longer line or entry is rejected without being held in memory. */
  readonly maxEntryBytes: number;
  /** How far the reader is, which it keeps up to date. */
  readonly position: { lines: number; bytes: number };
  /** For one transcript that is read from this place, which the reader keeps up to date. */
  readonly cursor?: TranscriptCursor | undefined;
}

/**
 * A format of memories. A file of this folder is one format, and the list in `all-formats.ts` names them.
 *
 * - A reader streams: it holds one entry of a source of any size, and yields batches nowhere.
 * - A bad entry is an item, never an exception, and the reader goes on behind it. An `InvalidInputError` is for a source
 *   that cannot be read at all.
 * - An entry has the id that `namedUuid` makes of the names that identify it in the source, so that importing a changed
 *   source again finds it. A UUID of the source is kept. Without either, the entry has no id.
 * - Times, tags and other fields are kept, the latter in the metadata under the source's own names.
 */
export interface ImportFormat {
  /** The value of `--format`. */
  readonly name: string;
  /** For messages and help, for example `a Claude export (zip or folder)`. */
  readonly title: string;
  /** True when this beginning is one of this format. The first format in the list that says so reads the source. */
  readonly recognizes: (head: Head) => boolean;
  /** True when entries join memories with the same text under another id; false when an id is an identity of its own. */
  readonly joinsSameText: boolean;
  /** True for transcripts that only grow: their reader goes on at a cursor. */
  readonly grows?: boolean;
  readonly read: (source: ImportSource, options: ReadOptions) => AsyncIterable<ImportItem>;
}

/** @throws InvalidInputError for an archive: `--format` named a format of files */
export function onlyText(source: ImportSource, format: string): TextSource {
  if (source.kind === 'text') return source;
  throw new InvalidInputError(
    'format',
    `is ${format}, which is a file`,
    'allowed is a file, no folder and no zip',
  );
}

/** @throws InvalidInputError for a file or stream: `--format` named a format of folders and zips */
export function onlyArchive(source: ImportSource, format: string): ArchiveSource {
  if (source.kind === 'archive') return source;
  throw new InvalidInputError(
    'format',
    `is ${format}, which is a folder or a zip`,
    'allowed is the path of one',
  );
}

/**
 * Looks at the beginning of a text that has two forms, without losing it.
 * @param isInLines tells the form with an entry in each line by the beginning
 */
export async function startOf(
  source: TextSource,
  isInLines: (head: Head) => boolean,
): Promise<{ readonly bytes: AsyncIterable<Uint8Array>; readonly isLines: boolean }> {
  const { head, bytes } = await peekText(source);
  return { bytes, isLines: isInLines(head) };
}

/** Reads a file of an archive. A damaged one is an item, so that the others are taken. */
export async function* readMember(
  file: ArchiveEntry,
  read: () => AsyncIterable<ImportItem>,
): AsyncGenerator<ImportItem> {
  try {
    yield* read();
  } catch (error) {
    if (!(error instanceof InvalidInputError || isFileError(error))) throw error;
    yield { kind: 'rejected', at: { place: file.path }, problem: error.message };
  }
}

/** True for an error of the file system about one file: no permission, gone, or a link now. */
function isFileError(error: unknown): error is Error {
  return error instanceof Error && 'code' in error && 'syscall' in error;
}

/** The item of a file of an archive, with the path of the file in its place. */
export function placed(item: ImportItem, path: string): ImportItem {
  if (!('at' in item))
    return item.kind === 'warning' ? { ...item, warning: `${path}: ${item.warning}` } : item;
  const inFile = 'line' in item.at ? `line ${item.at.line}` : item.at.place;
  return { ...item, at: { place: `${path} ${inFile}` } };
}
