import { useCallback, useEffect, useState } from 'preact/hooks';
import { call, explain, isAbort, onChange } from './api.ts';
import type { Stats } from './types.ts';

export interface Loaded<Value> {
  /** Undefined until it was loaded the first time; kept while it is loaded again. */
  readonly value: Value | undefined;
  /** Empty = none. */
  readonly problem: string;
  readonly loading: boolean;
  readonly reload: () => void;
}

/**
 * Loads when the view appears, whenever `key` changes, and when this page has changed something at the server; what is
 * overtaken is aborted.
 * @param key names what is loaded
 */
export function useLoad<Value>(key: string, load: (signal: AbortSignal) => Promise<Value>): Loaded<Value> {
  const [state, setState] = useState<{ value: Value | undefined; problem: string; loading: boolean }>({
    value: undefined,
    problem: '',
    loading: true,
  });
  const [turn, setTurn] = useState(0);
  useEffect(() => {
    const controller = new AbortController();
    setState((before) => ({ ...before, loading: true }));
    load(controller.signal).then(
      (value) => {
        if (!controller.signal.aborted) setState({ value, problem: '', loading: false });
      },
      (error: unknown) => {
        if (controller.signal.aborted || isAbort(error)) return;
        setState((before) => ({ ...before, problem: explain(error), loading: false }));
      },
    );
    return () => {
      controller.abort();
    };
    // `load` is a new function with each rendering; `key` says what it loads.
  }, [key, turn]);
  const reload = useCallback(() => {
    setTurn((before) => before + 1);
  }, []);
  useEffect(() => onChange(reload), [reload]);
  return { ...state, reload };
}

/**
 * The counts of the memories, kept up to date with what this page changes. Undefined until they are known.
 * @param key another one loads them again
 */
export function useStats(key = ''): Stats | undefined {
  return useLoad(key, (signal) => call<Stats>('GET', '/stats', { signal })).value;
}

/** The value as it was when it last rested for so long. */
export function useDelayed(value: string, milliseconds: number): string {
  const [rested, setRested] = useState(value);
  useEffect(() => {
    const timer = setTimeout(() => {
      setRested(value);
    }, milliseconds);
    return () => {
      clearTimeout(timer);
    };
  }, [value, milliseconds]);
  return rested;
}
