import { mkdirSync, statSync } from 'node:fs';
import { dirname } from 'node:path';

/**
 * Creates a folder and its missing parents, by default accessible to this user only. Existing folders stay unchanged.
 * The recursive `mkdir` of Node.js does not end on a file system that answers "not found" for every new folder, as
 * /proc does.
 * @returns the created folders, the outermost first
 * @throws the error of the file system, for example EEXIST or ENOTDIR when a part of the path is a file
 */
export function createFolders(path: string, mode = 0o700): string[] {
  const missing: string[] = [];
  let folder = path;
  for (; statSync(folder, { throwIfNoEntry: false }) === undefined; folder = dirname(folder)) {
    missing.unshift(folder);
    if (dirname(folder) === folder) break;
  }
  // Raises the error of the file system for the file that is in the way.
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
