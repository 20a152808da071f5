import { useEffect } from 'preact/hooks';
import { reportChange } from './changes.ts';

const SHORTEST_PAUSE_MS = 5_000;

/** Shows what assistants and other machines have changed, when somebody comes back to the page. */
export function useRefresh(): void {
  useEffect(() => {
    let last = Date.now();
    const refresh = (): void => {
      if (document.visibilityState !== 'visible' || Date.now() - last < SHORTEST_PAUSE_MS) return;
      last = Date.now();
      reportChange();
    };
    document.addEventListener('visibilitychange', refresh);
    window.addEventListener('focus', refresh);
    return () => {
      document.removeEventListener('visibilitychange', refresh);
      window.removeEventListener('focus', refresh);
    };
  }, []);
}
