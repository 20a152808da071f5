import { existsSync, readdirSync, readFileSync, realpathSync, rmSync } from 'node:fs';
import { rm, writeFile } from 'node:fs/promises';
import { defaultDataFolder, type Environment, pathsOf } from '../../config/environment.ts';
import { InstallError } from '../../errors/input-errors.ts';
import { createFolders, writeDurably } from '../../util/durable-file.ts';
import type { LaunchCommand } from '../clients/clients.ts';
import { copyProgram, COPIED_ENTRY, type ProgramCopy } from './program-copy.ts';
import { tryServer } from './try-server.ts';
import { codeOf } from '../../util/caught.ts';
import { renamePatiently } from '../../util/rename.ts';

/** One installed version. */
export interface InstalledVersion {
  /** Name of its folder: the version, with a part of the digest when another build of that version is there too. */
  readonly folder: string;
  readonly version: string;
  readonly digest: string;
}

/** The installation of this user. */
export interface Installation {
  /** Absolute path of the folder with all versions. */
  readonly root: string;
  /** The file that clients start; it loads the current version. */
  readonly launcher: string;
  readonly current: InstalledVersion | null;
  /** The version before the current one. */
  readonly previous: InstalledVersion | null;
  readonly versions: readonly InstalledVersion[];
}

const LAUNCHER = 'faiss-memory.mjs';
const FACTS = 'installed.json';
const STATE = 'versions.json';
const INCOMING = '.incoming-';
/** Versions that were replaced longer ago are removed with the next upgrade; a server that still runs one may lack a file then. */
const KEEP_REPLACED_MS = 30 * 24 * 3_600_000;

/** Contents of `versions.json`. */
interface State {
  readonly current: string;
  readonly previous: string | null;
  /** Folder name to the time it was replaced, in milliseconds since the epoch. */
  readonly replaced: Readonly<Record<string, number>>;
}

/** The folder of all versions: inside the default folder for data, also when the memories are elsewhere. */
export function appFolder(environment: Environment): string {
  return pathsOf(environment).join(defaultDataFolder(environment), 'app');
}

/** Looks at the disk; never throws for missing or foreign files. */
export function readInstallation(environment: Environment): Installation {
  const root = appFolder(environment);
  const versions = foldersIn(root).flatMap((folder) => readVersion(root, folder));
  const state = readState(root);
  const find = (folder: string | null): InstalledVersion | null =>
    versions.find((version) => version.folder === folder) ?? null;
  return {
    root,
    launcher: pathsOf(environment).join(root, LAUNCHER),
    current: find(state.current),
    previous: find(state.previous),
    versions,
  };
}

/**
 * Copies the program beside the versions that are there, and starts it once as a client would. Nothing uses it yet.
 * @returns the version; the one that is there already when it has the same content
 * @throws InstallError when it cannot be copied, or does not start
 */
export async function installVersion(
  program: ProgramCopy,
  environment: Environment,
): Promise<InstalledVersion> {
  const { root, versions } = readInstallation(environment);
  const same = versions.find(({ digest }) => digest === program.digest);
  if (same !== undefined) return same;
  const paths = pathsOf(environment);
  const incoming = paths.join(root, `${INCOMING}${process.pid}`);
  const { version, digest } = program;
  const folder = versions.some((installed) => installed.version === version)
    ? `${version}-${digest.slice(0, 8)}`
    : version;
  const installed: InstalledVersion = { folder, version, digest };
  try {
    createFolders(root);
    removeAbandoned(root);
    await copyProgram(program, incoming);
    await tryCopy(incoming, environment);
    await writeFile(paths.join(incoming, FACTS), `${JSON.stringify(installed, undefined, 2)}\n`, {
      mode: 0o600,
    });
    await renamePatiently(incoming, paths.join(root, folder));
  } catch (cause) {
    throw cause instanceof InstallError ? cause : new InstallError(version, paths.join(root, folder), cause);
  } finally {
    await rm(incoming, { recursive: true, force: true, maxRetries: 3 });
  }
  return installed;
}

async function tryCopy(folder: string, environment: Environment): Promise<void> {
  const paths = pathsOf(environment);
  // The handshake opens no memories; a folder of its own makes sure of it.
  const trial = paths.join(folder, '.trial');
  const command = { command: process.execPath, args: [paths.join(folder, ...COPIED_ENTRY)] };
  const env = { ...environment.env, MEMORY_DATA_DIR: trial };
  // Not in the folder: Windows renames none that a process works in.
  await tryServer(command, { env, platform: environment.platform, workingDirectory: paths.dirname(folder) });
  await rm(trial, { recursive: true, force: true, maxRetries: 3 });
}

