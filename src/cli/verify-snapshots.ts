import type { VerifyRequest, VerifyResult, WorkOptions } from '../backup/backup-api.ts';
import {
  type CommandContext,
  type CommandOutcome,
  oneOf,
  type OptionValues,
  toggle,
  value,
} from './command.ts';
import { longWork } from './long-work.ts';
import { verifyOutcome } from './snapshot-output.ts';

/** Options of every command that checks snapshots. */
export const verifyOptions = {
  level: oneOf(
    '--level <level>',
    ['sizes', 'hashes', 'content', 'drill'],
    'how deep (default: hashes); drill restores into a scratch store and compares',
  ),
  snapshot: value('--snapshot <name>', 'only this one'),
  noHeal: toggle('--no-heal', 'do not repair what is damaged from the memories'),
};

export async function verifySnapshots(
  context: CommandContext,
  options: OptionValues<typeof verifyOptions>,
  verify: (request: VerifyRequest, options: WorkOptions) => Promise<VerifyResult>,
): Promise<CommandOutcome> {
  const { level, snapshot, noHeal } = options;
  return verifyOutcome(await longWork(context, (work) => verify({ level, snapshot, heal: !noHeal }, work)));
}
