import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { packagePath } from '../../../src/util/package-path.ts';
import { temporaryFolder } from '../mcp/server-environment.ts';
import type { MachineRun, SyncMachine } from './sync-machine.ts';

const PRELOAD = `--import ${packagePath('tests', 'helpers', 'sync', 'kill-preload.mjs')}`;

/** Runs a command to its end. @returns its steps by name, as `runKilledAt` counts them from 1 */
export async function stepsOf(machine: SyncMachine, args: readonly string[]): Promise<string[]> {
  const log = join(temporaryFolder(), 'steps');
  const run = await machine.run(args, { environment: { NODE_OPTIONS: PRELOAD, KILL_LOG: log } });
  if (run.code !== 0) throw new Error(`${args.join(' ')} ended with ${run.code}: ${run.stderr}`);
  return readFileSync(log, 'utf8').trimEnd().split('\n');
}

/** Runs a command that dies by SIGKILL at a step, unless it has fewer. */
export function runKilledAt(
  machine: SyncMachine,
  step: number,
  args: readonly string[],
): Promise<MachineRun> {
  return machine.run(args, { environment: { NODE_OPTIONS: PRELOAD, KILL_AT: String(step) } });
}
