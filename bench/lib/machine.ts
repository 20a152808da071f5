import { execFileSync } from 'node:child_process';
import { cpus, loadavg, platform, arch, totalmem } from 'node:os';
import { packageVersion } from '../../src/util/package.ts';

/** What results depend on beside the program. Names no machine and no person. */
export interface MachineFacts {
  readonly version: string;
  /** Of the measured sources; with `+` when files differ from it. */
  readonly commit: string;
  readonly node: string;
  readonly system: string;
  readonly processor: string;
  readonly cores: number;
  readonly memoryGiB: number;
}

export function machineFacts(): MachineFacts {
  return {
    version: packageVersion(),
    commit: commit(),
    node: process.version,
    system: `${platform()} ${arch()}`,
    processor: cpus()[0]?.model.trim() ?? 'unknown',
    cores: cpus().length,
    memoryGiB: Math.round(totalmem() / 1_024 ** 3),
  };
}

/** Processes that want to run, over the last minute: above the number of cores, times are longer. */
export function load(): number {
  return Number((loadavg()[0] ?? NaN).toFixed(1));
}

function commit(): string {
  const git = (...args: string[]): string => execFileSync('git', args, { encoding: 'utf8' }).trim();
  try {
    const changed = git('status', '--porcelain', '--untracked-files=no') === '' ? '' : '+';
    return git('rev-parse', '--short', 'HEAD') + changed;
  } catch {
    return 'unknown';
  }
}
