import type { CommandDeclaration, CommandGroup } from './command.ts';
import { addCommand } from './commands/add.ts';
import { backupListCommand } from './commands/backup-list.ts';
import { backupPassphraseCommand } from './commands/backup-passphrase.ts';
import { backupPinCommand, backupUnpinCommand } from './commands/backup-pin.ts';
import { backupPruneCommand } from './commands/backup-prune.ts';
import { backupVerifyCommand } from './commands/backup-verify.ts';
import { backupCommand } from './commands/backup.ts';
import { completionCommand } from './commands/completion.ts';
import { configCommand } from './commands/config.ts';
import { deleteCommand } from './commands/delete.ts';
import { doctorCommand } from './commands/doctor.ts';
import { exportCommand } from './commands/export.ts';
import { getCommand } from './commands/get.ts';
import { importCommand } from './commands/import.ts';
import { initCommand } from './commands/init.ts';
import { listCommand } from './commands/list.ts';
import { reembedCommand } from './commands/reembed.ts';
import { restoreDeletedCommand } from './commands/restore-deleted.ts';
import { restoreCommand } from './commands/restore.ts';
import { searchCommand } from './commands/search.ts';
import { serveCommand } from './commands/serve.ts';
import { statsCommand } from './commands/stats.ts';
import { syncDoctorCommand } from './commands/sync-doctor.ts';
import { syncForgetCommand } from './commands/sync-forget.ts';
import { syncMachinesCommand } from './commands/sync-machines.ts';
import { syncPruneCommand } from './commands/sync-prune.ts';
import { syncPullCommand } from './commands/sync-pull.ts';
import { syncPushCommand } from './commands/sync-push.ts';
import { syncRestoreCommand } from './commands/sync-restore.ts';
import { syncSnapshotsCommand } from './commands/sync-snapshots.ts';
import { syncStatusCommand } from './commands/sync-status.ts';
import { syncVerifyCommand } from './commands/sync-verify.ts';
import { updateCommand } from './commands/update.ts';

/** Words that only stand before other commands, with what they are about. */
export const commandGroups: readonly CommandGroup[] = [
  { name: 'sync', summary: 'keep backups at a remote, and share memories between machines' },
];

/** All commands in the order of the help. */
export const commandList: readonly CommandDeclaration[] = [
  serveCommand,
  initCommand,
  addCommand,
  searchCommand,
  listCommand,
  getCommand,
  updateCommand,
  deleteCommand,
  restoreDeletedCommand,
  statsCommand,
  exportCommand,
  importCommand,
  backupCommand,
  backupListCommand,
  backupVerifyCommand,
  backupPinCommand,
  backupUnpinCommand,
  backupPruneCommand,
  backupPassphraseCommand,
  restoreCommand,
  syncStatusCommand,
  syncPushCommand,
  syncPullCommand,
  syncSnapshotsCommand,
  syncRestoreCommand,
  syncVerifyCommand,
  syncPruneCommand,
  syncMachinesCommand,
  syncForgetCommand,
  syncDoctorCommand,
  reembedCommand,
  doctorCommand,
  configCommand,
  completionCommand,
];
