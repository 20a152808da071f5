import * as z from 'zod/mini';
import { restoreData } from '../../api/sync-answers.ts';
import type { RestoreRequest, RestoreResult, WorkOptions } from '../../backup/backup-api.ts';
import { ConfirmationNeededError } from '../../errors/input-errors.ts';
import type { RouteData } from '../route.ts';

type Given = boolean | string | undefined;

/** The field of an operation that changes much: `true`, or the token of the dry run. */
export function confirmation(description: string): z.ZodMiniOptional<z.ZodMiniType<boolean | string>> {
  return z.optional(z.union([z.boolean(), z.string()])).check(z.describe(description));
}

/** `true` or the token, whether it came as JSON or in the query; undefined when nothing was confirmed. */
export function confirmed(given: Given): string | undefined {
  const word = String(given ?? '').trim();
  switch (word.toLowerCase()) {
    case '':
    case 'false':
      return undefined;
    case 'true':
      return 'true';
    default:
      return word;
  }
}

/** Local backups or the remote. */
interface RestoreTarget {
  restore(request: RestoreRequest, options?: WorkOptions): Promise<RestoreResult>;
}

interface ConfirmableRestore {
  readonly snapshot: string;
  readonly mode?: 'replace' | 'merge' | undefined;
  readonly dryRun?: boolean | undefined;
  /** `true`, or the token of a dry run. */
  readonly confirm: string | undefined;
}

/**
 * Restores a snapshot when the caller has confirmed it. `true` confirms whatever it is at this moment; a token only
 * what its dry run has shown.
 * @throws ConfirmationNeededError with the changes
 */
export async function restoreWhenConfirmed(
  target: RestoreTarget,
  { snapshot, mode = 'replace', dryRun = false, confirm }: ConfirmableRestore,
  work: WorkOptions,
): Promise<RouteData> {
  const request = { snapshot, mode };
  if (confirm !== undefined && confirm !== 'true' && !dryRun) {
    return restoreData(await target.restore({ ...request, confirm }, work));
  }
  const plan = await target.restore({ ...request, dryRun: true }, work);
  if (dryRun) return restoreData(plan);
  if (confirm === undefined) throw confirmationNeeded(plan);
  return restoreData(await target.restore({ ...request, confirm: plan.confirm }, work));
}

export function confirmationNeeded(plan: RestoreResult): ConfirmationNeededError {
  const { added, changed, removed } = plan.changes ?? NOTHING;
  // Each machine is merged for itself: one that would remove much holds back no other.
  const soFar =
    plan.undo === undefined ? 'nothing was changed yet' : 'only what would not remove many was merged yet';
  const { lately = 0 } = plan.waiting ?? {};
  const why = lately === 0 ? '' : `, after ${lately} that merges removed in the last 24 hours`;
  return new ConfirmationNeededError(
    `It would add ${added.count}, change ${changed.count} and remove ${removed.count} memories${why}; ${soFar}`,
    restoreData(plan),
  );
}

const NOTHING = { added: { count: 0 }, changed: { count: 0 }, removed: { count: 0 } };
