import type { CommandDeclaration } from './command.ts';
import { addCommand } from './commands/add.ts';
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
import { searchCommand } from './commands/search.ts';
import { serveCommand } from './commands/serve.ts';
import { statsCommand } from './commands/stats.ts';
import { updateCommand } from './commands/update.ts';

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
  reembedCommand,
  doctorCommand,
  configCommand,
  completionCommand,
];
