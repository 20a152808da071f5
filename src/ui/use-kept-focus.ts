import { useEffect } from 'preact/hooks';

/**
 * Keeps the focus near where it was when what has it disappears or can no longer be used: the browser would take it to
 * the beginning of the page.
 */
export function useKeptFocus(): void {
  useEffect(() => {
    /** What had the focus last, and what is around it, from the inside. */
    let path: readonly HTMLElement[] = [];
    const note = (event: FocusEvent): void => {
      path = event.composedPath().filter((target) => target instanceof HTMLElement);
    };
    const mend = (): void => {
      const [last, ...around] = path;
      if (last === undefined || !hasLostFocus(last)) return;
      path = [];
      const place = around.find((element) => element.isConnected && !isWholePage(element));
      const home = place ?? document.getElementById('content');
      if (home === null) return;
      if (!home.hasAttribute('tabindex')) home.tabIndex = -1;
      home.focus({ preventScroll: true });
    };
    const observer = new MutationObserver(mend);
    observer.observe(document.body, { subtree: true, childList: true, attributeFilter: ['disabled'] });
    document.addEventListener('focusin', note);
    return () => {
      observer.disconnect();
      document.removeEventListener('focusin', note);
    };
  }, []);
}

function hasLostFocus(element: HTMLElement): boolean {
  const { activeElement } = document;
  if (activeElement === element) return element.matches(':disabled');
  return (activeElement === null || activeElement === document.body) && !element.isConnected;
}

function isWholePage(element: HTMLElement): boolean {
  return element === document.body || element === document.documentElement;
}
