import type { RunningWork } from './use-work.ts';
import { Problem } from './notice.tsx';

/** How far long work is, with a way to end it. */
export function WorkInProgress({
  work: { progress, problem, cancel },
}: {
  readonly work: Pick<RunningWork<unknown>, 'progress' | 'problem' | 'cancel'>;
}) {
  return (
    <>
      <Problem text={problem} />
      {progress === null ? null : (
        <div class="work" role="status">
          <span>
            {progress.step.charAt(0).toUpperCase() + progress.step.slice(1)} {progress.done.toLocaleString()}
            {progress.total === undefined ? '' : ` of ${progress.total.toLocaleString()}`}
          </span>
          <progress
            max={progress.total ?? 1}
            {...(progress.total === undefined ? {} : { value: progress.done })}
          />
          <button type="button" onClick={cancel}>
            Cancel
          </button>
        </div>
      )}
    </>
  );
}
