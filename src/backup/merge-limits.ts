import { MAX_METADATA_LENGTH, MAX_SOURCE_LENGTH, MAX_TAG_LENGTH, MAX_TAGS } from '../memory/input.ts';
import { largePart } from '../memory/shown-memory.ts';
import { RepositoryDamagedError } from '../errors/backup-errors.ts';
import { TARGET_SEGMENT_BYTES } from './format/names.ts';
import type { Manifest } from './format/manifest.ts';
import type { CarriedVersion, MemoryState } from './ports.ts';

/**
 * Maximum bytes of one memory from another machine, with all its versions and vectors. Merging needs about twenty
 * times as much working memory, for the text, the JSON, the message between threads and the row.
 */
const MAX_MERGED_BYTES = 6 * 1024 * 1024;
/** Characters of a text. No machine can be set to accept more. */
export const MAX_ANY_TEXT = 10_000_000;
/** Factor on the limits for input. Masking a secret may make a text longer after the check, but never four times. */
const LENIENCE = 4;
/** Bytes that compression and encryption may add. */
const STORED_OVERHEAD = 64 * 1024;
const MAX_CHUNKS = 65_536;
/** Maximum number of models whose vectors one version has. */
const MAX_CARRIED_MODELS = 32;

/**
 * Refuses segments from another machine that no machine can have written with accepted input. Reading them would cost
 * several times their size in memory. The format itself allows larger objects, so that every backup can be restored.
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

/** @throws RepositoryDamagedError when no machine can have accepted the memory as input */
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

/** Counts memories that are larger than this machine accepts as input. They are kept whole and shown shortened. */
export class LargeMemories {
  readonly #textLimit: number;
  #count = 0;
  #example: string | null = null;

  /** @param textLimit characters of a text that this machine accepts */
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

  /** A sentence for the user; null when no large memory was counted. */
  warning(machine: string): string | null {
    if (this.#example === null) return null;
    const many = this.#count === 1 ? '1 memory' : `${this.#count} memories`;
    return `${many} from machine ${machine} exceed what can be added on this machine. They are kept whole and shown shortened, for example: ${this.#example}.`;
  }
}
