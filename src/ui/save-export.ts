import { send } from './api.ts';

/** Long enough for the browser to have begun. */
const KEPT_MS = 60_000;

/** Saves all memories as a file: fetched and not linked to, because a link cannot carry the token. */
export async function saveExport(): Promise<void> {
  const response = await send('/export', { method: 'GET' });
  const name = /filename="([^"]+)"/.exec(response.headers.get('Content-Disposition') ?? '')?.[1];
  const address = URL.createObjectURL(await response.blob());
  const link = Object.assign(document.createElement('a'), {
    href: address,
    download: name ?? 'memories.jsonl',
  });
  link.click();
  setTimeout(() => {
    URL.revokeObjectURL(address);
  }, KEPT_MS);
}
