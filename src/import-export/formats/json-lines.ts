import { InvalidInputError } from '../../errors/input-errors.ts';
import { decodeUtf8 } from '../../util/text.ts';
import { withLineFeed } from '../entries.ts';
import { EXPORT_VERSION } from '../export-json-lines.ts';
import { type ParsedLine, parseMemoryLine } from '../parse-memory-line.ts';
import { type ByteLine, readByteLines } from '../read-byte-lines.ts';
import type { ImportFormat, ImportItem, ReadOptions } from './import-format.ts';
import { onlyText } from './import-format.ts';

/**
 * Exports of this program, and other files in which each line is a JSON object with at least a text.
 * docs/import-export.md describes the format. Ids are identities: an export comes back as it was.
 */
export const jsonLines: ImportFormat = {
  name: 'json-lines',
  title: 'JSON lines: an export of faiss-memory, or a JSON object with a text in each line',
  recognizes: ({ kind, text, line }) =>
    kind === 'text' && (text.trim() === '' || line !== undefined || /^\uFEFF?\s*\{[ \t]*"/.test(text)),
  joinsSameText: false,
  read: (source, options) => readJsonLines(onlyText(source, 'json-lines').bytes, options),
};

async function* readJsonLines(
  bytes: AsyncIterable<Uint8Array>,
  { maxEntryBytes, position }: ReadOptions,
): AsyncGenerator<ImportItem> {
  const frame = new ExportFrame();
  let longLine = 0;
  const bytesBefore = position.bytes;
  for await (const line of readByteLines(bytes, maxEntryBytes)) {
    if (line.number === 1 && longLine === 0) checkFileStart(line.bytes);
    position.lines = line.number;
    position.bytes = bytesBefore + line.endOffset;
    const raw = line.last ? withLineFeed(line.bytes) : line.bytes;
    const at = { line: line.number };
    if (line.tooLong && longLine === line.number) {
      yield { kind: 'rest', raw };
      continue;
    }
    if (line.tooLong) longLine = line.number;
    const parsed = line.tooLong ? `line is longer than ${maxEntryBytes} bytes` : parseBytes(line);
    yield* frame.passed(line.number, parsed);
    if (typeof parsed === 'string') yield { kind: 'rejected', at, problem: parsed, raw };
    else if (parsed?.kind === 'memory') yield { ...parsed, at, raw };
  }
  yield* frame.endOfFile();
}

/** @returns the parsed line; undefined for an empty line; the problem, as a sentence, for an invalid one */
function parseBytes(line: ByteLine): ParsedLine | undefined | string {
  try {
    const text = decodeLine(line.bytes);
    return text.trim() === '' ? undefined : parseMemoryLine(text);
  } catch (error) {
    if (error instanceof RangeError) return 'line is nested too deeply';
    if (!(error instanceof InvalidInputError)) throw error;
    return line.terminated || error.field !== 'line'
      ? error.message
      : 'line is incomplete: the file ends inside it';
  }
}

/**
 * Checks the first and last lines of exports, to detect an incomplete export. A file may contain several exports, one
 * after the other, or none when it does not come from this program.
 */
class ExportFrame {
  /** Number of memories since the header, including unreadable ones; undefined outside an export. */
  #memories: number | undefined;

  /**
   * Notes the next line; a text is the problem of an unreadable one. @returns warnings
   * @throws InvalidInputError when an export has another version than this program reads
   */
  *passed(line: number, parsed: ParsedLine | string | undefined): Generator<ImportItem> {
    if (parsed === undefined) return;
    if (typeof parsed === 'string' || parsed.kind === 'memory') {
      if (this.#memories !== undefined) this.#memories += 1;
    } else if (parsed.kind === 'header') {
      yield* this.#header(line, parsed.version);
    } else {
      yield* this.#footer(line, parsed.count);
    }
  }

  *#header(line: number, version: number): Generator<ImportItem> {
    if (version !== EXPORT_VERSION) {
      throw new InvalidInputError(
        `line ${line}`,
        `begins an export of version ${version}`,
        `allowed is version ${EXPORT_VERSION}; update faiss-memory`,
      );
    }
    yield* this.endOfFile();
    this.#memories = 0;
  }

  *#footer(line: number, count: number): Generator<ImportItem> {
    if (this.#memories !== undefined && this.#memories !== count) {
      const warning = `The export that ends in line ${line} had ${count} memories when it was written, but ${this.#memories} now.`;
      yield { kind: 'warning', warning };
    }
    this.#memories = undefined;
  }

  *endOfFile(): Generator<ImportItem> {
    if (this.#memories !== undefined) {
      const warning = 'The export has no last line, so it is incomplete: memories may be missing.';
      yield { kind: 'warning', warning };
    }
    this.#memories = undefined;
  }
}

/** @throws InvalidInputError */
function decodeLine(bytes: Uint8Array): string {
  const text = decodeUtf8(bytes);
  if (text !== undefined) return text;
  throw new InvalidInputError('line', 'has bytes that are not UTF-8', 'allowed is text in UTF-8');
}

/**
 * Recognises some file formats in which every line would be rejected.
 * @throws InvalidInputError that says how to convert the file
 */
function checkFileStart(bytes: Uint8Array): void {
  const [first, second] = bytes;
  if ((first === 0xff && second === 0xfe) || (first === 0xfe && second === 0xff)) {
    throw new InvalidInputError('file', 'is UTF-16', 'allowed is UTF-8; save it as UTF-8');
  }
  if (first === 0x1f && second === 0x8b) {
    throw new InvalidInputError('file', 'is compressed', 'allowed are JSON lines; unpack it with gunzip');
  }
  if (/^\s*\[/.test(new TextDecoder().decode(bytes.subarray(0, 100)))) {
    throw new InvalidInputError(
      'file',
      'is a JSON list',
      "allowed are JSON lines; convert it with jq -c '.[]'",
    );
  }
}
