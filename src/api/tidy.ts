import type { BackupResult, WorkOptions } from '../backup/backup-api.ts';
import type { TidyRequest, TidyResult } from '../memory/memory-api.ts';
import { type Data, given, memoryData, similarData } from './memory-answers.ts';
import type { Services } from './services.ts';

/** A proposal, or its outcome. */
export interface Tidied {
  readonly result: TidyResult;
  /** The backup from before; null after a proposal, and when there was nothing to do. */
  readonly backup: BackupResult | null;
}

/**
 * Makes a proposal; with its token, makes a backup and then carries it out. Nothing changes when the backup fails.
 * @param request.confirm the token, or `true` for the proposal of this moment
 */
export async function tidyUp(
  { memory, backup }: Pick<Services, 'memory' | 'backup'>,
  { kinds, confirm }: TidyRequest,
  { signal, onProgress }: WorkOptions,
): Promise<Tidied> {
  const work = {
    signal,
    onProgress: ({ done, total }: { done: number; total: number }) =>
      onProgress?.({ step: 'comparing memories', done, total }),
  };
  const proposal = await memory.tidy({ kinds }, work);
  if (confirm === undefined || removedBy(proposal) === 0) return { result: proposal, backup: null };
  const token = confirm === 'true' ? proposal.confirm : confirm;
  // A token of another proposal fails before a backup is made.
  if (token !== proposal.confirm)
    return { result: await memory.tidy({ kinds, confirm }, work), backup: null };
  const made = await backup.backup({ kind: 'pre_tidy' }, { signal });
  return { result: await memory.tidy({ kinds, confirm: token }, work), backup: made };
}

/** How many memories a proposal would move to the trash. */
export function removedBy({ counts }: TidyResult): number {
  return counts.duplicates + counts.expired + counts.junk + counts.unused;
}

/** The same JSON for REST and `--json`. */
export function tidiedData({ result, backup }: Tidied): Data {
  const { dryRun, counts, compared, searched, removed, confirm } = result;
  const groups = ({ duplicates, contradictions, alike }: TidyResult): Data =>
    Object.fromEntries(
      Object.entries({ duplicates, contradictions, alike }).map(([name, list]) => [
        name,
        list.map((group) => ({ keep: memoryData(group.keep), others: group.duplicates.map(similarData) })),
      ]),
    );
  return {
    dry_run: dryRun,
    counts,
    ...(compared ? {} : { compared: false }),
    ...groups(result),
    expired: result.expired.map((memory) => memoryData(memory)),
    junk: result.junk.map((memory) => memoryData(memory)),
    unused: result.unused.map((memory) => memoryData(memory)),
    searched: {
      ...(searched.since === null ? {} : { since: new Date(searched.since).toISOString() }),
      searches: searched.searches,
      unused: searched.unused,
    },
    removed,
    ...given('confirm', confirm ?? ''),
    ...(backup === null ? {} : { undo: backup.snapshot.name }),
  };
}
