import { send } from './api.ts';

/** Long enough for the browser to begin the download. */
const KEPT_MS = 60_000;

/** Saves an answer of the API as a file. Fetches it, because a link cannot send the token. @throws ApiError */
export async function saveAnswer(path: string, otherwise: string): Promise<void> {
  const response = await send(path, { method: 'GET' });
  const name = /filename="([^"]+)"/.exec(response.headers.get('Content-Disposition') ?? '')?.[1];
  const address = URL.createObjectURL(await response.blob());
  const link = Object.assign(document.createElement('a'), { href: address, download: name ?? otherwise });
  link.click();
  setTimeout(() => {
    URL.revokeObjectURL(address);
  }, KEPT_MS);
}
