import { useEffect } from 'preact/hooks';

/** Events that tell where the focus is. A browser whose window is in the background moves it without `focusin`. */
const SIGNS = ['focusin', 'keydown', 'click'] as const;

/**
 * Keeps the focus near where it was when the element that has it disappears or can no longer be used: the browser would
 * take it to the beginning of the page.
 */
export function useKeptFocus(): void {
  useEffect(() => {
    /** The element that had the focus last, and the elements around it, from the inside. */
    let path: readonly HTMLElement[] = [];
    const note = (): void => {
      const { activeElement } = document;
      if (activeElement === null || isWholePage(activeElement) || activeElement === path[0]) return;
      path = withParents(activeElement);
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
      note();
    };
    // The browser takes the focus from a disabled element a while after it was disabled.
    const mendSoon = (): void => {
      queueMicrotask(mend);
    };
    const observer = new MutationObserver(mend);
    observer.observe(document.body, { subtree: true, childList: true, attributeFilter: ['disabled'] });
    // Before the listeners of the elements, which may disable or remove them.
    for (const sign of SIGNS) document.addEventListener(sign, note, { capture: true });
    document.addEventListener('focusout', mendSoon);
    return () => {
      observer.disconnect();
      for (const sign of SIGNS) document.removeEventListener(sign, note, { capture: true });
      document.removeEventListener('focusout', mendSoon);
    };
  }, []);
}

function withParents(element: Element): HTMLElement[] {
  const path: HTMLElement[] = [];
  for (let each: Element | null = element; each !== null; each = each.parentElement)
    if (each instanceof HTMLElement) path.push(each);
  return path;
}

function hasLostFocus(element: HTMLElement): boolean {
  const { activeElement } = document;
  if (activeElement === element) return element.matches(':disabled');
  const isNowhere = activeElement === null || activeElement === document.body;
  return isNowhere && (!element.isConnected || element.matches(':disabled'));
}

function isWholePage(element: Element): boolean {
  return element === document.body || element === document.documentElement;
}
