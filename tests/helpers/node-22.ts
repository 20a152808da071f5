import { execFile } from 'node:child_process';
import { tmpdir } from 'node:os';
import { promisify } from 'node:util';

const NEEDED = 22;
const run = promisify(execFile);

/**
 * Path of a Node of version 22 or later: this one, or else the binary that npm distributes, which stays in the
 * cache of npm.
 */
export async function findNode22(): Promise<string> {
  if (Number.parseInt(process.versions.node, 10) >= NEEDED) return process.execPath;
  const platform = process.platform === 'win32' ? 'win' : process.platform;
  const name = `node-${platform}-${process.arch}@${NEEDED}`;
  const print = ['--', 'node', '-p', 'process.execPath'];
  // In a folder of no project, so that no other Node is found there.
  const { stdout } = await run('npm', ['exec', '--yes', '--prefer-offline', `--package=${name}`, ...print], {
    cwd: tmpdir(),
  });
  return stdout.trim();
}
