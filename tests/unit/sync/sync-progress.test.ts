import { describe, expect, test } from 'vitest';
import type { Progress, WorkOptions } from '../../../src/backup/backup-api.ts';
import { MemoryBucket, MemoryMachine } from '../../helpers/sync/memory-machine.ts';

type Work = (machine: MemoryMachine, options: WorkOptions) => Promise<unknown>;

const CALLS: readonly (readonly [string, Work])[] = [
  ['machines', (machine, options) => machine.sync.machines(options)],
  ['snapshots', (machine, options) => machine.sync.snapshots(options)],
  ['status', (machine, options) => machine.sync.status(options)],
  ['pull', (machine, options) => machine.sync.pull(options)],
  ['verify', (machine, options) => machine.sync.verify({ level: 'content' }, options)],
];

/** A bucket of four machines, and one of them. */
async function fourMachines(): Promise<{ bucket: MemoryBucket; machine: MemoryMachine }> {
  const bucket = new MemoryBucket();
  const machines = Array.from({ length: 4 }, () => new MemoryMachine(bucket));
  for (const machine of machines) {
    machine.add('one');
    await machine.sync.push();
  }
  const [machine = new MemoryMachine(bucket)] = machines;
  return { bucket, machine };
}

describe('reading the lists of all machines', () => {
  test.each(CALLS)('%s says how far it is', async (_, call) => {
    const { machine } = await fourMachines();
    const shown: Progress[] = [];
    await call(machine, { onProgress: (progress) => shown.push(progress) });
    expect(shown).toContainEqual({ step: 'reading machines', done: 4, total: 4 });
  });

  test.each(CALLS)('%s ends when it is cancelled, before the next list', async (_, call) => {
    const { bucket, machine } = await fourMachines();
    const controller = new AbortController();
    let heads = 0;
    bucket.onCall = ({ key }) => {
      if (key.endsWith('/head')) heads += 1;
    };
    const onProgress = ({ step }: Progress): void => {
      if (step !== 'listing machines') return;
      heads = 0;
      controller.abort();
    };
    await expect(call(machine, { signal: controller.signal, onProgress })).rejects.toThrow();
    expect(heads).toBe(0);
  });
});

test('a merge and a restore say when memories begin to change', async () => {
  const { machine } = await fourMachines();
  for (const call of [
    (options: WorkOptions) => machine.sync.pull(options),
    async (options: WorkOptions) => {
      const snapshot = (await machine.sync.snapshots()).at(0)?.id ?? '';
      const { confirm } = await machine.sync.restore({ mode: 'replace', snapshot, dryRun: true });
      return machine.sync.restore(
        { mode: 'replace', snapshot, ...(confirm === undefined ? {} : { confirm }) },
        options,
      );
    },
  ]) {
    const steps: string[] = [];
    await call({ onProgress: ({ step }) => steps.push(step) });
    expect(steps).toContainEqual(expect.stringMatching(/^(?:merging|replacing) memories$/));
  }
});
