import { useEffect, useRef, useState } from 'preact/hooks';
import { work } from '../api.ts';
import { explain, isAbort } from '../api-error.ts';
import type { WorkProgress } from '../types.ts';

export interface RunningWork<Answer> {
  /** Null = nothing runs. */
  readonly progress: WorkProgress | null;
  readonly problem: string;
  /** Starts it; `done` gets the answer. */
  readonly start: (path: string, body: object, done: (answer: Answer) => void) => void;
  readonly cancel: () => void;
}

/** One piece of long work at a time; leaving the view ends it. */
export function useWork<Answer>(): RunningWork<Answer> {
  const [progress, setProgress] = useState<WorkProgress | null>(null);
  const [problem, setProblem] = useState('');
  const controller = useRef<AbortController | null>(null);
  const cancel = (): void => {
    controller.current?.abort();
    setProgress(null);
  };
  useEffect(() => () => controller.current?.abort(), []);
  const start: RunningWork<Answer>['start'] = (path, body, done) => {
    controller.current = new AbortController();
    const { signal } = controller.current;
    setProblem('');
    setProgress({ step: 'starting', done: 0 });
    work<Answer>(path, { body, signal, onProgress: setProgress }).then(
      (answer) => {
        setProgress(null);
        done(answer);
      },
      (error: unknown) => {
        setProgress(null);
        if (!isAbort(error)) setProblem(explain(error));
      },
    );
  };
  return { progress, problem, start, cancel };
}
