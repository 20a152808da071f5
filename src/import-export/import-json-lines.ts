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
  /** The file; chunks of any size. */
  readonly bytes: AsyncIterable<Uint8Array>;
  /** `MemoryImporter.importBatch`, with the options of this import. */
  readonly importBatch: (drafts: readonly MemoryDraft[]) => Promise<readonly ImportOutcome[]>;
  /** Called after each batch. */
  readonly onProgress?: ((progress: ImportProgress) => void) | undefined;
  readonly onProblem?: ((problem: ImportProblem) => void) | undefined;
  /**
   * Takes the raw bytes of every line that was not imported, line feeds included: written to a file, they can be
   * corrected and imported. A line that is too long comes in pieces. Batches are reported as they finish, so
   * the lines are not quite in the order of the file.
   */
  readonly onReject?: ((bytes: Uint8Array) => void | Promise<void>) | undefined;
  /** Stops before the next line; what was imported stays. */
  readonly signal?: AbortSignal | undefined;
  /** Memories a batch at most, default 200. */
  readonly batchSize?: number | undefined;
  /** Bytes a line at most, default 16 MiB. Longer lines are rejected without being held in memory. */
  readonly maxLineBytes?: number | undefined;
}

const DEFAULT_BATCH_SIZE = 200;
const DEFAULT_MAX_LINE_BYTES = 16 * 1024 * 1024;
const LINE_FEED = new Uint8Array([0x0a]);
const MAX_BATCH_BYTES = 4 * 1024 * 1024;

/**
 * Imports memories from JSON lines: exports of this program, and files of others or made by hand, in which each
 * line is a JSON object with at least a text. The format is described in docs/import-export.md.
 *
 * Holds one batch in memory. A line that cannot be imported is reported and stops nothing. Importing a file
 * again, also after an interruption, adds nothing twice, because `importBatch` recognises what is there.
 * @throws InvalidInputError when the file as a whole is no JSON lines file, before anything is imported
 * @throws what `importBatch` throws; the batches before it stay imported
 */
export function importJsonLines(request: JsonLinesImport): Promise<ImportSummary> {
  return new ImportRun(request).all();
}

interface PendingDraft {
  readonly line: ByteLine;
  readonly draft: MemoryDraft;
}

const CONFLICTS: Readonly<Record<ImportConflict, string>> = {
  different: 'the memory with this id has other content here, which was kept',
  deleted: 'the memory with this id is in the trash here',
  purged: 'the memory with this id was erased for good here',
};

class ImportRun {
  readonly #counter = new ImportCounter();
  readonly #request: JsonLinesImport;
  readonly #frame: ExportFrame;
  readonly #maxLineBytes: number;
  #pending: PendingDraft[] = [];
  #pendingBytes = 0;
  /** Number of the last line that is too long, so that its further pieces are not reported again. */
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

/** @returns what the line says, nothing when it is empty, or what is wrong with it */
function parseBytes(line: ByteLine): ParsedLine | undefined | string {
  try {
    const text = decodeLine(line.bytes);
    return text.trim() === '' ? undefined : parseMemoryLine(text);
  } catch (error) {
    if (error instanceof RangeError) return 'line is nested too deeply';
    if (!(error instanceof InvalidInputError)) throw error;
    return line.terminated || error.field !== 'line'
      ? error.message
      : 'line is cut off: the file ends within it';
  }
}

/**
 * Follows the first and last lines of exports through a file, to notice an export that is cut off. A file may
 * hold several exports, one after the other, or none when it is made by hand.
 */
class ExportFrame {
  readonly #warn: (warning: string) => void;
  /** Memories since the header, readable or not; undefined outside an export. */
  #memories: number | undefined;

  constructor(warn: (warning: string) => void) {
    this.#warn = warn;
  }

  /** @throws InvalidInputError when a newer program wrote it in a way that this one would misread */
  header(line: number, version: number): void {
    if (version !== EXPORT_VERSION) {
      throw new InvalidInputError(
        `line ${line}`,
        `says that this is an export of version ${version}`,
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
      this.#warn('The export has no last line: it was cut off, memories may be missing.');
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
 * Recognises by its beginning a file whose every line would be rejected.
 * @throws InvalidInputError saying how to convert it
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
