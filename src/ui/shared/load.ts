import { useCallback, useEffect, useState } from 'preact/hooks';
import { call, explain, isAbort, onChange } from './api.ts';
import type { Stats } from './types.ts';

export interface Loaded<Value> {
  /** Undefined until the first load succeeds. Keeps its old value during later loads. */
  readonly value: Value | undefined;
  /** Message of the last failure. Empty when there is none. */
  readonly problem: string;
  readonly loading: boolean;
  readonly reload: () => void;
}

/**
 * Loads a value when the view appears, when `key` changes, and after this page has changed something on the server. A
 * new load aborts the previous one.
 * @param key identifies the value
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
    // `load` is a new function with each rendering, so the effect depends on `key` instead.
  }, [key, turn]);
  const reload = useCallback(() => {
    setTurn((before) => before + 1);
  }, []);
  useEffect(() => onChange(reload), [reload]);
  return { ...state, reload };
}

/**
 * The counts of the memories, loaded again after changes by this page. Undefined until they are loaded.
 * @param key a new value loads them again
 */
export function useStats(key = ''): Stats | undefined {
  return useLoad(key, (signal) => call<Stats>('GET', '/stats', { signal })).value;
}

/** The last value that did not change for `milliseconds`. */
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
