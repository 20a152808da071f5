import { defineCommand } from '../command.ts';
import { verifyOptions, verifySnapshots } from '../snapshot-output.ts';

export const backupVerifyCommand = defineCommand({
  name: 'backup verify',
  summary: 'check the backups on this machine',
  details: 'The exit code is 1 when something is damaged and could not be repaired.',
  arguments: [],
  options: verifyOptions,
  examples: [
    ['faiss-memory backup verify', 'does every file have the bytes that were written?'],
    ['faiss-memory backup verify --level drill', 'can the newest backup be restored?'],
  ],
  run: async (context, { options }) => {
    const { backup } = await context.app();
    return verifySnapshots(context, options, (request, work) => backup.verify(request, work));
  },
});
