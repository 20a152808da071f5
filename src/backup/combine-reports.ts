import type { ChangeList, ChangeReport } from '../store/replica-store.ts';

const MAX_EXAMPLES = 5;

/** Several applications, in their order, as one. Null for none. */
export function combineReports(reports: readonly ChangeReport[]): ChangeReport | null {
  const [first, ...rest] = reports;
  if (first === undefined) return null;
  return rest.reduce(
    (sum, next): ChangeReport => ({
      applied: sum.applied && next.applied,
      held: sum.held || next.held,
      added: combineLists(sum.added, next.added),
      changed: combineLists(sum.changed, next.changed),
      removed: combineLists(sum.removed, next.removed),
      conflicts: sum.conflicts + next.conflicts,
      reusedDots: sum.reusedDots + next.reusedDots,
      missingIds: sum.missingIds + next.missingIds,
      keptErased: sum.keptErased + next.keptErased,
      before: sum.before,
      after: next.after,
    }),
    first,
  );
}

function combineLists(a: ChangeList, b: ChangeList): ChangeList {
  return { count: a.count + b.count, examples: [...a.examples, ...b.examples].slice(0, MAX_EXAMPLES) };
}
