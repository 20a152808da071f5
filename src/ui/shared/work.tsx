import { type ComponentChildren, createContext } from 'preact';
import { useContext, useMemo, useRef, useState } from 'preact/hooks';
import { ApiError, explain, isAbort, reportChange, type WorkOptions } from './api.ts';
import { Problem } from './elements.tsx';
import type { RestoreAnswer, WorkProgress } from './types.ts';

export interface WorkOrder<Answer> {
  /** Subject of the sentence about a failure, for example `The backup`. */
  readonly title: string;
  readonly perform: (options: WorkOptions) => Promise<Answer>;
  readonly onDone: (answer: Answer) => void;
  /** Called when the server requires a confirmation. Without it, the request counts as failed. */
  readonly onConfirm?: (plan: RestoreAnswer) => void;
}

export interface RunningWork {
  /** Null when nothing runs. */
  readonly progress: WorkProgress | null;
  /** Message about the failure of the last work. Empty when there is none. */
  readonly problem: string;
  readonly start: <Answer>(order: WorkOrder<Answer>) => void;
  /** Ends the work, or removes the message about its failure. */
  readonly cancel: () => void;
}

const WorkContext = createContext<RunningWork | null>(null);

/** Long work on the server, one at a time. It continues while the user looks at other views. */
export function useWork(): RunningWork {
  const running = useContext(WorkContext);
  if (running === null) throw new Error('This component must be inside a WorkProvider');
  return running;
}

interface WorkState {
  readonly progress: WorkProgress | null;
  readonly problem: string;
}

const NOTHING: WorkState = { progress: null, problem: '' };

export function WorkProvider({ children }: { readonly children: ComponentChildren }) {
  const [state, setState] = useState(NOTHING);
  const controller = useRef<AbortController | undefined>(undefined);
  const actions = useMemo(
    () => ({
      start: <Answer,>(order: WorkOrder<Answer>): void => {
        controller.current?.abort();
        controller.current = new AbortController();
        void follow(order, controller.current.signal, setState);
      },
      cancel: (): void => {
        controller.current?.abort();
        setState(NOTHING);
      },
    }),
    [],
  );
  return <WorkContext.Provider value={{ ...state, ...actions }}>{children}</WorkContext.Provider>;
}

async function follow<Answer>(
  { title, perform, onDone, onConfirm }: WorkOrder<Answer>,
  signal: AbortSignal,
  show: (state: WorkState) => void,
): Promise<void> {
  const onProgress = (progress: WorkProgress): void => {
    if (!signal.aborted) show({ progress, problem: '' });
  };
  onProgress({ step: 'starting', done: 0 });
  try {
    const answer = await perform({ signal, onProgress });
    show(NOTHING);
    onDone(answer);
  } catch (error) {
    if (signal.aborted || isAbort(error)) {
      // The work may have changed something before it ended.
      reportChange();
      return;
    }
    const plan = planOf(error);
    const asks = plan !== undefined && onConfirm !== undefined;
    show(asks ? NOTHING : { progress: null, problem: `${title} did not succeed. ${explain(error)}` });
    if (!asks) return;
    // The rest of a held merge was applied.
    reportChange();
    onConfirm(plan);
  }
}

/** The expected changes, when the server requires a confirmation. */
function planOf(error: unknown): RestoreAnswer | undefined {
  if (!(error instanceof ApiError) || error.problem.code !== 'CONFIRMATION_NEEDED') return undefined;
  return error.problem.dry_run;
}

/** Shows the progress of long work with a button to end it, or the message about its failure. */
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
