import { open, realpath } from 'node:fs/promises';
import { resolve } from 'node:path';
import { addAbortSignal } from 'node:stream';
import { UsageError } from '../errors/input-errors.ts';
import { cannotWrite } from './atomic-file.ts';
import type { Host } from './host.ts';

/** Where an import reads. */
export interface ImportSource {
  readonly bytes: AsyncIterable<Uint8Array>;
  /** Bytes in all; undefined where it is not known. */
  readonly size: number | undefined;
  close(): Promise<void>;
}

/**
 * @param name a file, or - for stdin
 * @param signal ends the waiting for stdin; a file is only read while it is asked for
 * @throws UsageError when it cannot be read
 */
export async function openImportSource(host: Host, name: string, signal: AbortSignal): Promise<ImportSource> {
  // Without an encoding, streams give their chunks as bytes.
  if (name === '-') {
    return {
      bytes: addAbortSignal(signal, host.stdin) as AsyncIterable<Uint8Array>,
      size: undefined,
      close: () => Promise.resolve(),
    };
  }
  const path = resolve(host.workingDirectory, name);
  const handle = await open(path, 'r').catch((error: unknown) => {
    throw cannotRead(path, error);
  });
  const stats = await handle.stat();
  if (stats.isDirectory()) {
    await handle.close();
    throw new UsageError(`${path} is a folder`, 'Name a file with one memory a line.');
  }
  const stream = handle.createReadStream({ autoClose: false });
  return {
    bytes: stream as AsyncIterable<Uint8Array>,
    size: stats.isFile() ? stats.size : undefined,
    close: async () => {
      stream.destroy();
      await handle.close().catch(() => undefined);
    },
  };
}

/** Takes the lines that were not imported. */
export interface RejectsFile {
  write(bytes: Uint8Array): Promise<void>;
  close(): Promise<void>;
}

/** @throws UsageError when it cannot be written, or is the file that is read */
export async function openRejectsFile(host: Host, name: string, source: string): Promise<RejectsFile> {
  const path = resolve(host.workingDirectory, name);
  const read = resolve(host.workingDirectory, source);
  if (source !== '-' && (await realPath(path)) === (await realPath(read))) {
    throw new UsageError('--rejects names the file that is imported', 'Name another file.');
  }
  const handle = await open(path, 'w', 0o600).catch((error: unknown) => {
    throw cannotWrite(path, error);
  });
  return {
    write: async (bytes) => {
      await handle.appendFile(bytes);
    },
    close: async () => {
      await handle.sync().finally(() => handle.close());
    },
  };
}

function realPath(path: string): Promise<string> {
  return realpath(path).catch(() => path);
}

function cannotRead(path: string, error: unknown): UsageError {
  const reason = error instanceof Error ? error.message : String(error);
  return new UsageError(`${path} cannot be read: ${reason}`, 'Name a readable file, or - for stdin.');
}
