import { defineCommand, toggle } from '../command.ts';
import { restoreOptions, restoreSnapshot } from '../restore-snapshot.ts';

export const syncRestoreCommand = defineCommand({
  name: 'sync restore',
  summary: 'set the memories back to a snapshot of the remote; the same as "restore --from remote"',
  arguments: [{ name: '<snapshot>', doc: 'name, machine/name or id; "sync snapshots" shows them' }],
  options: {
    merge: toggle('--merge', 'only take in what is not here, remove nothing that it does not know'),
    ...restoreOptions,
  },
  examples: [
    ['faiss-memory sync restore auto_20260131_120000 --dry-run', 'what would change?'],
    ['faiss-memory sync restore 3f9a0c1d2e4b5a69/auto_20260131_120000', "another machine's"],
  ],
  run: async (context, { args: [snapshot], options }) => {
    const { sync } = await context.app();
    const request = { snapshot, mode: options.merge ? 'merge' : 'replace' } as const;
    return restoreSnapshot(context, (...call) => sync.restore(...call), { request, choices: options });
  },
});
