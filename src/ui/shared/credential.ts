import { accessToken } from './oauth.ts';

const KEY = 'faiss-memory-token';
const REFUSED = 'token-refused';

/** The token that was entered in this tab, kept until the tab is closed. Empty when there is none. */
export function readToken(): string {
  return sessionStorage.getItem(KEY) ?? '';
}

/** @param token empty = forget it */
export function writeToken(token: string): void {
  if (token === '') sessionStorage.removeItem(KEY);
  else sessionStorage.setItem(KEY, token);
}

/** The token to send: the one that was entered, or that of the sign-in. Empty when there is neither. */
export async function credential(): Promise<string> {
  const entered = readToken();
  return entered === '' ? ((await accessToken()) ?? '') : entered;
}

/** The headers with the token. Empty without a token. */
export async function authorization(): Promise<Record<string, string>> {
  return inHeaders(await credential());
}

export function inHeaders(token: string): Record<string, string> {
  return token === '' ? {} : { Authorization: `Bearer ${token}` };
}

let accepted = false;

/** True when the server has answered a request since the last token was entered. */
export function wasAccepted(): boolean {
  return accepted;
}

export function noteAccepted(is: boolean): void {
  accepted = is;
}

/** Announces that the server refused the token, or requires one. */
export function reportRefused(): void {
  window.dispatchEvent(new Event(REFUSED));
}

/** @returns a function that removes the listener */
export function onRefused(listener: () => void): () => void {
  window.addEventListener(REFUSED, listener);
  return () => {
    window.removeEventListener(REFUSED, listener);
  };
}

const RIGHTS = 'rights-changed';

/** Announces that the rights of the person may have changed. */
export function reportRights(): void {
  window.dispatchEvent(new Event(RIGHTS));
}

/** @returns a function that removes the listener */
export function onRights(listener: () => void): () => void {
  window.addEventListener(RIGHTS, listener);
  return () => {
    window.removeEventListener(RIGHTS, listener);
  };
}

const DRAFT = 'draft ';

/** Name of an unsaved input in the storage of this tab. */
export function draftKey(space: string, name: string): string {
  return space === '' ? `${DRAFT}${name}` : `${DRAFT}@${space} ${name}`;
}

/** Nothing that one person typed is shown to the next one. */
export function forgetDrafts(): void {
  const names = Array.from({ length: sessionStorage.length }, (_, index) => sessionStorage.key(index) ?? '');
  for (const name of names) if (name.startsWith(DRAFT)) sessionStorage.removeItem(name);
}
