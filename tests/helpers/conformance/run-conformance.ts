import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { text } from 'node:stream/consumers';
import { promisify } from 'node:util';

const NEEDED = 22;
const run = promisify(execFile);

/**
 * Path of a Node of version 22 or later: this one, or else the binary that npm distributes, which stays in the
 * cache of npm.
 */
async function findNode22(): Promise<string> {
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

const PACKAGE = resolve('node_modules/@modelcontextprotocol/conformance');
const SUITE = join(PACKAGE, 'dist/index.js');

export interface ConformanceCheck {
  readonly id: string;
  readonly status: 'SUCCESS' | 'FAILURE' | 'WARNING' | 'SKIPPED' | 'INFO';
  readonly errorMessage?: string;
}

/** The checks of each scenario. */
export type ConformanceReport = ReadonlyMap<string, readonly ConformanceCheck[]>;

/** Runs every server scenario of the official suite that this version of the protocol has. */
export async function runConformance(url: string, specVersion: string): Promise<ConformanceReport> {
  const folder = mkdtempSync(join(tmpdir(), 'faiss-memory-conformance-'));
  try {
    const options = ['--url', url, '--suite', 'all', '--spec-version', specVersion, '--output-dir', folder];
    const child = spawn(await findNode22(), [SUITE, 'server', ...options], {
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    const [output] = await Promise.all([text(child.stdout), text(child.stderr), once(child, 'close')]);
    const report = readReport(folder);
    if (report.size === 0) throw new Error(`the conformance suite left no results: ${output}`);
    return report;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

function readReport(folder: string): ConformanceReport {
  return new Map(
    readdirSync(folder).map((name) => {
      const scenario = /^server-(.+)-\d{4}-\d\d-\d\dT/.exec(name)?.[1] ?? name;
      const checks = readFileSync(join(folder, name, 'checks.json'), 'utf8');
      return [scenario, JSON.parse(checks) as ConformanceCheck[]];
    }),
  );
}

/** The scenarios that servers of this version of the protocol must pass; none where the suite has no list of them. */
export function requiredScenarios(specVersion: string): string[] {
  const file = join(PACKAGE, 'requirements', `${specVersion}.yaml`);
  if (!existsSync(file)) return [];
  const [, servers = ''] = /^server:\n((?: {2}- .+\n)+)/m.exec(readFileSync(file, 'utf8')) ?? [];
  return [...servers.matchAll(/^ {2}- (\S+)/gm)].map(([, scenario = '']) => scenario);
}

/** What did not succeed, as `STATUS id`; what is only told is no problem. */
export function problems(checks: readonly ConformanceCheck[]): string[] {
  return checks
    .filter(({ status }) => status !== 'SUCCESS' && status !== 'INFO')
    .map(({ status, id }) => `${status} ${id}`);
}
