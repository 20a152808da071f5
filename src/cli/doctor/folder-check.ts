import { readdir, stat, statfs } from 'node:fs/promises';
import { join } from 'node:path';
import { byteSize } from '../render.ts';
import type { Check, Finding } from './check.ts';
import { remoteKind } from './remote-folder.ts';

const LOW_SPACE_BYTES = 512 * 1024 * 1024;
const OTHERS = 0o077;
const NAME = 'data folder';

/** Is the folder there, private, on a local disk, and is there space? */
export const folderCheck: Check = {
  name: NAME,
  run: async ({ host, settings: { dataDir } }) => {
    const folder = await stat(dataDir).catch(() => undefined);
    if (folder === undefined) {
      return [
        { check: NAME, status: 'ok', message: `${dataDir} does not exist yet; the first memory makes it` },
      ];
    }
    if (!folder.isDirectory()) {
      const fix = 'Move that file away, or set dataDir to a folder.';
      return [{ check: NAME, status: 'fail', message: `${dataDir} is not a folder`, fix }];
    }
    const modes = host.platform === 'win32' ? [] : [await checkModes(dataDir, folder.mode)];
    return [
      { check: NAME, status: 'ok', message: dataDir },
      ...modes,
      await checkSpace(dataDir),
      await checkPlace(dataDir),
    ];
  },
};

async function checkModes(dataDir: string, folderMode: number): Promise<Finding> {
  const open: string[] = (folderMode & OTHERS) === 0 ? [] : [dataDir];
  for (const entry of await readdir(dataDir, { withFileTypes: true })) {
    const path = join(dataDir, entry.name);
    const found = entry.isFile() ? await stat(path).catch(() => undefined) : undefined;
    if (found !== undefined && (found.mode & OTHERS) !== 0) open.push(path);
  }
  if (open.length === 0)
    return { check: 'permissions', status: 'ok', message: 'only you can read the files' };
  return {
    check: 'permissions',
    status: 'warn',
    message: `other users may read ${open.join(', ')}`,
    fix: `Run: chmod -R go= "${dataDir}"`,
  };
}

async function checkSpace(dataDir: string): Promise<Finding> {
  const { bavail, bsize } = await statfs(dataDir);
  const free = bavail * bsize;
  const message = `${byteSize(free)} free`;
  if (free >= LOW_SPACE_BYTES) return { check: 'disk space', status: 'ok', message };
  return { check: 'disk space', status: 'warn', message, fix: 'Free some space on this disk.' };
}

async function checkPlace(dataDir: string): Promise<Finding> {
  const kind = await remoteKind(dataDir);
  if (kind === undefined) return { check: 'disk', status: 'ok', message: 'local, as far as can be seen' };
  return {
    check: 'disk',
    status: 'warn',
    message: `the folder is in ${kind}, where several programs writing can damage a database`,
    fix: 'Move the folder to a local disk and set dataDir to it.',
  };
}
