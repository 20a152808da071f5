import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createWriteStream } from 'node:fs';
import { access, chmod, constants, mkdir, readdir, rename, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { delimiter, join, resolve } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { packagePath } from '../../../src/util/package.ts';

/** Where unpacked programs are kept between runs; never inside the repository. */
const cacheFolder = join(tmpdir(), 'faiss-memory-test-servers');

export interface BinaryName {
  /** Environment variable with the path of the program, for example `MINIO_BIN`. */
  readonly variable: string;
  /** Name of the command in PATH and start of the file name in `TEST_SERVERS_DIR`. */
  readonly command: string;
}

/**
 * Finds a program by environment variable, in PATH, then in the binary folders, plain or as `.xz`. Null when there
 * is none. A variable that names no program is an error.
 */
export async function findBinary({ variable, command }: BinaryName): Promise<string | null> {
  const named = process.env[variable] ?? '';
  if (named !== '') {
    if (await isProgram(named)) return named;
    throw new Error(`${variable} is ${named}, which is not an executable file`);
  }
  for (const folder of (process.env['PATH'] ?? '').split(delimiter)) {
    if (await isProgram(join(folder, command))) return join(folder, command);
  }
  for (const folder of binaryFolders()) {
    const found = await findInFolder(folder, command);
    if (found !== null) return found;
  }
  return null;
}

/** `TEST_SERVERS_DIR`, or what `scripts/get-test-servers.mjs` fills and a folder beside the repository. */
function binaryFolders(): string[] {
  const named = process.env['TEST_SERVERS_DIR'] ?? '';
  return named === '' ? [packagePath('.cache', 'test-servers'), packagePath('..', 'shared', 'bin')] : [named];
}

async function findInFolder(folder: string, command: string): Promise<string | null> {
  const names = await readdir(folder).catch(() => []);
  const name = names.find((candidate) => candidate === command || candidate.startsWith(`${command}-`));
  if (name === undefined) return null;
  const path = resolve(folder, name);
  return name.endsWith('.xz') ? unpack(path, name.slice(0, -'.xz'.length)) : path;
}

async function unpack(archive: string, name: string): Promise<string> {
  const { size, mtimeMs } = await stat(archive);
  const target = join(cacheFolder, `${name}-${size}-${Math.floor(mtimeMs)}`);
  if (await isProgram(target)) return target;
  await mkdir(cacheFolder, { recursive: true });
  const partial = `${target}.${process.pid}`;
  const xz = spawn('xz', ['--decompress', '--stdout', archive], { stdio: ['ignore', 'pipe', 'inherit'] });
  await Promise.all([once(xz, 'exit'), pipeline(xz.stdout, createWriteStream(partial))]);
  if (xz.exitCode !== 0) throw new Error(`xz could not unpack ${archive}`);
  await chmod(partial, 0o755);
  // Another test file may have been faster; both results are the same.
  await rename(partial, target);
  return target;
}

async function isProgram(path: string): Promise<boolean> {
  return access(path, constants.X_OK).then(
    () => true,
    () => false,
  );
}
