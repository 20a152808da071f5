import { InvalidInputError } from '../../errors/input-errors.ts';
import { type Archive, type ArchiveEntry, countUp } from '../archive.ts';
import { type Head, headOfArchive, peekText } from '../head.ts';
import {
  type ArchiveSource,
  type ImportFormat,
  type ImportItem,
  onlyArchive,
  placed,
  type ReadOptions,
  readMember,
} from './import-format.ts';
import { isMarkdown, markdown } from './markdown.ts';

const NAME = 'folder';

/** Files that name their own format; other files of a folder of notes are no memories. */
const SPEAKING =
  /\.(jsonl|zip|vscdb)$|(^|\/)(rollout|session)-[^/]*\.json$|(^|\/)conversations(?:[-_]?\d+)?\.json$/i;
const LOOKED_AT = /\.(jsonl?|zip)$/i;

/**
 * A folder or zip whose files have formats of their own: transcripts of several clients, data exports, exports of this
 * program and of other memory tools, and notes. Each file is recognized by its content. Lists and lines of any objects
 * with a text are read only when they are named, because such files are found in every folder of a program.
 */
export function mixedFolder(formats: readonly ImportFormat[]): ImportFormat {
  return {
    name: NAME,
    title: 'a folder or zip of transcripts and of other files that are listed here',
    recognizes: ({ kind, paths }) => kind === 'archive' && paths.some((path) => SPEAKING.test(path)),
    joinsSameText: true,
    read: (source, options) => readFiles(onlyArchive(source, NAME), { formats, options }),
  };
}

interface Reading {
  readonly formats: readonly ImportFormat[];
  readonly options: ReadOptions;
}

async function* readFiles({ archive, name }: ArchiveSource, reading: Reading): AsyncGenerator<ImportItem> {
  const notes = archive.entries.filter(({ path }) => isMarkdown(path));
  if (notes.length > 0) {
    const only = { ...archive, entries: notes, passedOver: new Map<string, number>() };
    const source: ArchiveSource = { kind: 'archive', name, archive: only };
    for await (const item of markdown.read(source, reading.options)) yield joining(item, true);
  }
  const others = new Map(archive.passedOver);
  for (const entry of archive.entries) {
    if (isMarkdown(entry.path)) continue;
    if (LOOKED_AT.test(entry.path)) yield* readMember(entry, () => readFile(archive, entry, reading));
    else countUp(others, 'a file of no known format');
  }
  for (const [reason, count] of others) {
    for (let number = 0; number < count; number += 1) yield { kind: 'omitted', reason };
  }
}

async function* readFile(
  archive: Archive,
  entry: ArchiveEntry,
  reading: Reading,
): AsyncGenerator<ImportItem> {
  const name = entry.path.slice(entry.path.lastIndexOf('/') + 1);
  if (/\.zip$/i.test(name)) {
    yield* readZip(archive, entry, { ...reading, name });
    return;
  }
  const { head, bytes, end } = await peekText({ name, bytes: archive.read(entry) });
  try {
    const format = reading.formats.find((candidate) => candidate.recognizes(head) && speaks(candidate, head));
    if (format === undefined) {
      yield { kind: 'omitted', reason: 'a file of no known format' };
      return;
    }
    for await (const item of format.read({ kind: 'text', name, bytes }, reading.options)) {
      yield joining(placed(item, entry.path), format.joinsSameText);
    }
  } finally {
    await end();
  }
}

/** False for formats that any file of a program may look like. */
function speaks({ name }: ImportFormat, { line }: Head): boolean {
  if (name === 'json-lines') return line?.['format'] === 'faiss-memory-export';
  return name !== 'json-list' && name !== 'mem0' && name !== 'python-service' && name !== NAME;
}

async function* readZip(
  archive: Archive,
  entry: ArchiveEntry,
  { formats, options, name }: Reading & { readonly name: string },
): AsyncGenerator<ImportItem> {
  const inner = await archive.openZip?.(entry);
  if (inner === undefined)
    throw new InvalidInputError('zip', 'is inside a zip', 'allowed is the inner zip by itself');
  try {
    const head = headOfArchive(
      name,
      inner.entries.map(({ path }) => path),
    );
    const format = formats.find((candidate) => candidate.recognizes(head));
    if (format === undefined) {
      yield { kind: 'omitted', reason: 'a zip of no known format' };
      return;
    }
    for await (const item of format.read({ kind: 'archive', name, archive: inner }, options)) {
      yield joining(placed(item, entry.path), format.joinsSameText);
    }
  } finally {
    await inner.close();
  }
}

function joining(item: ImportItem, joinsSameText: boolean): ImportItem {
  return item.kind === 'memory' ? { joinsSameText, ...item } : item;
}
