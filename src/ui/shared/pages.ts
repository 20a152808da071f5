import { useCallback, useEffect, useLayoutEffect, useRef, useState } from 'preact/hooks';
import { call, explain, isAbort, onChange } from './api.ts';
import type { Memory, Page } from './types.ts';

export interface Pages {
  /** Of all pages loaded so far. */
  readonly memories: readonly Memory[];
  /** How many there are; undefined until it is known. */
  readonly total: number | undefined;
  readonly loading: boolean;
  /** Empty = none. */
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
 * Memories page by page, kept up to date with what this page changes. Who comes back gets as many as before.
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

/** Scrolls to where one was when coming back, as soon as there is something to see. */
export function useReturn(ready: boolean): void {
  useLayoutEffect(() => {
    const { scroll } = readVisit();
    if (!ready || scroll === undefined) return;
    window.scrollTo(0, scroll);
    writeVisit({ scroll: undefined });
  }, [ready]);
}

/** What is remembered with an entry of the browser's history, so that going back shows the same again. */
export interface Visit {
  /** The entry before is of this page too. */
  readonly inside?: boolean;
  /** How many memories were listed. */
  readonly shown?: number;
  /** Pixels from the top. */
  readonly scroll?: number | undefined;
}

export function readVisit(): Visit {
  // Written by `writeVisit` only.
  return (history.state as Visit | null) ?? {};
}

export function writeVisit(change: Visit): void {
  history.replaceState({ ...readVisit(), ...change }, '');
}
