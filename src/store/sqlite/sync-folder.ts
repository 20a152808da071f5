import { closeSync, fsyncSync, openSync } from 'node:fs';

/** Makes names that were created or renamed in a folder survive a power cut. Windows needs and offers no such call. */
export function syncFolder(folder: string): void {
  if (process.platform === 'win32') return;
  const handle = openSync(folder, 'r');
  try {
    fsyncSync(handle);
  } finally {
    closeSync(handle);
  }
}
