import { defineCommand } from '../command.ts';
import { restoreOptions, restoreSnapshot } from '../restore-snapshot.ts';

export const syncPullCommand = defineCommand({
  name: 'sync pull',
  summary: 'merge what other machines uploaded',
  details:
    'Removes only what another machine deleted knowingly. A merge that would remove more than 20 memories and more than 30 % of all asks first.',
  arguments: [],
  options: restoreOptions,
  examples: [
    ['faiss-memory sync pull', 'take in what is new'],
    ['faiss-memory sync pull --dry-run', 'what would change?'],
  ],
  run: async (context, { options }) => {
    const { sync } = await context.app();
    return restoreSnapshot(
      context,
      (request, work) =>
        request.dryRun === true
          ? sync.restore(request, work)
          : sync.pull({ ...work, ...(request.confirm === undefined ? {} : { confirm: request.confirm }) }),
      { request: { mode: 'merge' }, choices: options },
    );
  },
});
