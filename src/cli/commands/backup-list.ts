import { defineCommand } from '../command.ts';
import { snapshotsOutcome } from '../snapshot-output.ts';

export const backupListCommand = defineCommand({
  name: 'backup list',
  summary: 'list the backups on this machine, newest first',
  arguments: [],
  options: {},
  examples: [
    ['faiss-memory backup list', 'what restore can bring back'],
    [`faiss-memory backup list --json | jq -r '.snapshots[-1].name'`, 'the newest one'],
  ],
  run: async (context) => {
    const { backup, memory } = await context.app();
    return snapshotsOutcome(await backup.list(), 'on this machine', memory.timeZone);
  },
});
