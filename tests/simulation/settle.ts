import { RepositoryDamagedError } from '../../src/errors/backup-errors.ts';
import type { WriteHistory } from '../helpers/write-history.ts';
import { MANY_WRITES } from './adversary.ts';
import { BrokenPromise } from './broken-promise.ts';
import type { MachineProcess, SimulatedMachine } from './simulated-machine.ts';

export interface SettleParts {
  readonly machines: readonly SimulatedMachine[];
  readonly trace: string[];
  /** False when somebody else wrote to the bucket; then the machines follow the advice of the refusals. */
  readonly isHonest: boolean;
}

/** Everybody pushes and pulls, without faults, until nobody learns anything new. */
export async function settle({ machines, trace, isHonest }: SettleParts): Promise<void> {
  for (let round = 0; round < 4; round += 1) {
    for (const { process, number } of machines) {
      trace.push(`${number} push and pull at the end`);
      if (isHonest) await process.sync.push();
      else await pushWithRepairs(process);
      await pullAll(process);
    }
  }
}

async function pushWithRepairs({ sync }: MachineProcess): Promise<void> {
  try {
    await sync.push();
  } catch (error) {
    // A machine without writes merges before its first push, so a false claim can refuse that too.
    if (!(error instanceof RepositoryDamagedError)) throw error;
    await sync.repairCounters({ fix: true });
    await sync.push();
  }
  await sync.repairCounters({ fix: true });
  await sync.verify();
}

async function pullAll({ sync }: MachineProcess): Promise<void> {
  try {
    const { confirm } = await sync.pull();
    if (confirm !== undefined) await sync.pull({ confirm });
  } catch (error) {
    // A head that a fault has damaged stays, under the identity that its owner gave up.
    if (!(error instanceof RepositoryDamagedError)) throw error;
  }
}

/** Its own writes are the one thing that every machine knows best. */
export function checkCounters(machines: readonly SimulatedMachine[]): void {
  for (const { folder, number } of machines) {
    const { machine, table } = folder.replica;
    const made = table.clock[machine] ?? 0;
    if (made > MANY_WRITES) throw new BrokenPromise(`machine ${number} believes to have made ${made} writes`);
  }
}

/** All machines end in one state, and lose no write. */
export function checkEnd(machines: readonly SimulatedMachine[], history: WriteHistory): void {
  const digests = machines.map(({ folder }) => folder.replica.table.digests().stateDigest);
  if (new Set(digests).size > 1)
    throw new BrokenPromise(`the machines end in different states: ${digests.join(' ')}`);
  for (const { folder, number } of machines) {
    const lost = history.lostIn(folder.replica.table);
    if (lost.length > 0) throw new BrokenPromise(`machine ${number} has lost ${lost.join(', ')}`);
  }
}
