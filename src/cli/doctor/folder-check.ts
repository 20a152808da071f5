import { spawn } from 'node:child_process';
import { readdir, stat, statfs } from 'node:fs/promises';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { packagePath } from '../../util/package.ts';
import { byteSize } from '../render.ts';
import type { Check, Finding } from './checks.ts';
import { remoteKind } from './disk-kind.ts';

const LOW_SPACE_BYTES = 512 * 1024 * 1024;
const OTHERS = 0o077;
const NAME = 'data folder';
const TRIAL_LIMIT_MS = 12_000;

/** Can the folder be used, is it private, on a local disk, and is there space? */
export const folderCheck: Check = {
  name: NAME,
  waitsFor: {
    what: 'the data folder',
    fix: 'Check that its disk answers, or choose another one with MEMORY_DATA_DIR.',
  },
  run: async ({ host, settings: { dataDir } }) => {
    const problem = await tryFolder(dataDir);
    if (problem !== undefined) return [problem];
    const folder = await stat(dataDir).catch(() => undefined);
    if (folder === undefined) {
      const message = `${dataDir} does not exist yet; the first memory makes it, and a trial could`;
      return [{ check: NAME, status: 'ok', message }];
    }
    const modes = host.platform === 'win32' ? [] : [await checkModes(dataDir, folder.mode)];
    return [
      { check: NAME, status: 'ok', message: dataDir },
      ...modes,
      await checkSpace(dataDir),
      await checkPlace(dataDir, host.platform),
    ];
  },
};

/**
 * Writes, renames, deletes and locks, in a process of its own: a network share that does not answer would block this one
 * for ever. @returns undefined when all of it works
 */
async function tryFolder(dataDir: string): Promise<Finding | undefined> {
  const program = packagePath('dist', 'store', 'try-folder.js');
  const child = spawn(process.execPath, [program, dataDir], {
    stdio: ['ignore', 'pipe', 'ignore'],
    windowsHide: true,
  });
  let last: TrialLine = { step: 'starting the trial' };
  await new Promise<void>((resolve) => {
    const timer = setTimeout(() => {
      child.kill('SIGKILL');
      child.unref();
      child.stdout.destroy();
      resolve();
    }, TRIAL_LIMIT_MS);
    const end = (): void => {
      clearTimeout(timer);
      resolve();
    };
    const lines = createInterface({ input: child.stdout });
    lines.on('line', (line) => {
      last = JSON.parse(line) as TrialLine;
    });
    lines.once('close', end);
    child.once('error', end);
  });
  return findingOf(last, dataDir);
}

/** The output of the trial; the last line tells how it ended. */
interface TrialLine {
  readonly step?: string;
  readonly failed?: string;
  readonly fix?: string;
}

function findingOf({ step, failed, fix }: TrialLine, dataDir: string): Finding | undefined {
  if (failed !== undefined) {
    return { check: NAME, status: 'fail', message: failed, ...(fix === undefined ? {} : { fix }) };
  }
  if (step === undefined) return undefined;
  return {
    check: NAME,
    status: 'fail',
    message: `${dataDir} does not answer: ${step} did not end within ${TRIAL_LIMIT_MS / 1_000} s`,
    fix: 'Check that the disk or the network share answers, or choose a folder on a local disk with MEMORY_DATA_DIR.',
  };
}

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

async function checkPlace(dataDir: string, platform: NodeJS.Platform): Promise<Finding> {
  const kind = await remoteKind(dataDir, platform);
  if (kind === undefined) return { check: 'disk', status: 'ok', message: 'local, as far as can be seen' };
  return {
    check: 'disk',
    status: 'warn',
    message: `the folder is in ${kind}, where several programs writing can damage a database`,
    fix: 'Move the folder to a local disk and set dataDir to it.',
  };
}
