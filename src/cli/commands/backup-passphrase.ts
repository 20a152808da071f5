import { readFile } from 'node:fs/promises';
import { UsageError } from '../../errors/input-errors.ts';
import { SecretString } from '../../util/secret-string.ts';
import { defineCommand, value } from '../command.ts';

const SHORTEST = 8;

export const backupPassphraseCommand = defineCommand({
  name: 'backup passphrase',
  summary: 'change the passphrase of encrypted backups',
  details:
    'The present passphrase must be configured; the new one is read from a file, so that it stands in no process list. ' +
    'Backups are not written again: only their keys are wrapped anew. Then set CLOUD_SYNC_PASSPHRASE (or its file) to ' +
    'the new passphrase for this machine; the next push brings the key to the remote. Each machine has its own.',
  arguments: [],
  options: { newFile: value('--new-file <path>', 'file with the new passphrase') },
  examples: [['faiss-memory backup passphrase --new-file ~/.config/new-passphrase', 'change it']],
  run: async (context, { options: { newFile } }) => {
    if (newFile === undefined) {
      throw new UsageError('--new-file is missing', 'Write the new passphrase into a file and name it.');
    }
    const passphrase = (await readFile(newFile, 'utf8').catch(() => '')).trim();
    if (passphrase.length < SHORTEST) {
      const problem = `${newFile} holds no passphrase of at least ${SHORTEST} characters`;
      throw new UsageError(problem, 'Write the new passphrase into it, alone.');
    }
    const { backup } = await context.app();
    await backup.changePassphrase(new SecretString(passphrase));
    const text =
      'The passphrase is changed. Set CLOUD_SYNC_PASSPHRASE (or CLOUD_SYNC_PASSPHRASE_FILE) to the new one now; ' +
      'the next "faiss-memory sync push" changes it at the remote.';
    return { data: { changed: true }, text };
  },
});
