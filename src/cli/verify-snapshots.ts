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
  checkOnly: toggle('--check-only', 'do not repair from the memories what is damaged'),
};

export async function verifySnapshots(
  context: CommandContext,
  options: OptionValues<typeof verifyOptions>,
  verify: (request: VerifyRequest, options: WorkOptions) => Promise<VerifyResult>,
): Promise<CommandOutcome> {
  const { level, snapshot, checkOnly } = options;
  return verifyOutcome(
    await longWork(context, (work) => verify({ level, snapshot, heal: !checkOnly }, work)),
  );
}
