import { createHash, type Hash } from 'node:crypto';
import type * as fflate from 'fflate';
import { attributesOf } from '../memory/attributes.ts';
import { InvalidInputError } from '../errors/input-errors.ts';
import type { Memory, MemoryWithHistory } from '../memory/memory.ts';
import { visibleJson } from '../util/visible-text.ts';
import { exportJsonLines, exportedMemory } from './export-json-lines.ts';
import { ReadableIndex } from './readable-index.ts';

/** `format` in the manifest of a zip. */
export const ZIP_FORMAT = 'faiss-memory-zip';
export const ZIP_VERSION = 1;

/** The memories to export, and where the zip goes. */
export interface ZipExport {
  /** All memories of a kind, oldest first. Called once for each kind, and once more for the histories. */
  readonly memories: (kind: 'fact' | 'conversation') => AsyncIterable<readonly Memory[]>;
  readonly histories: (ids: readonly string[]) => Promise<readonly MemoryWithHistory[]>;
  /** The next call comes after the promise has resolved. */
  readonly write: (chunk: Uint8Array) => Promise<void>;
  /** Milliseconds since the epoch. */
  readonly exportedAt: number;
  readonly onProgress?: (count: number) => void;
  /** Further files, by name. */
  readonly attachments?: Readonly<Record<string, string>>;
}

export interface ZipCounts {
  readonly facts: number;
  readonly turns: number;
  /** Memories of which older versions are in the zip. */
  readonly histories: number;
}

/** Ids that are asked for at once. */
const HISTORY_BATCH = 100;

/**
 * Writes one zip: `facts.jsonl` and `conversations.jsonl` as an export has them, `history.jsonl` with older versions,
 * `index.md` for people, and `manifest.json` with counts and checksums. Holds one batch in memory at a time.
 * @throws InvalidInputError above the 4 GiB of a zip
 */
export async function exportZip(request: ZipExport): Promise<ZipCounts> {
  const { memories, exportedAt, onProgress } = request;
  const zip = await ZipFile.create(request.write, exportedAt);
  const index = new ReadableIndex();
  const changed: string[] = [];
  let done = 0;
  const write = async (name: string, kind: 'fact' | 'conversation'): Promise<number> => {
    const member = zip.begin(name);
    const count = await exportJsonLines(noted(memories(kind), { index, changed }), {
      exportedAt,
      write: (chunk) => member.write(chunk),
      onProgress: (written) => onProgress?.(done + written),
    });
    await member.end(count);
    done += count;
    return count;
  };
  const facts = await write('facts.jsonl', 'fact');
  const turns = await write('conversations.jsonl', 'conversation');
  const histories = await writeHistories(zip, changed, request);
  const page = zip.begin('index.md');
  for (const part of index.page(exportedAt)) await page.write(part);
  await page.end();
  for (const [name, text] of Object.entries(request.attachments ?? {})) {
    const member = zip.begin(name);
    await member.write(text);
    await member.end();
  }
  const counts = { facts, turns, histories };
  await zip.finish({ ...counts, conversations: index.conversations });
  return counts;
}

async function* noted(
  memories: AsyncIterable<readonly Memory[]>,
  { index, changed }: { readonly index: ReadableIndex; readonly changed: string[] },
): AsyncGenerator<readonly Memory[]> {
  for await (const batch of memories) {
    for (const memory of batch) {
      index.add(memory, attributesOf(memory.metadata));
      if (memory.versionCount > 1) changed.push(memory.id);
    }
    yield batch;
  }
}

async function writeHistories(
  zip: ZipFile,
  ids: readonly string[],
  { histories }: ZipExport,
): Promise<number> {
  const member = zip.begin('history.jsonl');
  let count = 0;
  for (let start = 0; start < ids.length; start += HISTORY_BATCH) {
    // A memory that was deleted meanwhile is not among them.
    for (const { id, history } of await histories(ids.slice(start, start + HISTORY_BATCH))) {
      const versions = history.map((version) => exportedMemory({ ...version, id }));
      await member.write(`${visibleJson({ id, versions })}\n`);
      count += 1;
    }
  }
  await member.end(count);
  return count;
}

interface Member {
  write(text: string): Promise<void>;
  end(count?: number): Promise<void>;
}

const MAX_ZIP_BYTES = 4 * 1024 ** 3 - 1;
/** Readers refuse members above 2 GiB. */
const MAX_MEMBER_BYTES = 2 * 1024 ** 3 - 1;

/** Writes members one after the other. */
class ZipFile {
  readonly #zip: fflate.Zip;
  readonly #newMember: (name: string) => fflate.ZipDeflate;
  readonly #write: (chunk: Uint8Array) => Promise<void>;
  readonly #exportedAt: number;
  readonly #files: object[] = [];
  readonly #chunks: Uint8Array[] = [];
  #bytes = 0;

  private constructor(
    library: typeof fflate,
    write: (chunk: Uint8Array) => Promise<void>,
    exportedAt: number,
  ) {
    this.#write = write;
    this.#exportedAt = exportedAt;
    this.#zip = new library.Zip((error, chunk) => {
      if (error !== null) throw error;
      this.#chunks.push(chunk);
    });
    this.#newMember = (name) => {
      const member = new library.ZipDeflate(name, { level: 6 });
      member.mtime = new Date(exportedAt);
      return member;
    };
  }

  static async create(write: (chunk: Uint8Array) => Promise<void>, exportedAt: number): Promise<ZipFile> {
    return new ZipFile(await import('fflate'), write, exportedAt);
  }

  begin(name: string): Member {
    const member = this.#newMember(name);
    this.#zip.add(member);
    const hash: Hash = createHash('sha256');
    let bytes = 0;
    const push = async (data: Uint8Array, isLast: boolean): Promise<void> => {
      bytes += data.length;
      if (bytes > MAX_MEMBER_BYTES) throw tooLarge();
      hash.update(data);
      member.push(data, isLast);
      await this.#flush();
    };
    return {
      write: (text) => push(Buffer.from(text), false),
      end: async (count) => {
        await push(new Uint8Array(), true);
        this.#files.push({
          name,
          bytes,
          sha256: hash.digest('hex'),
          ...(count === undefined ? {} : { count }),
        });
      },
    };
  }

  async finish(facts: object): Promise<void> {
    const manifest = {
      ...{ format: ZIP_FORMAT, version: ZIP_VERSION, exported_at: new Date(this.#exportedAt).toISOString() },
      ...facts,
      files: [...this.#files],
    };
    const member = this.begin('manifest.json');
    await member.write(`${JSON.stringify(manifest, null, 2)}\n`);
    await member.end();
    this.#zip.end();
    await this.#flush();
  }

  async #flush(): Promise<void> {
    for (const chunk of this.#chunks.splice(0)) {
      this.#bytes += chunk.length;
      if (this.#bytes > MAX_ZIP_BYTES) throw tooLarge();
      await this.#write(chunk);
    }
  }
}

function tooLarge(): InvalidInputError {
  return new InvalidInputError(
    'export',
    'is too large for a zip',
    'export JSON lines, or a part with --project or --after',
  );
}
