import { randomUUID } from 'node:crypto';
import { open, rename, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { UsageError } from '../errors/input-errors.ts';

/** A file that appears complete or not at all. */
export interface AtomicFile {
  write(text: string): Promise<void>;
  /** Makes it durable and puts it in its place, over an older file. */
  commit(): Promise<void>;
  /** Removes the unfinished file; does nothing after `commit`. */
  discard(): Promise<void>;
}

/**
 * Opens a file beside `path`, readable by its owner only.
 * @throws UsageError when it cannot be created
 */
export async function createAtomicFile(path: string): Promise<AtomicFile> {
  const temporary = join(dirname(path), `.${randomUUID()}.tmp`);
  const handle = await open(temporary, 'wx', 0o600).catch((error: unknown) => {
    throw cannotWrite(path, error);
  });
  let finished = false;
  return {
    write: async (text) => {
      await handle.appendFile(text);
    },
    commit: async () => {
      await handle.sync();
      await handle.close();
      await rename(temporary, path).catch((error: unknown) => {
        throw cannotWrite(path, error);
      });
      finished = true;
      await syncFolder(dirname(path));
    },
    discard: async () => {
      if (finished) return;
      await handle.close().catch(() => undefined);
      await rm(temporary, { force: true });
    },
  };
}

/** @param path the file that was asked for */
export function cannotWrite(path: string, error: unknown): UsageError {
  const reason = error instanceof Error ? error.message : String(error);
  return new UsageError(
    `${path} cannot be written: ${reason}`,
    'Name a file in a folder that you may write.',
  );
}

/** The new name must survive a power cut too; not every file system allows to ask for it. */
async function syncFolder(path: string): Promise<void> {
  try {
    const folder = await open(path, 'r');
    await folder.sync().finally(() => folder.close());
  } catch {
    // Windows has no such operation; the rename itself is done.
  }
}
