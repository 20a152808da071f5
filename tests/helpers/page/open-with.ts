import type { Browser, Locator, Page } from 'playwright-core';
import { startServer } from '../http-server.ts';
import { sendJson } from '../send-json.ts';
import { openPage, type OpenedPage } from './open-page.ts';

/** Adds memories to a fresh server and opens its page. */
export async function openPageWith(
  browser: Browser,
  texts: readonly string[],
): Promise<OpenedPage & { readonly address: string }> {
  const { address } = await startServer();
  for (const text of texts) await sendJson('POST', `${address}/memory/add`, { text });
  const opened = await openPage(browser, address);
  await opened.visit('memories');
  return { ...opened, address };
}

/** The entry of a list with this text. */
export function entry(page: Page, text: string): Locator {
  return page.getByRole('listitem').filter({ hasText: text });
}
