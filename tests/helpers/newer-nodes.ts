import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync, mkdirSync } from 'node:fs';
import { packagePath } from '../../src/util/package.ts';

/** The versions of Node.js with an SQLite of their own that the tests run with, besides the one that runs them. */
export const NEWER_MAJORS = [22, 24] as const;

/**
 * Path of a Node.js from npm's packages named `node`, which is kept in `.cache` for the next time.
 * @returns undefined where it cannot be installed, for example without the network
 */
export function findNode(major: number): string | undefined {
  const folder = packagePath('.cache', `node-${major}`);
  const path = packagePath('.cache', `node-${major}`, 'node_modules', 'node', 'bin', 'node');
  if (!existsSync(path)) {
    mkdirSync(folder, { recursive: true });
    const args = ['install', '--no-save', '--no-audit', '--no-fund', '--prefix', folder, `node@${major}`];
    spawnSync('npm', args, { timeout: 120_000, stdio: 'ignore' });
  }
  return runs(path, major) ? path : undefined;
}

function runs(path: string, major: number): boolean {
  try {
    return execFileSync(path, ['--version'], { encoding: 'utf8' }).startsWith(`v${major}.`);
  } catch {
    return false;
  }
}
