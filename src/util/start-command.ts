import { statSync } from 'node:fs';
import { posix, win32 } from 'node:path';

/** A process as `spawn` and `execFile` start it without a shell. */
export interface Startable {
  readonly file: string;
  readonly args: readonly string[];
  /** Whether `args` are quoted already, as Windows wants them. */
  readonly windowsVerbatimArguments: boolean;
}

export interface Surroundings {
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly platform: NodeJS.Platform;
  /** Base of a command that is a relative path. */
  readonly workingDirectory: string;
  /** @default looks at the disk */
  readonly isFile?: (path: string) => boolean;
}

/**
 * Finds how to start a command that a settings file names, such as `npx`. On Windows such commands are batch files,
 * which Node.js neither finds by their short name nor starts without a shell; clients find and start them.
 * @throws Error for an argument that no batch file could be given as it is
 */
export function startable(command: string, args: readonly string[], surroundings: Surroundings): Startable {
  const plain = { file: command, args, windowsVerbatimArguments: false };
  if (surroundings.platform !== 'win32') return plain;
  const path = findOnWindows(command, surroundings);
  if (path === undefined) return plain;
  if (!/\.(bat|cmd)$/i.test(path)) return { ...plain, file: path };
  const line = [path, ...args].map(quoted).join(' ');
  return {
    file: variable(surroundings, 'ComSpec') ?? 'cmd.exe',
    // No start-up commands, no expansion of `!`, and only the outer quotation marks are taken off.
    args: ['/d', '/v:off', '/s', '/c', `"${line}"`],
    windowsVerbatimArguments: true,
  };
}

const USUAL_ENDINGS = '.COM;.EXE;.BAT;.CMD';

function findOnWindows(command: string, surroundings: Surroundings): string | undefined {
  const { workingDirectory, isFile = isFileOnDisk } = surroundings;
  const endings = (variable(surroundings, 'PATHEXT') ?? USUAL_ENDINGS).split(';').filter(Boolean);
  const hasEnding = endings.some((ending) => command.toLowerCase().endsWith(ending.toLowerCase()));
  const isPath = command.includes(win32.sep) || command.includes(posix.sep);
  const folders = isPath ? [workingDirectory] : foldersOf(variable(surroundings, 'PATH') ?? '');
  const names = hasEnding ? [command] : endings.map((ending) => command + ending.toLowerCase());
  return folders
    .flatMap((folder) => names.map((name) => win32.resolve(folder, name)))
    .find((path) => isFile(path));
}

function foldersOf(path: string): string[] {
  return path
    .split(win32.delimiter)
    .map((folder) => folder.trim().replace(/^"(.*)"$/, '$1'))
    .filter((folder) => win32.isAbsolute(folder));
}

/** Windows ignores the case of the names of variables; a copy of an environment does not. */
function variable({ env }: Surroundings, name: string): string | undefined {
  const found = Object.entries(env).find(([key]) => key.toLowerCase() === name.toLowerCase());
  return found?.[1];
}

function isFileOnDisk(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false })?.isFile() === true;
}

/** Between quotation marks all characters stand for themselves but those that `quoted` refuses. */
function quoted(text: string): string {
  const refused = /["%\r\n\0]/.exec(text)?.[0];
  if (refused !== undefined) {
    throw new Error(
      `${JSON.stringify(text)} cannot be given to a batch file, because of ${JSON.stringify(refused)}`,
    );
  }
  if (/^[\w\-./\\:@+~]+$/.test(text)) return text;
  return `"${text.replace(/\\+$/, (ends) => ends + ends)}"`;
}
