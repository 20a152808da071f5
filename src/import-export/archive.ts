import { constants } from 'node:fs';
import { lstat, open, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { InvalidInputError } from '../errors/input-errors.ts';

/** A file inside an archive. */
export interface ArchiveEntry {
  /** Names with slashes between them, without a leading one. No name is empty, `.` or `..`. */
  readonly path: string;
}

/** Milliseconds since the epoch, where the archive knows them. */
export interface FileTimes {
  readonly created?: number;
  readonly modified?: number;
}

/** Files under names: a folder or a zip. Nothing of it is written anywhere. */
export interface Archive {
  /** In the order of their paths. */
  readonly entries: readonly ArchiveEntry[];
  /** Files that are not among the entries: how many, by a reason such as `a link`. */
  readonly passedOver: ReadonlyMap<string, number>;
  /**
   * The content of an entry. @throws InvalidInputError when it is damaged, encrypted, or larger than it says; the bytes
   * that came before stand
   */
  readonly read: (entry: ArchiveEntry) => AsyncIterable<Uint8Array>;
  readonly times: (entry: ArchiveEntry) => Promise<FileTimes>;
  /** Opens a zip that is an entry; absent inside a zip. @throws InvalidInputError as `openZip` */
  readonly openZip?: (entry: ArchiveEntry) => Promise<Archive>;
  readonly close: () => Promise<void>;
}

/** An archive with more files is refused, because their names alone would fill the memory. */
export const MAX_ENTRIES = 200_000;
/** Levels of folders. */
const MAX_DEPTH = 64;

/** @throws InvalidInputError for more than `MAX_ENTRIES` */
export function checkEntryCount(count: number): void {
  if (count <= MAX_ENTRIES) return;
  throw new InvalidInputError(
    'source',
    `has ${count} files or more`,
    `allowed are ${MAX_ENTRIES}; name a part`,
  );
}

/** Counts by a name. */
export function countUp(counts: Map<string, number>, name: string): void {
  counts.set(name, (counts.get(name) ?? 0) + 1);
}

/**
 * The files of a folder and of the folders in it. Links are not followed, so nothing outside of the folder is read, and
 * names that begin with a dot (of editors and of version control) are passed over in silence.
 */
export async function openFolder(root: string): Promise<Archive> {
  const entries: ArchiveEntry[] = [];
  const passedOver = new Map<string, number>();
  const waiting: { readonly path: string; readonly depth: number }[] = [{ path: '', depth: 0 }];
  for (let folder = waiting.pop(); folder !== undefined; folder = waiting.pop()) {
    const { path: parent, depth } = folder;
    for (const item of await readdir(join(root, parent), { withFileTypes: true })) {
      if (item.name.startsWith('.')) continue;
      const path = parent === '' ? item.name : `${parent}/${item.name}`;
      if (item.isSymbolicLink()) countUp(passedOver, 'a link');
      else if (item.isFile()) entries.push({ path });
      else if (item.isDirectory() && depth < MAX_DEPTH) waiting.push({ path, depth: depth + 1 });
      else countUp(passedOver, 'no file');
    }
    checkEntryCount(entries.length + waiting.length);
  }
  return {
    entries: entries.sort((a, b) => (a.path < b.path ? -1 : 1)),
    passedOver,
    read: ({ path }) => readFile(join(root, path)),
    times: ({ path }) => timesOf(join(root, path)),
    close: () => Promise.resolve(),
  };
}

async function timesOf(path: string): Promise<FileTimes> {
  const { birthtimeMs, mtimeMs } = await lstat(path);
  return { created: Math.round(birthtimeMs), modified: Math.round(mtimeMs) };
}

async function* readFile(path: string): AsyncGenerator<Uint8Array> {
  // A file that became a link since the folder was read is not followed either.
  const handle = await open(path, constants.O_RDONLY | constants.O_NOFOLLOW);
  try {
    yield* handle.createReadStream({ autoClose: false }) as AsyncIterable<Uint8Array>;
  } finally {
    await handle.close();
  }
}
