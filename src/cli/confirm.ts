import { UsageError } from '../errors/input-errors.ts';
import type { CommandContext } from './command.ts';

/**
 * Asks before something that matters. `yes` answers for the user; without it and without a terminal the
 * question cannot be asked. @throws UsageError then
 */
export async function confirmed(context: CommandContext, question: string, yes: boolean): Promise<boolean> {
  if (yes) return true;
  const { output, signal } = context;
  if (!output.interactive || output.json) {
    throw new UsageError(`${question} Nobody can answer here`, 'Add --yes to go ahead.');
  }
  return output.confirm(question, signal);
}
