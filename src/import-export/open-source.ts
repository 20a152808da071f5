import { open, realpath, stat } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { type ArchiveEntry, openFolder } from './archive.ts';
import type { ImportSource } from './formats/import-format.ts';
import { openZip } from './zip-archive.ts';

/** A source that is read from a path. */
export interface OpenedSource {
  readonly source: ImportSource;
  /** Bytes in all; undefined where that is not known before the end. */
  readonly size: number | undefined;
  close(): Promise<void>;
}

/** How a zip begins, with members and without. */
const ZIP_STARTS = ['504b0304', '504b0506'];

/**
 * Opens a folder, a zip or another file; the content tells the latter two apart.
 * @throws InvalidInputError for a zip that is cut off or damaged; the error of the system for a path that is not readable
 */
export async function openSource(path: string): Promise<OpenedSource> {
  // A link to a folder is named on purpose, and the folder's own name is part of the ids of its notes.
  const name = basename(await realpath(path));
  const stats = await stat(path);
  if (stats.isDirectory()) {
    const folder = await openFolder(path);
    const archive = { ...folder, openZip: ({ path: entry }: ArchiveEntry) => openZip(join(path, entry)) };
    return { source: { kind: 'archive', name, archive }, size: undefined, close: () => archive.close() };
  }
  // Reading a pipe would take its beginning away.
  if (stats.isFile() && (await startsAsZip(path))) {
    const archive = await openZip(path);
    return { source: { kind: 'archive', name, archive }, size: undefined, close: () => archive.close() };
  }
  const handle = await open(path, 'r');
  const stream = handle.createReadStream({ autoClose: false, ...(stats.isFile() ? { start: 0 } : {}) });
  return {
    source: { kind: 'text', name, bytes: stream as AsyncIterable<Uint8Array> },
    size: stats.isFile() ? stats.size : undefined,
    close: async () => {
      stream.destroy();
      await handle.close().catch(() => undefined);
    },
  };
}

async function startsAsZip(path: string): Promise<boolean> {
  const handle = await open(path, 'r');
  try {
    const { buffer, bytesRead } = await handle.read(Buffer.alloc(4), 0, 4, 0);
    return ZIP_STARTS.includes(buffer.toString('hex', 0, bytesRead));
  } finally {
    await handle.close();
  }
}
