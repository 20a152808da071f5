import { InvalidInputError } from '../errors/input-errors.ts';
import type { ImportConflict, ImportOutcome } from '../memory/import.ts';
import type { MemoryDraft } from '../memory/memory.ts';
import { decodeUtf8 } from '../util/text.ts';
import { EXPORT_VERSION } from './export-json-lines.ts';
import {
  ImportCounter,
  type ImportProblem,
  type ImportProgress,
  type ImportSummary,
} from './import-report.ts';
import { type ParsedLine, parseMemoryLine } from './parse-memory-line.ts';
import { type ByteLine, readByteLines } from './read-byte-lines.ts';

export interface JsonLinesImport {
  /** Content of the file, in chunks of any size. */
  readonly bytes: AsyncIterable<Uint8Array>;
  /** `MemoryImporter.importBatch`, with the options of this import. */
  readonly importBatch: (drafts: readonly MemoryDraft[]) => Promise<readonly ImportOutcome[]>;
  /** Called after each batch. */
  readonly onProgress?: ((progress: ImportProgress) => void) | undefined;
  readonly onProblem?: ((problem: ImportProblem) => void) | undefined;
  /**
   * Receives the bytes of every line that was not imported, with its line feed, so that a user can correct the lines
   * and import them. A line that is too long comes in pieces. Lines come when their batch is finished, so their order
   * differs slightly from that of the file.
   */
  readonly onReject?: ((bytes: Uint8Array) => void | Promise<void>) | undefined;
  /** Ends the import before the next line. Imported memories stay. */
  readonly signal?: AbortSignal | undefined;
  /** Maximum number of memories in a batch. @default 200 */
  readonly batchSize?: number | undefined;
  /** Maximum bytes of a line. A longer line is rejected without being held in memory. @default 16777216 */
  readonly maxLineBytes?: number | undefined;
}

const DEFAULT_BATCH_SIZE = 200;
const DEFAULT_MAX_LINE_BYTES = 16 * 1024 * 1024;
const LINE_FEED = new Uint8Array([0x0a]);
const MAX_BATCH_BYTES = 4 * 1024 * 1024;

/**
 * Imports memories from JSON lines: exports of this program, and other files in which each line is a JSON object with
 * at least a text. docs/import-export.md describes the format.
 *
 * Holds one batch in memory. A line that cannot be imported is reported, and the import continues. Importing a file
 * again, also after an interruption, adds no memory twice, because `importBatch` recognises existing ones.
 * @throws InvalidInputError before the first import when the file is not a JSON lines file, and at the header of an
 *   export in another version
 * @throws the errors of `importBatch`; earlier batches stay imported
 */
export function importJsonLines(request: JsonLinesImport): Promise<ImportSummary> {
  return new ImportRun(request).all();
}

interface PendingDraft {
  readonly line: ByteLine;
  readonly draft: MemoryDraft;
}

const CONFLICTS: Readonly<Record<ImportConflict, string>> = {
  different: 'the memory with this id has other content in this store, which was kept',
  deleted: 'the memory with this id is in the trash of this store',
  purged: 'the memory with this id was erased for good in this store',
};

class ImportRun {
  readonly #counter = new ImportCounter();
  readonly #request: JsonLinesImport;
  readonly #frame: ExportFrame;
  readonly #maxLineBytes: number;
  #pending: PendingDraft[] = [];
  #pendingBytes = 0;
  /** Number of the last line that was too long. Its further pieces are not reported again. */
  #longLine = 0;

