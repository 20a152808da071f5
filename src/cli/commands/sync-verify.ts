import { defineCommand } from '../command.ts';
import { verifyOptions, verifySnapshots } from '../snapshot-output.ts';

export const syncVerifyCommand = defineCommand({
  name: 'sync verify',
  summary: "check this machine's snapshots at the remote",
  details: 'The exit code is 1 when something is damaged and could not be repaired.',
  arguments: [],
  options: verifyOptions,
  examples: [
    ['faiss-memory sync verify --level sizes', 'is everything there? Cheap: only lists'],
    ['faiss-memory sync verify --level drill', 'can the newest snapshot be restored?'],
  ],
  run: async (context, { options }) => {
    const { sync } = await context.app();
    return verifySnapshots(context, options, (request, work) => sync.verify(request, work));
  },
});
