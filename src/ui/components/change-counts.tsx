import type { RestoreAnswer } from '../types.ts';

interface ChangeCountsProps {
  readonly plan: RestoreAnswer;
  /** What happens to those that are not here now. */
  readonly added: 'come back' | 'are new';
}

/** What a restore or a merge would do, in numbers. */
export function ChangeCounts({ plan, added }: ChangeCountsProps) {
  const { changed, removed, warnings = [] } = plan;
  return (
    <>
      <dl class="counts">
        <Count title={added} number={plan.added} />
        <Count title="change" number={changed} />
        <Count title="go to the trash" number={removed} />
      </dl>
      {warnings.map((warning) => (
        <p class="warning" key={warning}>
          {warning}
        </p>
      ))}
      <p class="hint">A snapshot of the memories as they are now is made before, so this can be undone.</p>
    </>
  );
}

function Count({ title, number }: { readonly title: string; readonly number: number }) {
  return (
    <div>
      <dt>{title}</dt>
      <dd>{number.toLocaleString()}</dd>
    </div>
  );
}
