import { defineCommand, oneOf, toggle } from '../command.ts';
import { restoreOptions, restoreSnapshot } from '../restore-snapshot.ts';

export const restoreCommand = defineCommand({
  name: 'restore',
  summary: 'set the memories back to a backup, or merge one',
  details:
    'Shows what would change, and asks. Memories that the backup does not have go to the trash. A backup is made before it, which undoes it.',
  arguments: [{ name: '<snapshot>', doc: 'name or id; "backup list" and "sync snapshots" show them' }],
  options: {
    from: oneOf('--from <place>', ['local', 'remote'], 'where the snapshot is (default: local)'),
    merge: toggle('--merge', 'only take in what is not here, remove nothing that it does not know'),
    ...restoreOptions,
  },
  examples: [
    ['faiss-memory restore manual_20260131_120000 --dry-run', 'what would change?'],
    ['faiss-memory restore manual_20260131_120000', 'restore it, after a question'],
    ['faiss-memory restore manual_20260131_120000 --from remote --merge', 'take in what it has more'],
  ],
  run: async (context, { args: [snapshot], options }) => {
    const { backup, sync } = await context.app();
    const place = options.from === 'remote' ? sync : backup;
    const request = { snapshot, mode: options.merge ? 'merge' : 'replace' } as const;
    const restore = place.restore.bind(place);
    return restoreSnapshot(context, restore, { request, choices: options });
  },
});
