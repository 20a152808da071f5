import { useCallback, useEffect, useLayoutEffect, useRef, useState } from 'preact/hooks';
import { call, explain, isAbort, onChange } from './api.ts';
import type { Memory, Page } from './types.ts';

export interface Pages {
  /** The memories of all loaded pages. */
  readonly memories: readonly Memory[];
  /** Number of all memories that fit the query; undefined until it is loaded. */
  readonly total: number | undefined;
  readonly loading: boolean;
  /** Message of the last failure. Empty when there is none. */
  readonly problem: string;
  readonly reload: () => void;
  /** Loads the next page; undefined when there is none. */
  readonly more: (() => void) | undefined;
}

const PAGE = 50;
const MOST = 1_000;

interface Loaded {
  readonly memories: readonly Memory[];
  readonly page: Page | undefined;
  readonly problem: string;
  readonly loading: boolean;
}

/**
 * Loads memories page by page, and again after changes by this page. After going back in the history it loads as many
 * memories as were shown before.
 * @param query conditions, as the query of an address
 */
export function usePages(query: string): Pages {
  const [{ memories, page, problem, loading }, setLoaded] = useState<Loaded>({
    memories: [],
    page: undefined,
    problem: '',
    loading: true,
  });
  const running = useRef<AbortController | undefined>(undefined);
  const load = useCallback(
    (limit: number, cursor?: string): void => {
      running.current?.abort();
      const controller = new AbortController();
      running.current = controller;
      setLoaded((before) => ({ ...before, loading: true }));
      const next = cursor === undefined ? '' : `&cursor=${encodeURIComponent(cursor)}`;
      const path = `/memories?limit=${Math.min(MOST, Math.max(PAGE, limit))}&${query}${next}`;
      call<Page>('GET', path, { signal: controller.signal }).then(
        (loaded) => {
          setLoaded((before) => ({
            memories: cursor === undefined ? loaded.memories : [...before.memories, ...loaded.memories],
            page: loaded,
            problem: '',
            loading: false,
          }));
        },
        (error: unknown) => {
          if (isAbort(error)) return;
          setLoaded((before) => ({ ...before, problem: explain(error), loading: false }));
        },
      );
    },
    [query],
  );
  useEffect(() => {
    load(readVisit().shown ?? PAGE);
    return () => running.current?.abort();
  }, [load]);
  const shown = memories.length;
  useEffect(() => {
    if (shown > PAGE) writeVisit({ shown });
    return onChange(() => {
      load(shown);
    });
  }, [load, shown]);
  const cursor = page?.next_cursor;
  const more = (): void => {
    load(PAGE, cursor);
  };
  const reload = (): void => {
    load(shown);
  };
  const pages = { memories, total: page?.total, loading, problem, reload };
  return { ...pages, more: cursor === undefined ? undefined : more };
}

/** After going back in the history, scrolls to the previous position once the content is there. */
export function useReturn(ready: boolean): void {
  useLayoutEffect(() => {
    const { scroll } = readVisit();
    if (!ready || scroll === undefined) return;
    window.scrollTo(0, scroll);
    writeVisit({ scroll: undefined });
  }, [ready]);
}

/** The state that is stored with an entry of the browser's history, to restore the view after going back. */
export interface Visit {
  /** True when the previous entry of the history belongs to this page too. */
  readonly inside?: boolean;
  /** Number of listed memories. */
  readonly shown?: number;
  /** Scroll position in pixels from the top. */
  readonly scroll?: number | undefined;
}

export function readVisit(): Visit {
  // Only `writeVisit` writes this state.
  return (history.state as Visit | null) ?? {};
}

export function writeVisit(change: Visit): void {
  history.replaceState({ ...readVisit(), ...change }, '');
}
