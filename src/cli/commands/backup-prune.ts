import { confirmed, defineCommand } from '../command.ts';
import { chosenPolicy, pruneOutcome, pruneQuestion, retentionOptions } from '../snapshot-output.ts';

export const backupPruneCommand = defineCommand({
  name: 'backup prune',
  summary: 'remove old backups from this machine',
  details: 'Happens by itself once an hour at most. What the retention keeps, stays; pinned backups too.',
  arguments: [],
  options: retentionOptions,
  examples: [
    ['faiss-memory backup prune', 'by the configured retention'],
    ['faiss-memory backup prune --keep-last 3 --hourly 0 --yes', 'keep less, without a question'],
  ],
  run: async (context, { options }) => {
    const policy = chosenPolicy(options, context.config().settings.backup);
    if (!(await confirmed(context, pruneQuestion(policy, 'on this machine'), options.yes))) return NOTHING;
    const { backup } = await context.app();
    return pruneOutcome(await backup.prune({ policy }));
  },
});

const NOTHING = { data: { dropped: [] }, text: 'Nothing was removed.' };
