import type { CommandDeclaration } from './command.ts';

/**
 * Commands that people and scripts call most. They are loaded alone: what all commands need together takes longer to load
 * than a search takes.
 */
const ALONE: Readonly<Record<string, () => Promise<CommandDeclaration>>> = {
  search: async () => (await import('./commands/find.ts')).searchCommand,
  list: async () => (await import('./commands/find.ts')).listCommand,
  get: async () => (await import('./commands/find.ts')).getCommand,
  stats: async () => (await import('./commands/find.ts')).statsCommand,
  add: async () => (await import('./commands/write.ts')).addCommand,
  update: async () => (await import('./commands/write.ts')).updateCommand,
  delete: async () => (await import('./commands/delete.ts')).deleteCommand,
};

/** The commands that a command line may mean: one where its first word says which, none for the version, else all. */
export async function findCommands([word = '']: readonly string[]): Promise<readonly CommandDeclaration[]> {
  if (word === '--version' || word === '-V') return [];
  const load = Object.hasOwn(ALONE, word) ? ALONE[word] : undefined;
  return load === undefined ? allCommands() : [await load()];
}

export async function allCommands(): Promise<readonly CommandDeclaration[]> {
  return (await import('./command-list.ts')).commandList;
}
