import { InvalidInputError } from '../../errors/input-errors.ts';
import { checkTags, MAX_TAG_LENGTH } from '../../memory/input.ts';
import type { MemoryDraft } from '../../memory/memory.ts';
import { decodeUtf8 } from '../../util/text.ts';
import { namedUuid } from '../../util/uuid.ts';
import { type FileTimes } from '../archive.ts';
import { type JsonObject } from '../head.ts';
import { parseImportedTime } from '../parse-memory-line.ts';
import { cutNote, junkReason } from './markdown-notes.ts';
import {
  type ImportFormat,
  type ImportItem,
  type ImportSource,
  readMember,
  type ReadOptions,
} from './import-format.ts';

const NAME = 'markdown';

/**
 * Markdown notes with or without YAML front matter: a folder of basic-memory or Obsidian, a zip of one, or one file.
 * A note is one memory; only a note above the limit of a text is cut. The name of the folder and the path in it identify
 * a note, or the `permalink` of basic-memory, which stays when the note is moved.
 */
export const markdown: ImportFormat = {
  name: NAME,
  title: 'Markdown notes: a folder of basic-memory or Obsidian, its zip, or one file',
  recognizes: ({ kind, paths, name, text, members }) =>
    kind === 'archive'
      ? paths.some(isMarkdown)
      : isMarkdown(name) || (members.size === 0 && FRONT_MATTER.test(text)),
  joinsSameText: true,
  read: readNotes,
};

export function isMarkdown(path: string): boolean {
  return /\.(md|markdown)$/i.test(path);
}

interface Note {
  /** Path in the folder; empty for a stream. */
  readonly path: string;
  /** Name of the folder, which keeps notes of two folders apart. */
  readonly folder: string;
  readonly times: FileTimes;
}

async function* readNotes(source: ImportSource, options: ReadOptions): AsyncGenerator<ImportItem> {
  if (source.kind === 'text') {
    const note = { path: source.name, folder: '', times: {} };
    yield* readNote(note, source.bytes, options);
    return;
  }
  const { archive, name } = source;
  const folder = name.replace(/\.zip$/i, '');
  for (const entry of archive.entries) {
    const { path } = entry;
    if (path.split('/').some((part) => part.startsWith('.'))) continue;
    if (!isMarkdown(path)) {
      yield { kind: 'omitted', reason: 'a file that is no note' };
      continue;
    }
    yield* readMember(entry, async function* () {
      yield* readNote({ path, folder, times: await archive.times(entry) }, archive.read(entry), options);
    });
  }
  for (const [reason, count] of archive.passedOver) {
    for (let number = 0; number < count; number += 1) yield { kind: 'omitted', reason };
  }
}

async function* readNote(
  note: Note,
  bytes: AsyncIterable<Uint8Array>,
  options: ReadOptions,
): AsyncGenerator<ImportItem> {
  const at = { place: note.path === '' ? 'the note' : note.path };
  const chunks: Uint8Array[] = [];
  let length = 0;
  for await (const chunk of bytes) {
    length += chunk.length;
    options.position.bytes += chunk.length;
    if (length > options.maxEntryBytes) {
      yield { kind: 'rejected', at, problem: `note is longer than ${options.maxEntryBytes} bytes` };
      return;
    }
    chunks.push(chunk);
  }
  const text = decodeUtf8(Buffer.concat(chunks));
  if (text === undefined) yield { kind: 'rejected', at, problem: 'note has bytes that are not UTF-8' };
  else yield* await itemsOf(note, text, options);
}

async function itemsOf(note: Note, text: string, { textLimit }: ReadOptions): Promise<ImportItem[]> {
  const at = { place: note.path === '' ? 'the note' : note.path };
  const { matter, body } = await splitFrontMatter(text);
  const reason = junkReason({ path: note.path, body, matter });
  if (reason !== undefined) return [{ kind: 'omitted', reason }];
  try {
    return draftsOf(note, { matter, body, textLimit }).map((draft) => ({ kind: 'memory', at, draft }));
  } catch (error) {
    if (!(error instanceof InvalidInputError)) throw error;
    return [{ kind: 'rejected', at, problem: error.message }];
  }
}

