import { MAX_METADATA_LENGTH, MAX_SOURCE_LENGTH, MAX_TAG_LENGTH, MAX_TAGS } from '../memory/input.ts';
import { largePart } from '../memory/shown-memory.ts';
import { RepositoryDamagedError } from '../errors/backup-errors.ts';
import { TARGET_SEGMENT_BYTES } from './format/names.ts';
import type { Manifest } from './format/manifest.ts';
import type { CarriedVersion, MemoryState } from './ports.ts';

/**
 * Bytes of one memory, with all its versions and vectors, that another machine may bring in. Merging it takes about
 * twenty times as much memory: it is text, JSON, a message between threads and a row on its way.
 */
const MAX_MERGED_BYTES = 6 * 1024 * 1024;
/** The largest text that any machine can be set to accept. */
export const MAX_ANY_TEXT = 10_000_000;
/** Masking a secret may lengthen what was checked; nothing makes it several times as long. */
const LENIENCE = 4;
/** Bytes that compression and encryption may add. */
const STORED_OVERHEAD = 64 * 1024;
const MAX_CHUNKS = 65_536;
/** Models whose vectors a version carries. */
const MAX_CARRIED_MODELS = 32;

/**
 * What another machine may bring in. An object of the format may be larger, so that everything that was ever backed
 * up can be restored; nothing beyond these limits can have been added by any machine, and reading it would cost
 * several times its size in memory.
 * @throws RepositoryDamagedError before any segment is read
 */
export function assertMergeableSegments(key: string, { segments }: Pick<Manifest, 'segments'>): void {
  for (const { bytes, plainBytes, rows } of segments) {
    if (plainBytes > TARGET_SEGMENT_BYTES || (rows === 1 && plainBytes > MAX_MERGED_BYTES * 1.5)) {
      throw tooLarge(key, `a memory of ${plainBytes} bytes`);
    }
    if (bytes > plainBytes * 1.01 + STORED_OVERHEAD) {
      throw new RepositoryDamagedError(
        key,
        `has a segment of ${bytes} bytes for ${plainBytes} bytes of memories`,
      );
    }
  }
}

/** @throws RepositoryDamagedError when no machine can have accepted it */
export function assertMergeable(key: string, { id, siblings }: MemoryState): void {
  const bytes = siblings.reduce((sum, version) => sum + bytesOf(version), 0);
  if (bytes > MAX_MERGED_BYTES) throw tooLarge(key, `memory ${id} with ${bytes} bytes`);
  for (const version of siblings) {
    const problem = impossiblePart(version);
    if (problem !== null) throw new RepositoryDamagedError(key, `has in memory ${id} ${problem}`);
  }
}

function tooLarge(key: string, what: string): RepositoryDamagedError {
  const fix = 'Split that memory on the machine that wrote it, or delete and purge it there, and push again.';
  return new RepositoryDamagedError(
    key,
    `has ${what}, more than the ${MAX_MERGED_BYTES} that can be merged`,
    { fix },
  );
}

function bytesOf({ text, vectors }: CarriedVersion): number {
  return vectors.reduce(
    (sum, { chunks }) => chunks.reduce((all, { vector }) => all + vector.length, sum),
    Buffer.byteLength(text),
  );
}

function impossiblePart({ text, tags, source, metadata, vectors }: CarriedVersion): string | null {
  if (text.length > MAX_ANY_TEXT) return `a text of ${text.length} characters, more than any machine accepts`;
  if (tags.length > MAX_TAGS * LENIENCE) return `${tags.length} tags, more than any machine accepts`;
  const tag = tags.find(({ length }) => length > MAX_TAG_LENGTH * LENIENCE);
  if (tag !== undefined) return `a tag of ${tag.length} characters, more than any machine accepts`;
  if (source.length > MAX_SOURCE_LENGTH * LENIENCE) {
    return `a source of ${source.length} characters, more than any machine accepts`;
  }
  const length = JSON.stringify(metadata).length;
  if (length > MAX_METADATA_LENGTH * LENIENCE)
    return `metadata of ${length} characters, more than any machine accepts`;
  if (vectors.length > MAX_CARRIED_MODELS) return `vectors of ${vectors.length} models`;
  const chunks = vectors.find((list) => list.chunks.length > MAX_CHUNKS);
  return chunks === undefined ? null : `${chunks.chunks.length} vectors of one model`;
}

/** Counts what is larger than this machine accepts: it is kept whole, and shown cut. */
export class LargeMemories {
  readonly #textLimit: number;
  #count = 0;
  #example: string | null = null;

  /** @param textLimit characters of a text that may be added here */
  constructor(textLimit: number) {
    this.#textLimit = textLimit;
  }

  note({ id, siblings }: MemoryState): void {
    for (const version of siblings) {
      const part = largePart(version, this.#textLimit);
      if (part === null) continue;
      this.#count += 1;
      this.#example ??= `${id} has ${part}`;
      return;
    }
  }

  /** A sentence for the user; null = none was found. */
  warning(machine: string): string | null {
    if (this.#example === null) return null;
    const many = this.#count === 1 ? '1 memory' : `${this.#count} memories`;
    return `Of machine ${machine} ${many} may not be added here; kept whole, shown cut: ${this.#example}.`;
  }
}
