import { defineCommand } from '../command.ts';
import { describeMachines, machineData } from '../describe-sync.ts';

export const syncMachinesCommand = defineCommand({
  name: 'sync machines',
  summary: 'list the machines that upload to the remote',
  arguments: [],
  options: {},
  examples: [['faiss-memory sync machines', 'who writes there, and what of it is not here?']],
  run: async (context) => {
    const { sync, memory } = await context.app();
    const machines = await sync.machines();
    const text =
      machines.length === 0
        ? 'No machine has uploaded anything yet.'
        : describeMachines(machines, memory.timeZone);
    return { data: { machines: machines.map(machineData) }, text };
  },
});