  constructor(request: JsonLinesImport) {
    this.#request = request;
    this.#maxLineBytes = request.maxLineBytes ?? DEFAULT_MAX_LINE_BYTES;
    this.#frame = new ExportFrame((warning) => {
      this.#counter.warn(warning);
    });
  }

  async all(): Promise<ImportSummary> {
    for await (const line of readByteLines(this.#request.bytes, this.#maxLineBytes)) {
      if (this.#request.signal?.aborted === true) return this.#counter.summary(false);
      await this.#take(line);
    }
    await this.#flush();
    this.#frame.endOfFile();
    return this.#counter.summary(true);
  }

  async #take(line: ByteLine): Promise<void> {
    this.#counter.lines = line.number;
    this.#counter.bytes = line.endOffset;
    if (line.number === 1 && this.#longLine === 0) checkFileStart(line.bytes);
    const parsed = line.tooLong ? `line is longer than ${this.#maxLineBytes} bytes` : parseBytes(line);
    if (typeof parsed === 'string') await this.#rejectLine(line, parsed);
    else if (parsed?.kind === 'header') this.#frame.header(line.number, parsed.version);
    else if (parsed?.kind === 'footer') this.#frame.footer(line.number, parsed.count);
    else if (parsed !== undefined) await this.#queue(line, parsed);
  }

  async #queue(line: ByteLine, parsed: Extract<ParsedLine, { kind: 'memory' }>): Promise<void> {
    this.#frame.memory();
    this.#counter.countFields(parsed);
    this.#pending.push({ line, draft: parsed.draft });
    this.#pendingBytes += line.bytes.length;
    const size = this.#request.batchSize ?? DEFAULT_BATCH_SIZE;
    if (this.#pending.length >= size || this.#pendingBytes >= MAX_BATCH_BYTES) await this.#flush();
  }

  async #flush(): Promise<void> {
    const batch = this.#pending;
    this.#pending = [];
    this.#pendingBytes = 0;
    const outcomes =
      batch.length === 0 ? [] : await this.#request.importBatch(batch.map(({ draft }) => draft));
    for (const [index, { line, draft }] of batch.entries()) {
      const outcome = outcomes[index];
      if (outcome === undefined)
        throw new RangeError(`${outcomes.length} outcomes for ${batch.length} drafts`);
      await this.#settle(line, draft, outcome);
    }
    this.#request.onProgress?.(this.#counter.progress());
  }

  async #settle(line: ByteLine, draft: MemoryDraft, outcome: ImportOutcome): Promise<void> {
    this.#counter.count(outcome);
    const place = { line: line.number, ...(draft.id === undefined ? {} : { id: draft.id }) };
    if (outcome.outcome === 'conflict') {
      this.#request.onProblem?.({ ...place, kind: 'conflict', problem: CONFLICTS[outcome.reason] });
      await this.#keep(line);
    } else if (outcome.outcome === 'rejected') {
      this.#request.onProblem?.({
        ...place,
        kind: 'rejected',
        problem: `${outcome.field} ${outcome.problem}`,
      });
      await this.#keep(line);
    }
  }

  async #rejectLine(line: ByteLine, problem: string): Promise<void> {
    if (!line.tooLong || this.#longLine !== line.number) {
      if (line.tooLong) this.#longLine = line.number;
      this.#frame.memory();
      this.#counter.reject();
      this.#request.onProblem?.({ line: line.number, kind: 'rejected', problem });
    }
    await this.#keep(line);
  }

  async #keep(line: ByteLine): Promise<void> {
    await this.#request.onReject?.(line.last ? Buffer.concat([line.bytes, LINE_FEED]) : line.bytes);
  }
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
  readonly #warn: (warning: string) => void;
  /** Number of memories since the header, including unreadable ones; undefined outside an export. */
  #memories: number | undefined;

  constructor(warn: (warning: string) => void) {
    this.#warn = warn;
  }

  /** @throws InvalidInputError when the export has another version than this program reads */
  header(line: number, version: number): void {
    if (version !== EXPORT_VERSION) {
      throw new InvalidInputError(
        `line ${line}`,
        `begins an export of version ${version}`,
        `allowed is version ${EXPORT_VERSION}; update faiss-memory`,
      );
    }
    this.endOfFile();
    this.#memories = 0;
  }

  memory(): void {
    if (this.#memories !== undefined) this.#memories += 1;
  }

  footer(line: number, count: number): void {
    if (this.#memories !== undefined && this.#memories !== count) {
      this.#warn(
        `The export that ends in line ${line} had ${count} memories when it was written, but ${this.#memories} now.`,
      );
    }
    this.#memories = undefined;
  }

  endOfFile(): void {
    if (this.#memories !== undefined)
      this.#warn('The export has no last line, so it is incomplete: memories may be missing.');
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
