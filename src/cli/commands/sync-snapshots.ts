import { defineCommand } from '../command.ts';
import { snapshotsOutcome } from '../snapshot-output.ts';

export const syncSnapshotsCommand = defineCommand({
  name: 'sync snapshots',
  summary: "list all machines' snapshots at the remote, newest first",
  arguments: [],
  options: {},
  examples: [['faiss-memory sync snapshots', 'what "sync restore" can bring back']],
  run: async (context) => {
    const { sync, memory } = await context.app();
    return snapshotsOutcome(await sync.snapshots(), 'at the remote', memory.timeZone);
  },
});
