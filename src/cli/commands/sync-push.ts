import { defineCommand, longWork } from '../command.ts';
import { describePush, pushData } from '../snapshot-output.ts';

export const syncPushCommand = defineCommand({
  name: 'sync push',
  summary: 'back up what changed, and upload what the remote lacks',
  arguments: [],
  options: {},
  examples: [['faiss-memory sync push', 'ends when the remote has confirmed it']],
  run: async (context) => {
    const { sync } = await context.app();
    const push = await longWork(context, (work) => sync.push(work));
    return { data: pushData(push), text: describePush(push) };
  },
});
