import { spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';

export interface ProgramRun {
  readonly ms: number;
  /** Peak resident memory in MB; 0 where the system does not report it. */
  readonly peakMb: number;
  readonly output: Record<string, unknown>;
}

/** Where measured programs write their profiles, when they are wanted. */
export const PROFILES = join('bench', 'results', 'profiles');

/**
 * Parameters of Node.js that run the built program, profiled when this process is.
 * @param folder of the checkout whose program it is
 */
export function programCommand(args: readonly string[] = [], folder = ''): string[] {
  const profiled =
    process.env['BENCH_PROFILES'] === undefined ? [] : ['--cpu-prof', `--cpu-prof-dir=${PROFILES}`];
  return [...profiled, join(folder, 'dist', 'bin', 'faiss-memory.js'), ...args];
}

const POLL_MS = 20;

/** Runs the built program with `--json` to its end. @throws Error with its output when it fails */
export async function runProgram(
  args: readonly string[],
  env: Readonly<Record<string, string>>,
): Promise<ProgramRun> {
  const start = performance.now();
  const child = spawn(process.execPath, programCommand([...args, '--json']), {
    env: { ...process.env, ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let peakMb = 0;
  const poll = setInterval(() => {
    peakMb = Math.max(peakMb, peakOf(child.pid));
  }, POLL_MS);
  let stdout = '';
  let stderr = '';
  child.stdout.on('data', (chunk: Buffer) => (stdout += chunk.toString()));
  child.stderr.on('data', (chunk: Buffer) => (stderr += chunk.toString()));
  const code = await new Promise<number | null>((resolve) => child.once('close', resolve));
  clearInterval(poll);
  if (code !== 0) throw new Error(`${args.join(' ')} ended with ${code}: ${stdout}${stderr}`);
  return { ms: performance.now() - start, peakMb, output: JSON.parse(stdout) as Record<string, unknown> };
}

/** Peak resident memory in MB. The kernel records the peak, so polling rarely misses it. */
function peakOf(pid: number | undefined): number {
  try {
    const status = readFileSync(`/proc/${pid ?? 0}/status`, 'utf8');
    return Number(/VmHWM:\s+(\d+)/.exec(status)?.[1] ?? 0) / 1_024;
  } catch {
    return 0;
  }
}
