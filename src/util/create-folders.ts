import { mkdirSync, statSync } from 'node:fs';
import { dirname } from 'node:path';

/**
 * Creates a folder and its missing parents, by default for this user alone; existing folders are left alone. The recursive `mkdir` of
 * Node.js never ends where a file system answers "not found" for every new folder, as /proc does.
 * @returns the folders that were created, the outermost first
 * @throws the error of the file system, or ENOTDIR when one of them is a file
 */
export function createFolders(path: string, mode = 0o700): string[] {
  const missing: string[] = [];
  let folder = path;
  for (; statSync(folder, { throwIfNoEntry: false }) === undefined; folder = dirname(folder)) {
    missing.unshift(folder);
    if (dirname(folder) === folder) break;
  }
  // Says what is in the way as the file system does.
  if (missing.length === 0 && !statSync(folder).isDirectory()) mkdirSync(folder);
  return missing.filter((next) => createFolder(next, mode));
}

/** @returns false when another process was faster */
function createFolder(path: string, mode: number): boolean {
  try {
    mkdirSync(path, { mode });
    return true;
  } catch (error) {
    const exists = error instanceof Error && 'code' in error && error.code === 'EEXIST';
    if (!exists || !statSync(path).isDirectory()) throw error;
    return false;
  }
}
