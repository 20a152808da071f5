import { type CommandDeclaration, defineCommand } from '../command.ts';
import { snapshotData } from '../snapshot-output.ts';

export const backupPinCommand = pinning(true, {
  name: 'backup pin',
  summary: 'keep a backup whatever the retention says',
  examples: [['faiss-memory backup pin manual_20260131_120000', 'keep it']],
});

export const backupUnpinCommand = pinning(false, {
  name: 'backup unpin',
  summary: 'let the retention decide about a backup again',
  examples: [['faiss-memory backup unpin manual_20260131_120000', 'no longer keep it']],
});

function pinning(
  pinned: boolean,
  about: Pick<CommandDeclaration, 'name' | 'summary' | 'examples'>,
): CommandDeclaration {
  return defineCommand({
    ...about,
    arguments: [{ name: '<snapshot>', doc: 'name or id; "backup list" shows them' }],
    options: {},
    run: async (context, { args: [query = ''] }) => {
      const { backup } = await context.app();
      const snapshot = await backup.setPinned(query, pinned);
      const text = pinned ? `${snapshot.name} is pinned.` : `${snapshot.name} is no longer pinned.`;
      return { data: { snapshot: snapshotData(snapshot) }, text };
    },
  });
}
