import { useLayoutEffect } from 'preact/hooks';
import { readVisit, writeVisit } from './visit.ts';

/** Scrolls to where one was when coming back, as soon as there is something to see. */
export function useReturn(ready: boolean): void {
  useLayoutEffect(() => {
    const { scroll } = readVisit();
    if (!ready || scroll === undefined) return;
    window.scrollTo(0, scroll);
    writeVisit({ scroll: undefined });
  }, [ready]);
}
