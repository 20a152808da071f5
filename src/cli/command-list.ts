import type { CommandDeclaration } from './command.ts';
import {
  accountAddCommand,
  accountInviteCommand,
  accountListCommand,
  accountPasswordCommand,
  accountRemoveCommand,
  accountRotateCommand,
} from './commands/account.ts';
import { addCommand, updateCommand } from './commands/write.ts';
import { backfillCommand } from './commands/backfill.ts';
import {
  backupCommand,
  backupListCommand,
  backupPassphraseCommand,
  backupPinCommand,
  backupPruneCommand,
  backupUnpinCommand,
  backupVerifyCommand,
  restoreCommand,
} from './commands/backup.ts';
import { completionCommand } from './commands/completion.ts';
import { configCommand } from './commands/config.ts';
import {
  conversationsDeleteCommand,
  conversationsExportCommand,
  conversationsListCommand,
  conversationsShowCommand,
} from './commands/conversations.ts';
import { deleteCommand, restoreDeletedCommand } from './commands/delete.ts';
import { doctorCommand } from './commands/doctor.ts';
import { exportCommand } from './commands/export.ts';
import { getCommand, listCommand, searchCommand, statsCommand } from './commands/find.ts';
import { guideCommand } from './commands/guide.ts';
import { hookCommand } from './commands/hook.ts';
import { importCommand } from './commands/import.ts';
import { initCommand } from './commands/init.ts';
import { modelCommand, modelUseCommand } from './commands/model.ts';
import { moveCommand } from './commands/move.ts';
import { reembedCommand } from './commands/reembed.ts';
import { serveCommand } from './commands/serve.ts';
import {
  syncDoctorCommand,
  syncForgetCommand,
  syncMachinesCommand,
  syncPruneCommand,
  syncPullCommand,
  syncPushCommand,
  syncRestoreCommand,
  syncSnapshotsCommand,
  syncStatusCommand,
  syncVerifyCommand,
} from './commands/sync.ts';
import { tidyCommand } from './commands/tidy.ts';
import {
  spaceAuditCommand,
  spaceCopyCommand,
  spaceCreateCommand,
  spaceGrantCommand,
  spaceListCommand,
  spaceMembersCommand,
  spaceRemoveCommand,
  spaceRestoreCommand,
  spaceRevokeCommand,
} from './commands/space.ts';
import { upgradeCommand } from './commands/upgrade.ts';
import {
  tokenCreateCommand,
  tokenListCommand,
  tokenRevokeCommand,
  userAddCommand,
  userEraseCommand,
  userExportCommand,
  userInviteCommand,
  userListCommand,
  userRemoveCommand,
} from './commands/user.ts';

/** All commands in the order of the help. */
export const commandList: readonly CommandDeclaration[] = [
  guideCommand,
  serveCommand,
  initCommand,
  hookCommand,
  upgradeCommand,
  addCommand,
  searchCommand,
  listCommand,
  getCommand,
  updateCommand,
  deleteCommand,
  restoreDeletedCommand,
  statsCommand,
  tidyCommand,
  exportCommand,
  importCommand,
  moveCommand,
  conversationsListCommand,
  conversationsShowCommand,
  conversationsDeleteCommand,
  conversationsExportCommand,
  backfillCommand,
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
  userAddCommand,
  userListCommand,
  userInviteCommand,
  userRemoveCommand,
  userExportCommand,
  userEraseCommand,
  tokenCreateCommand,
  tokenListCommand,
  tokenRevokeCommand,
  spaceCreateCommand,
  spaceListCommand,
  spaceMembersCommand,
  spaceGrantCommand,
  spaceRevokeCommand,
  spaceCopyCommand,
  spaceAuditCommand,
  spaceRemoveCommand,
  spaceRestoreCommand,
  modelCommand,
  modelUseCommand,
  reembedCommand,
  accountListCommand,
  accountAddCommand,
  accountInviteCommand,
  accountPasswordCommand,
  accountRemoveCommand,
  accountRotateCommand,
  doctorCommand,
  configCommand,
  completionCommand,
];
