import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';

const LIMIT_MS = 180_000;
const MAX_REASON = 600;

/**
 * Installs a package file with its dependencies in a temporary folder, runs the work with the package's folder, and
 * removes it. npm takes from its cache what is there, and asks the registry for the rest.
 * @param tarball absolute path of a file made by `npm pack`
 * @throws Error with the last words of npm
 */
export async function withUnpackedPackage<Result>(
  tarball: string,
  work: (folder: string) => Promise<Result>,
): Promise<Result> {
  const folder = await mkdtemp(join(tmpdir(), 'faiss-memory-upgrade-'));
  try {
    await writeFile(join(folder, 'package.json'), '{"private": true}\n');
    const options = ['--omit=dev', '--ignore-scripts', '--prefer-offline', '--no-audit', '--no-fund'];
    await runNpm(['install', ...options, tarball], folder);
    return await work(join(folder, 'node_modules', 'faiss-memory'));
  } finally {
    await rm(folder, { recursive: true, force: true, maxRetries: 3 });
  }
}

async function runNpm(args: readonly string[], cwd: string): Promise<void> {
  const script = npmScripts(process.execPath).find((path) => existsSync(path));
  const [command, first] = script === undefined ? ['npm', []] : [process.execPath, [script]];
  try {
    await promisify(execFile)(command, [...first, ...args], { cwd, timeout: LIMIT_MS, windowsHide: true });
  } catch (error) {
    const { stderr } = error as { stderr?: unknown };
    const words = typeof stderr === 'string' && stderr.trim() !== '' ? stderr.trim() : String(error);
    throw new Error(`npm could not install it: ${words.slice(-MAX_REASON)}`, { cause: error });
  }
}

/** npm's own script, which needs no shell on Windows: beside node there, below lib elsewhere. */
export function npmScripts(node: string): string[] {
  const script = join('node_modules', 'npm', 'bin', 'npm-cli.js');
  return [join(dirname(node), script), join(dirname(node), '..', 'lib', script)];
}
