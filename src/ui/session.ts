const KEY = 'faiss-memory-token';
const REFUSED = 'token-refused';

/** The token of this tab; gone when it is closed. Empty = none. */
export function readToken(): string {
  return sessionStorage.getItem(KEY) ?? '';
}

/** The headers that show the token; none without one. */
export function authorization(): Record<string, string> {
  const token = readToken();
  return token === '' ? {} : { Authorization: `Bearer ${token}` };
}

export function writeToken(token: string): void {
  sessionStorage.setItem(KEY, token);
}

/** The server wants a token, or another one. */
export function reportRefused(): void {
  window.dispatchEvent(new Event(REFUSED));
}

/** @returns ends listening */
export function onRefused(listener: () => void): () => void {
  window.addEventListener(REFUSED, listener);
  return () => {
    window.removeEventListener(REFUSED, listener);
  };
}
