import { readFile } from 'node:fs/promises';
import { fullSnapshotData, uploadData } from '../../api/sync-answers.ts';
import { UsageError } from '../../errors/input-errors.ts';
import { SecretString } from '../../util/secret-string.ts';
import { visibleLine } from '../../util/visible-text.ts';
import {
  type CommandDeclaration,
  confirmed,
  defineCommand,
  longWork,
  oneOf,
  toggle,
  value,
} from '../command.ts';
import { byteSize, count } from '../render.ts';
import { restoreOptions, restoreSnapshot } from '../restore-snapshot.ts';
import {
  chosenPolicy,
  NOTHING_PRUNED,
  describePush,
  pruneOutcome,
  pruneQuestion,
  pushBackup,
  retentionOptions,
  snapshotsOutcome,
  verifyOptions,
  verifySnapshots,
} from '../snapshot-output.ts';

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
  writes: () => true,
  run: async (context, { options }) => {
    const { backup } = await context.app();
    const request = { kind: options.name, pinned: options.pin };
    const made = await longWork(context, (work) => backup.backup(request, work));
    const push = context.config().settings.sync.enabled ? await pushBackup(context, made) : null;
    const { snapshot, outcome, bytesWritten } = made;
    const line =
      outcome === 'written'
        ? `Backed up ${count(snapshot.live, 'memory', 'memories')}: ${visibleLine(snapshot.name)} (${byteSize(bytesWritten)} written).`
        : `Nothing changed since ${visibleLine(snapshot.name)}.`;
    return {
      data: uploadData(made, push),
      text: push === null ? line : `${line}\n${describePush(push)}`,
    };
  },
});

export const backupListCommand = defineCommand({
  name: 'backup list',
  summary: 'list the backups on this machine, newest first',
  arguments: [],
  options: {},
  examples: [
    ['faiss-memory backup list', 'what restore can bring back'],
    [`faiss-memory backup list --json | jq -r '.backups[0].name'`, 'the newest one'],
  ],
  run: async (context) => {
    const { backup, memory } = await context.app();
    return snapshotsOutcome(await backup.list(), {
      name: 'backups',
      where: 'on this machine',
      zone: memory.timeZone,
    });
  },
});

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
      return { data: fullSnapshotData(snapshot), text };
    },
  });
}

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
    if (!(await confirmed(context, pruneQuestion(policy, 'on this machine'), options.yes)))
      return NOTHING_PRUNED;
    const { backup } = await context.app();
    return pruneOutcome(await backup.prune({ policy }));
  },
});

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
  writes: ({ options }) => !options.dryRun,
  run: async (context, { args: [snapshot], options }) => {
    const { backup, sync } = await context.app();
    const place = options.from === 'remote' ? sync : backup;
    const request = { snapshot, mode: options.merge ? 'merge' : 'replace' } as const;
    const restore = place.restore.bind(place);
    return restoreSnapshot(context, restore, { request, choices: options });
  },
});