/** Makes all clients start this version from their next start on; running servers go on with theirs. */
export async function switchTo(
  version: InstalledVersion,
  environment: Environment,
  now: number,
): Promise<Installation> {
  const { root, launcher, current } = readInstallation(environment);
  const state = readState(root);
  const replaced = Object.fromEntries(
    Object.entries(state.replaced).filter(([folder]) => folder !== version.folder),
  );
  const isNew = current?.folder !== version.folder;
  if (isNew && current !== null) replaced[current.folder] = now;
  const next: State = {
    current: version.folder,
    previous: isNew ? (current?.folder ?? null) : state.previous,
    replaced,
  };
  await writeDurably({ path: launcher, data: launcherText(version.folder), mode: 0o600 });
  await writeDurably({
    path: pathsOf(environment).join(root, STATE),
    data: `${JSON.stringify(next, undefined, 2)}\n`,
  });
  await removeOld(root, next, now);
  return readInstallation(environment);
}

/** A static import costs nothing measurable at the start, and is replaced in one step. */
function launcherText(folder: string): string {
  const entry = ['.', encodeURIComponent(folder), ...COPIED_ENTRY].join('/');
  return `// Starts faiss-memory. "faiss-memory upgrade" replaces this file.\nimport '${entry}';\n`;
}

/** How clients start the installed program. */
export function installedLaunchCommand(
  environment: Environment,
  env: Readonly<Record<string, string>> = {},
): LaunchCommand {
  const { launcher } = readInstallation(environment);
  const command = stableNode(process.execPath, environment.platform);
  return { command, args: [launcher], ...(Object.keys(env).length === 0 ? {} : { env }) };
}

/** Folders with a version in their path that the next update of Node.js removes, with the lasting path beside them. */
const LASTING: readonly (readonly [pattern: RegExp, lasting: string])[] = [
  [/^(.*)\/Cellar\/(node(?:@\d+)?)\/[^/]+\/bin\/node$/, '$1/opt/$2/bin/node'],
  [/^\/snap\/node\/\d+\/bin\/node$/, '/snap/node/current/bin/node'],
];

/** A path of this Node.js that stays right when a package manager updates it. */
export function stableNode(
  path: string,
  platform: NodeJS.Platform,
  resolve: (path: string) => string = realpathSync,
): string {
  if (platform === 'win32') return path;
  for (const [pattern, lasting] of LASTING) {
    if (!pattern.test(path)) continue;
    const candidate = path.replace(pattern, lasting);
    try {
      if (resolve(candidate) === resolve(path)) return candidate;
    } catch {
      // There is no such path on this machine.
    }
  }
  return path;
}

/** Removes every version and the launcher. @returns whether there was anything */
export async function removeInstallation(environment: Environment): Promise<boolean> {
  const { root } = readInstallation(environment);
  if (!existsSync(root)) return false;
  await rm(root, { recursive: true, force: true, maxRetries: 3 });
  return true;
}

async function removeOld(root: string, { current, previous, replaced }: State, now: number): Promise<void> {
  for (const [folder, time] of Object.entries(replaced)) {
    if (folder === current || folder === previous || now - time < KEEP_REPLACED_MS) continue;
    // On Windows the files of a running server cannot be removed; the next upgrade tries again.
    await rm(`${root}/${folder}`, { recursive: true, force: true }).catch(() => undefined);
  }
}

/** The remains of a killed installation. Another one that runs now has a process of its own. */
function removeAbandoned(root: string): void {
  for (const name of foldersIn(root)) {
    const pid = name.startsWith(INCOMING) ? Number(name.slice(INCOMING.length)) : NaN;
    if (!Number.isInteger(pid) || pid <= 0 || isRunning(pid)) continue;
    rmSync(`${root}/${name}`, { recursive: true, force: true });
  }
}

function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return codeOf(error) === 'EPERM';
  }
}

function foldersIn(root: string): string[] {
  try {
    return readdirSync(root, { withFileTypes: true }).flatMap((entry) =>
      entry.isDirectory() ? [entry.name] : [],
    );
  } catch {
    return [];
  }
}

function readVersion(root: string, folder: string): InstalledVersion[] {
  const facts = readJson(`${root}/${folder}/${FACTS}`);
  const { version, digest } = facts;
  if (folder.startsWith(INCOMING) || typeof version !== 'string' || typeof digest !== 'string') return [];
  return [{ folder, version, digest }];
}

function readState(root: string): State {
  const { current, previous, replaced } = readJson(`${root}/${STATE}`);
  const times = Object.entries(typeof replaced === 'object' && replaced !== null ? replaced : {});
  return {
    current: typeof current === 'string' ? current : '',
    previous: typeof previous === 'string' ? previous : null,
    replaced: Object.fromEntries(
      times.filter(
        (entry): entry is [string, number] => typeof entry[1] === 'number' && !/[/\\]|^\./.test(entry[0]),
      ),
    ),
  };
}

function readJson(path: string): Readonly<Record<string, unknown>> {
  try {
    const value: unknown = JSON.parse(readFileSync(path, 'utf8'));
    return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {};
  } catch {
    return {};
  }
}
