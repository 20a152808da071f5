import { confirmed, defineCommand } from '../command.ts';
import { chosenPolicy, pruneOutcome, pruneQuestion, retentionOptions } from '../snapshot-output.ts';

export const syncPruneCommand = defineCommand({
  name: 'sync prune',
  summary: "remove this machine's old snapshots from the remote",
  details: "Other machines' snapshots are theirs: nobody else removes them.",
  arguments: [],
  options: retentionOptions,
  examples: [['faiss-memory sync prune --yes', 'by the configured retention, without a question']],
  run: async (context, { options }) => {
    const policy = chosenPolicy(options, context.config().settings.backup);
    if (!(await confirmed(context, pruneQuestion(policy, 'at the remote'), options.yes))) return NOTHING;
    const { sync } = await context.app();
    return pruneOutcome(await sync.prune({ policy }));
  },
});

const NOTHING = { data: { dropped: [] }, text: 'Nothing was removed.' };