const FRONT_MATTER = /^\uFEFF?---[ \t]*\r?\n([\s\S]*?)(?:^|\r?\n)---[ \t]*(?:\r?\n|$)/;

/** Front matter that is no YAML object is part of the body, so that nothing is lost. */
async function splitFrontMatter(text: string): Promise<{ matter: JsonObject; body: string }> {
  const match = FRONT_MATTER.exec(text);
  if (match === null) return { matter: {}, body: text };
  // YAML is loaded for notes only.
  const { parseFrontMatter } = await import('./front-matter.ts');
  const matter = parseFrontMatter(match[1] ?? '');
  return matter === undefined ? { matter: {}, body: text } : { matter, body: text.slice(match[0].length) };
}

interface Content {
  readonly matter: JsonObject;
  readonly body: string;
  readonly textLimit: number;
}

function draftsOf(note: Note, { matter, body, textLimit }: Content): MemoryDraft[] {
  const { tags, tag, ...others } = matter;
  const title = titleOf(note, matter);
  const permalink = matter['permalink'];
  const identity = typeof permalink === 'string' && permalink !== '' ? permalink : note.path;
  const names = identity === '' ? undefined : [NAME, note.folder, identity];
  const text = withTitle(title, body.trim());
  const parts = cutNote(text, { limit: textLimit, title });
  return parts.map((part, index) => ({
    ...(names === undefined ? {} : { id: namedUuid(index === 0 ? names : [...names, String(index + 1)]) }),
    text: part,
    tags: checkTags('tags', [...tagsOf(tags), ...tagsOf(tag)]),
    source: note.folder === '' ? note.path : `${note.folder}/${note.path}`,
    metadata: {
      ...(others as MemoryDraft['metadata']), // checked with the memory
      ...(title === '' ? {} : { title }),
      ...(parts.length === 1 ? {} : { part: `${index + 1} of ${parts.length}` }),
    },
    ...timesOf(matter, note.times),
  }));
}

function titleOf({ path }: Note, { title }: JsonObject): string {
  if (typeof title === 'string' && title.trim() !== '') return title.trim();
  const name = path.split('/').at(-1) ?? path;
  return name.replace(/\.[^.]+$/, '');
}

/** The title stands above the text, unless its first heading says the same. */
function withTitle(title: string, body: string): string {
  if (title === '') return body;
  const heading = /^#{1,6}[ \t]+(.+?)[ \t#]*$/m.exec(body.split('\n', 1)[0] ?? '')?.[1];
  if (heading?.toLowerCase() === title.toLowerCase()) return body;
  return `# ${title}\n\n${body}`;
}

/** A list, or one text with commas or spaces, with or without `#`. */
function tagsOf(tags: unknown): string[] {
  const list = typeof tags === 'string' ? tags.split(/[,\s]+/) : Array.isArray(tags) ? tags : [];
  return list
    .filter((tag: unknown) => typeof tag === 'string' || typeof tag === 'number')
    .map((tag) => String(tag).trim().replace(/^#/, ''))
    .filter((tag) => tag !== '' && tag.length <= MAX_TAG_LENGTH);
}

const CREATED = ['created', 'created_at', 'date created', 'date'];
const UPDATED = ['updated', 'updated_at', 'modified', 'date modified', 'last_updated', 'lastmod'];

/** Times of the front matter, else of the file. Other values stay in the metadata only. */
function timesOf(matter: JsonObject, file: FileTimes): { createdAt?: number; updatedAt?: number } {
  const modified = timeIn(matter, UPDATED) ?? file.modified;
  const made = [file.created, modified].filter((time) => time !== undefined && time > 0);
  const created = timeIn(matter, CREATED) ?? (made.length === 0 ? undefined : Math.min(...made.map(Number)));
  if (created === undefined) return {};
  return { createdAt: created, updatedAt: Math.max(created, modified ?? created) };
}

function timeIn(matter: JsonObject, names: readonly string[]): number | undefined {
  for (const name of names) {
    try {
      if (matter[name]) return parseImportedTime(name, matter[name]);
    } catch (error) {
      if (!(error instanceof InvalidInputError)) throw error;
    }
  }
  return undefined;
}
