const CHANGED = 'memories-changed';

/** This page has changed something at the server. */
export function reportChange(): void {
  window.dispatchEvent(new Event(CHANGED));
}

/** @returns ends listening */
export function onChange(listener: () => void): () => void {
  window.addEventListener(CHANGED, listener);
  return () => {
    window.removeEventListener(CHANGED, listener);
  };
}
