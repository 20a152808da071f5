import { Problem } from './notice.tsx';
import { useWork } from './work-provider.tsx';

/** How far long work is, with a way to end it, or why it failed. */
export function WorkInProgress() {
  const { progress, problem, cancel } = useWork();
  if (problem !== '') {
    return (
      <div class="work">
        <Problem text={problem} />
        <button type="button" onClick={cancel}>
          Dismiss
        </button>
      </div>
    );
  }
  if (progress === null) return null;
  const { step, done, total } = progress;
  return (
    <div class="work">
      <span role="status">{step.charAt(0).toUpperCase() + step.slice(1)}</span>
      <progress
        aria-label={step}
        max={total ?? 1}
        {...(total === undefined || total === 0 ? {} : { value: done })}
      />
      <span class="hint">
        {done === 0 && total === undefined ? '' : done.toLocaleString()}
        {total === undefined ? '' : ` of ${total.toLocaleString()}`}
      </span>
      <button type="button" onClick={cancel}>
        Cancel
      </button>
    </div>
  );
}
