import { defineCommand, longWork, toggle, value } from '../command.ts';
import { describePush, pushBackup, pushData, snapshotData } from '../snapshot-output.ts';
import { byteSize, count } from '../render.ts';

export const backupCommand = defineCommand({
  name: 'backup',
  summary: 'make a backup of all memories now, and upload it when sync is on',
  details:
    'Backups are made by themselves too. After the first one only changes are written, into backups/ in the data folder.',
  arguments: [],
  options: {
    name: value('--name <word>', 'what its name begins with, instead of "manual"'),
    pin: toggle('--pin', 'keep it until it is unpinned'),
  },
  examples: [
    ['faiss-memory backup', 'back up now'],
    ['faiss-memory backup --name before_cleanup --pin', 'one that is kept'],
    ['faiss-memory backup list', 'the backups on this machine'],
  ],
  run: async (context, { options }) => {
    const { backup } = await context.app();
    const request = { kind: options.name, pinned: options.pin };
    const made = await longWork(context, (work) => backup.backup(request, work));
    const push = context.config().settings.sync.enabled ? await pushBackup(context, made) : null;
    const { snapshot, outcome, bytesWritten } = made;
    const line =
      outcome === 'written'
        ? `Backed up ${count(snapshot.live, 'memory', 'memories')}: ${snapshot.name} (${byteSize(bytesWritten)} written).`
        : `Nothing changed since ${snapshot.name}.`;
    return {
      data: {
        outcome,
        bytesWritten,
        snapshot: snapshotData(snapshot),
        push: push === null ? null : pushData(push),
      },
      text: push === null ? line : `${line}\n${describePush(push)}`,
    };
  },
});
