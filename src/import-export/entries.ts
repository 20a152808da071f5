import { InvalidInputError } from '../errors/input-errors.ts';
import type { MemoryDraft } from '../memory/memory.ts';
import { decodeUtf8 } from '../util/text.ts';
import type { ImportItem, Place, ReadOptions } from './formats/import-format.ts';
import { type JsonObject } from './head.ts';
import { JsonElements } from './json-elements.ts';
import { parseMemoryFields } from './parse-memory-line.ts';
import { readByteLines } from './read-byte-lines.ts';
import { isObject } from '../util/json.ts';

/** An entry of a JSON document or of JSON lines, and where it is. */
export interface Entry {
  readonly at: Place;
  /** Name of the list in the document; empty for a document that is a list, and for lines. */
  readonly list: string;
  /** Number in the list or of the line, from 1; 0 for a member of the document that is no list. */
  readonly number: number;
  readonly value: JsonObject;
}

/** The result of an entry: memories, the reason to leave it out, or other items. */
export type Converted =
  | Omit<Extract<ImportItem, { kind: 'memory' }>, 'kind' | 'at' | 'raw'>
  | { readonly omitted: string }
  | Exclude<ImportItem, { kind: 'memory' }>;

/** @throws InvalidInputError for an entry that cannot be imported */
export type Convert = (entry: Entry) => Iterable<Converted>;

interface Document {
  readonly bytes: AsyncIterable<Uint8Array>;
  readonly convert: Convert;
  /** Name of the file inside an archive, for the places of its entries. */
  readonly file?: string;
}

const LINE_FEED = new Uint8Array([0x0a]);

/** Reads the entries of a JSON document: of the document itself when it is a list, else of every list that it has. */
export async function* readDocument(document: Document, options: ReadOptions): AsyncGenerator<ImportItem> {
  const { bytes, file } = document;
  const elements = new JsonElements(options.maxEntryBytes);
  for await (const chunk of bytes) {
    for (const { member, index = 0, bytes: raw } of elements.push(chunk)) {
      const inFile = file === undefined ? '' : `${file} `;
      const at = {
        place: index === 0 ? `${inFile}member ${JSON.stringify(member)}` : `${inFile}entry ${index}`,
      };
      if (raw === undefined) {
        yield { kind: 'rejected', at, problem: `entry is longer than ${options.maxEntryBytes} bytes` };
      } else if (index > 0 || looksLikeObject(raw)) {
        yield* convertEntry({ at, list: member, number: index, raw }, document.convert);
      }
    }
    options.position.bytes += chunk.length;
  }
  if (elements.state === 'inside') {
    yield {
      kind: 'warning',
      warning: `${nameOf(file)} ends too early, so it is incomplete: memories may be missing.`,
    };
  } else if (elements.state === 'broken') {
    yield {
      kind: 'warning',
      warning: `${nameOf(file)} has something that is no JSON, and the rest was not read.`,
    };
  }
}

function nameOf(file: string | undefined): string {
  return file === undefined ? 'The document' : `The file ${file}`;
}

function looksLikeObject(raw: Uint8Array): boolean {
  return /^\s*\{/.test(new TextDecoder().decode(raw.subarray(0, 100)));
}

/** Reads a JSON document that is one entry as a whole. */
export async function* readObject(document: Document, options: ReadOptions): AsyncGenerator<ImportItem> {
  const { bytes, file, convert } = document;
  const at = { place: file ?? 'the document' };
  const chunks: Uint8Array[] = [];
  let length = 0;
  for await (const chunk of bytes) {
    length += chunk.length;
    options.position.bytes += chunk.length;
    if (length <= options.maxEntryBytes) chunks.push(chunk);
  }
  if (length > options.maxEntryBytes) {
    yield { kind: 'rejected', at, problem: `file is longer than ${options.maxEntryBytes} bytes` };
  } else {
    yield* convertEntry({ at, list: '', number: 1, raw: Buffer.concat(chunks) }, convert);
  }
}

/** Reads JSON lines whose lines are entries. */
export async function* readLines(
  { bytes, convert }: Pick<Document, 'bytes' | 'convert'>,
  options: ReadOptions,
): AsyncGenerator<ImportItem> {
  let longLine = 0;
  // Of the files before this one, in a folder.
  const bytesBefore = options.position.bytes;
  for await (const line of readByteLines(bytes, options.maxEntryBytes)) {
    options.position.lines = line.number;
    options.position.bytes = bytesBefore + line.endOffset;
    const at = { line: line.number };
    const raw = line.last ? withLineFeed(line.bytes) : line.bytes;
    if (line.tooLong && longLine === line.number) {
      yield { kind: 'rest', raw };
    } else if (line.tooLong) {
      longLine = line.number;
      yield { kind: 'rejected', at, problem: `line is longer than ${options.maxEntryBytes} bytes`, raw };
    } else if (line.bytes.some((byte) => byte > 0x20)) {
      yield* convertEntry({ at, list: '', number: line.number, raw: line.bytes }, convert);
    }
  }
}

function* convertEntry(
  { raw, ...entry }: Omit<Entry, 'value'> & { readonly raw: Uint8Array },
  convert: Convert,
): Generator<ImportItem> {
  try {
    for (const converted of convert({ ...entry, value: parseEntry(raw) })) {
      if ('kind' in converted) yield converted;
      else if ('omitted' in converted) yield { kind: 'omitted', reason: converted.omitted };
      else yield { kind: 'memory', at: entry.at, raw: withLineFeed(raw), ...converted };
    }
  } catch (error) {
    if (!(error instanceof InvalidInputError || error instanceof RangeError)) throw error;
    const problem = error instanceof InvalidInputError ? error.message : 'entry is nested too deeply';
    yield { kind: 'rejected', at: entry.at, problem, raw: withLineFeed(raw) };
  }
}

function parseEntry(raw: Uint8Array): JsonObject {
  const text = decodeUtf8(raw);
  if (text === undefined) {
    throw new InvalidInputError('entry', 'has bytes that are not UTF-8', 'allowed is text in UTF-8');
  }
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    throw new InvalidInputError('entry', 'is not JSON', 'allowed is a JSON object');
  }
  if (isObject(value)) return value;
  throw new InvalidInputError('entry', 'is no object', 'allowed is a JSON object');
}

/** Ends a line, so that entries of a document become JSON lines in the file of rejects. */
export function withLineFeed(bytes: Uint8Array): Uint8Array {
  return Buffer.concat([bytes, LINE_FEED]);
}

interface Naming {
  /** Id for an entry without a UUID of its own. */
  readonly id?: string;
  /** Source for an entry that names none. */
  readonly source: string;
}

/**
 * An entry of the usual kind: a text with fields around it, as in a line of JSON lines.
 * @throws InvalidInputError that names the field
 */
export function memoryOf(fields: JsonObject, { id, source }: Naming): Converted {
  if (['text', 'content', 'memory'].some((name) => isBlank(fields[name])))
    return { omitted: 'an empty memory' };
  const { draft, moved, ignored } = parseMemoryFields(fields);
  const named: MemoryDraft = {
    ...(id === undefined ? {} : { id }),
    ...draft,
    source: draft.source === '' ? source : draft.source,
  };
  return { draft: named, moved, ignored };
}

function isBlank(text: unknown): boolean {
  return typeof text === 'string' && text.trim() === '';
}
