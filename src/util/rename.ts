import { renameSync, rmSync } from 'node:fs';
import { rename } from 'node:fs/promises';
import { setTimeout as delay } from 'node:timers/promises';
import { codeOf } from './caught.ts';

/**
 * The codes with which Windows refuses to rename a file or folder, or to replace one, that another program has open. Most
 * often it is a virus scanner or an indexer that looks at the new file, and is done in a moment.
 */
const IN_USE = new Set(['EPERM', 'EACCES', 'EBUSY']);
/** Together some two seconds. */
const WAITS_MS: readonly number[] = [10, 20, 50, 100, 200, 400, 600, 600];

export interface RenameOptions<Result> {
  /** @default that of the process */
  readonly platform?: NodeJS.Platform;
  /** Renames once. @default that of Node.js */
  readonly attempt?: (from: string, to: string) => Result;
}

/**
 * Renames a file or folder, replacing a file of that name; on Windows again and again while another program has it open.
 * @throws the error of the last attempt
 */
export async function renamePatiently(
  from: string,
  to: string,
  { platform = process.platform, attempt = rename }: RenameOptions<Promise<void>> = {},
): Promise<void> {
  for (const wait of waitsOn(platform)) {
    try {
      await attempt(from, to);
      return;
    } catch (error) {
      if (!isInUse(error)) throw error;
      await delay(wait);
    }
  }
  await attempt(from, to);
}

/** The same for code that may block its thread, such as that of SQLite. */
export function renamePatientlyBlocking(
  from: string,
  to: string,
  { platform = process.platform, attempt = renameSync }: RenameOptions<void> = {},
): void {
  for (const wait of waitsOn(platform)) {
    try {
      attempt(from, to);
      return;
    } catch (error) {
      if (!isInUse(error)) throw error;
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, wait);
    }
  }
  attempt(from, to);
}

export interface RemoveOptions {
  /** @default that of the process */
  readonly platform?: NodeJS.Platform;
  /** Removes once. @default that of Node.js */
  readonly attempt?: (path: string) => void;
}

/**
 * Removes a file of no more use, if it is there. Windows removes none that another program has open, not even one of two
 * names of it; such a file stays, for the removal of leftovers to find it later.
 */
export function removeUnlessInUse(
  path: string,
  { platform = process.platform, attempt = removeFile }: RemoveOptions = {},
): void {
  try {
    attempt(path);
  } catch (error) {
    if (platform !== 'win32' || !isInUse(error)) throw error;
  }
}

function removeFile(path: string): void {
  rmSync(path, { force: true });
}

function waitsOn(platform: NodeJS.Platform): readonly number[] {
  return platform === 'win32' ? WAITS_MS : [];
}

function isInUse(error: unknown): boolean {
  return IN_USE.has(String(codeOf(error)));
}
