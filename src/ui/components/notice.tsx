import type { ComponentChildren } from 'preact';

interface ProblemProps {
  /** Empty = none. */
  readonly text: string;
  readonly onRetry?: () => void;
}

/** What went wrong, read out at once. */
export function Problem({ text, onRetry }: ProblemProps) {
  return text === '' ? null : (
    <div class="problem" role="alert">
      {text}
      {onRetry === undefined ? null : (
        <button type="button" onClick={onRetry}>
          Try again
        </button>
      )}
    </div>
  );
}

/** What to say when there is nothing. */
export function Empty({ children }: { readonly children: ComponentChildren }) {
  return <p class="empty">{children}</p>;
}
