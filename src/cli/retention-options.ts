import type { PruneRequest } from '../backup/backup-api.ts';
import type { Settings } from '../config/schema.ts';
import { type OptionValues, toggle, value } from './command.ts';
import { parseInteger } from './parse-integer.ts';

/** Options of every command that removes old snapshots. */
export const retentionOptions = {
  keepLast: value('--keep-last <count>', 'keep the newest ones; these and the next: default as configured'),
  hourly: value('--hourly <count>', 'keep the newest of so many hours'),
  daily: value('--daily <count>', 'keep the newest of so many days'),
  weekly: value('--weekly <count>', 'keep the newest of so many weeks'),
  monthly: value('--monthly <count>', 'keep the newest of so many months'),
  yes: toggle('-y, --yes', 'do not ask'),
};

type Policy = NonNullable<PruneRequest['policy']>;

/** The configured policy with what the options say instead. */
export function chosenPolicy(
  options: OptionValues<typeof retentionOptions>,
  { keepLast, hourly, daily, weekly, monthly }: Settings['backup'],
): Policy {
  return {
    keepLast: parseInteger('--keep-last', options.keepLast) ?? keepLast,
    hourly: parseInteger('--hourly', options.hourly) ?? hourly,
    daily: parseInteger('--daily', options.daily) ?? daily,
    weekly: parseInteger('--weekly', options.weekly) ?? weekly,
    monthly: parseInteger('--monthly', options.monthly) ?? monthly,
  };
}

/** What will be asked. */
export function pruneQuestion({ keepLast, hourly, daily, weekly, monthly }: Policy, where: string): string {
  return (
    `Remove this machine's old snapshots ${where}, keeping pinned ones, the newest ${keepLast}, ` +
    `and the newest of ${hourly} hours, ${daily} days, ${weekly} weeks and ${monthly} months?`
  );
}
