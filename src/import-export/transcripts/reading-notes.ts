import { createHash } from 'node:crypto';
import { open, readFile } from 'node:fs/promises';
import { isObject } from '../../util/json.ts';
import { writeDurably } from '../../util/durable-file.ts';
import type { TranscriptCursor } from '../formats/import-format.ts';
import { RepeatedTexts } from './junk.ts';

/** How far a transcript was read. */
export interface ReadingNote {
  readonly bytes: number;
  readonly modified: number;
  /** Hash of the first bytes, which a file that only grew still has. */
  readonly head: string;
  readonly headBytes: number;
  readonly format: string;
  readonly cursor: TranscriptCursor;
}

const VERSION = 1;
const MAX_NOTES = 200_000;
/** Bytes of a file that tell whether it is the same one. */
const HEAD_BYTES = 1_024;

/**
 * The notes about transcripts that were read, in one file of the data folder. It only saves time: a turn has its id from
 * its place in the conversation, so a file that is read again adds nothing twice. A file that is damaged counts as none.
 */
export class ReadingNotes {
  readonly repeated: RepeatedTexts;
  readonly #path: string;
  readonly #store: string;
  readonly #notes: Map<string, ReadingNote>;

  private constructor(path: string, store: string, content: NotesContent) {
    this.#path = path;
    this.#store = store;
    this.#notes = new Map(Object.entries(content.files));
    this.repeated = new RepeatedTexts(content.repeated);
  }

  /** @param store id of the store that the turns are in; the notes of another one do not count */
  static async open(path: string, store: string): Promise<ReadingNotes> {
    return new ReadingNotes(path, store, await readContent(path, store));
  }

  get(path: string): ReadingNote | undefined {
    return this.#notes.get(path);
  }

  set(path: string, note: ReadingNote): void {
    this.#notes.delete(path);
    this.#notes.set(path, note);
    const [oldest] = this.#notes.keys();
    if (this.#notes.size > MAX_NOTES && oldest !== undefined) this.#notes.delete(oldest);
  }

  /** Their changes are on the disk when this resolves. */
  async save(): Promise<void> {
    const content: NotesContent & { version: number; store: string } = {
      version: VERSION,
      store: this.#store,
      files: Object.fromEntries(this.#notes),
      repeated: this.repeated.known(),
    };
    await writeDurably({ path: this.#path, data: JSON.stringify(content) });
  }
}

interface NotesContent {
  readonly files: Readonly<Record<string, ReadingNote>>;
  readonly repeated: readonly (readonly [number, number])[];
}

const NOTHING: NotesContent = { files: {}, repeated: [] };

async function readContent(path: string, store: string): Promise<NotesContent> {
  try {
    const value: unknown = JSON.parse(await readFile(path, 'utf8'));
    if (!isObject(value) || value['version'] !== VERSION || value['store'] !== store) return NOTHING;
    const { files, repeated } = value;
    return {
      // The file is this program's own, and its checks below are against damage.
      files: isObject(files)
        ? (Object.fromEntries(Object.entries(files).filter(isNote)) as NotesContent['files'])
        : {},
      repeated: Array.isArray(repeated) ? repeated.filter(isCount) : [],
    };
  } catch {
    return NOTHING;
  }
}

function isNote([, note]: [string, unknown]): boolean {
  return (
    isObject(note) &&
    typeof note['head'] === 'string' &&
    ['bytes', 'modified', 'headBytes'].every((name) => Number.isFinite(note[name])) &&
    isObject(note['cursor']) &&
    Number.isSafeInteger(note['cursor']['offset']) &&
    Number.isSafeInteger(note['cursor']['lines'])
  );
}

function isCount(value: unknown): value is readonly [number, number] {
  return Array.isArray(value) && value.length === 2 && value.every((item) => Number.isSafeInteger(item));
}

/** Hash of the first bytes of a file. @param length those that were hashed before; default up to `HEAD_BYTES` */
export async function headOf(
  path: string,
  length = HEAD_BYTES,
): Promise<{ head: string; headBytes: number }> {
  const handle = await open(path, 'r');
  try {
    const { buffer, bytesRead } = await handle.read(Buffer.alloc(length), 0, length, 0);
    const head = createHash('sha256').update(buffer.subarray(0, bytesRead)).digest('hex').slice(0, 32);
    return { head, headBytes: bytesRead };
  } finally {
    await handle.close();
  }
}
