import { createHash } from 'node:crypto';
import { setImmediate } from 'node:timers/promises';
import { RepositoryDamagedError } from '../../errors/backup-errors.ts';
import {
  compress,
  decompress,
  isCompressed,
  isSealed,
  openSegment,
  type Sealer,
  sealSegment,
} from './sealed-object.ts';
import { MAX_SEGMENT_BYTES, MAX_STORED_BYTES, segmentKey, TARGET_SEGMENT_BYTES } from './names.ts';
import type { SegmentEntry } from './manifest.ts';
import type { MemoryState } from '../ports.ts';
import { ObjectChecker } from './object-checker.ts';
import { decodeRow } from './row.ts';

const LINE_FEED = 0x0a;
/** The event loop gets a turn after about this many bytes of rows. */
const PORTION_BYTES = 256 * 1024;

/** A segment that is ready to be stored. */
export interface EncodedSegment {
  readonly entry: SegmentEntry;
  readonly bytes: Buffer;
}

/**
 * @param lines JSON lines, each with its line feed
 * @param context.sealer null writes a plain segment
 */
export async function encodeSegment(
  lines: readonly Buffer[],
  { machine, sealer }: { readonly machine: string; readonly sealer: Sealer | null },
): Promise<EncodedSegment> {
  const plain = Buffer.concat(lines);
  const body = await compress(plain);
  const stored = sealer === null ? { bytes: body } : sealSegment(machine, sealer, body);
  const { bytes, ...contentKey } = stored;
  const name = createHash('sha256').update(bytes).digest('hex');
  const sizes = { bytes: bytes.length, plainBytes: plain.length, rows: lines.length };
  return { bytes, entry: { name, ...sizes, ...contentKey } };
}

/** One row of a segment. */
export interface SegmentRow {
  /** The stored line with its line feed. A copy of it keeps members that this version does not know. */
  readonly line: Buffer;
  readonly state: MemoryState;
}

/**
 * Checks a segment and yields its rows. Memory: the stored and the decompressed bytes, both bounded by the entry.
 * @param stored unchecked bytes
 * @throws RepositoryDamagedError, RepositoryTooNewError; possibly after some rows, all of which were checked
 */
export async function* decodeSegment(
  stored: Uint8Array,
  entry: SegmentEntry,
  machine: string,
): AsyncGenerator<SegmentRow> {
  const key = segmentKey(machine, entry.name);
  const plain = await openPlain(stored, entry, machine);
  const checker = new ObjectChecker(key);
  let rows = 0;
  let portionEnd = PORTION_BYTES;
  for (let start = 0; start < plain.length; rows += 1) {
    const lineFeed = plain.indexOf(LINE_FEED, start);
    if (lineFeed === -1) throw new RepositoryDamagedError(key, 'ends inside a line');
    if (lineFeed > portionEnd) {
      await setImmediate();
      portionEnd = lineFeed + PORTION_BYTES;
    }
    const state = decodeRow(plain.subarray(start, lineFeed), checker);
    yield { line: plain.subarray(start, lineFeed + 1), state };
    start = lineFeed + 1;
  }
  if (rows !== entry.rows) {
    throw new RepositoryDamagedError(key, `has ${rows} rows where its manifest says ${entry.rows}`);
  }
}

async function openPlain(stored: Uint8Array, entry: SegmentEntry, machine: string): Promise<Buffer> {
  const key = segmentKey(machine, entry.name);
  assertSegmentBytes(stored, entry, machine);
  if (isSealed(stored) !== (entry.contentKey !== undefined)) {
    throw new RepositoryDamagedError(key, 'is encrypted and its manifest has no key, or the other way round');
  }
  const place = { kind: 'segment', machine, key } as const;
  const body = entry.contentKey === undefined ? stored : openSegment(place, entry.contentKey, stored);
  if (!isCompressed(body)) throw new RepositoryDamagedError(key, 'is not compressed');
  const plain = await decompress(body, entry.plainBytes, key);
  if (plain.length !== entry.plainBytes) {
    const found = `${plain.length} bytes of rows`;
    throw new RepositoryDamagedError(key, `has ${found} where its manifest says ${entry.plainBytes}`);
  }
  return plain;
}

/** @throws RepositoryDamagedError when the size or the SHA-256 differs from the entry */
export function assertSegmentBytes(stored: Uint8Array, entry: SegmentEntry, machine: string): void {
  const key = segmentKey(machine, entry.name);
  if (stored.length !== entry.bytes) {
    throw new RepositoryDamagedError(
      key,
      `has ${stored.length} bytes where its manifest says ${entry.bytes}`,
    );
  }
  if (createHash('sha256').update(stored).digest('hex') !== entry.name) {
    throw new RepositoryDamagedError(key, 'has another SHA-256 than its name');
  }
}

export interface SegmentWriterOptions {
  readonly machine: string;
  readonly sealer: Sealer | null;
  /** Stores one segment. The writer waits for it before the next call. */
  readonly store: (segment: EncodedSegment) => Promise<void>;
  /** Size of one segment's JSON lines. @default TARGET_SEGMENT_BYTES */
  readonly targetBytes?: number;
}

/** Divides a stream of rows into segments. Memory: one segment, plain and compressed. */
export class SegmentWriter {
  readonly #options: SegmentWriterOptions;
  readonly #targetBytes: number;
  readonly #entries: SegmentEntry[] = [];
  #lines: Buffer[] = [];
  #bytes = 0;

  constructor(options: SegmentWriterOptions) {
    this.#options = options;
    this.#targetBytes = options.targetBytes ?? TARGET_SEGMENT_BYTES;
  }

  /**
   * @param line canonical JSON and a line feed
   * @throws RangeError when the row alone is larger than `MAX_SEGMENT_BYTES`
   */
  async add(line: Buffer): Promise<void> {
    if (line.length > MAX_SEGMENT_BYTES) {
      throw new RangeError(`a memory with ${line.length} bytes is too large for a backup`);
    }
    if (this.#bytes > 0 && this.#bytes + line.length > this.#targetBytes) await this.#flush();
    this.#lines.push(line);
    this.#bytes += line.length;
  }

  /** @returns all segments written, in the order of the rows */
  async finish(): Promise<readonly SegmentEntry[]> {
    if (this.#bytes > 0) await this.#flush();
    return this.#entries;
  }

  async #flush(): Promise<void> {
    const { machine, sealer, store } = this.#options;
    const segment = await encodeSegment(this.#lines, { machine, sealer });
    if (segment.bytes.length > MAX_STORED_BYTES) throw new RangeError('a segment grew by compression');
    this.#lines = [];
    this.#bytes = 0;
    await store(segment);
    this.#entries.push(segment.entry);
  }
}
