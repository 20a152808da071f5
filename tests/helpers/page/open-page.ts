import type { Browser, BrowserContextOptions, Page } from 'playwright-core';
import { expect, onTestFinished } from 'vitest';

export interface OpenedPage {
  readonly page: Page;
  /** Opens a view by the part of the address after #, and waits until it has loaded. */
  readonly visit: (view: string) => Promise<void>;
}

/**
 * Opens the page of a server. When the test has finished, the page must have asked no other server, and must not have
 * violated its own security policy or failed in a script.
 */
export async function openPage(
  browser: Browser,
  address: string,
  options: BrowserContextOptions = {},
): Promise<OpenedPage> {
  const context = await browser.newContext({ viewport: { width: 1280, height: 800 }, ...options });
  const page = await context.newPage();
  // Sooner than the test's own limit, so that it says what was not there.
  page.setDefaultTimeout(60_000);
  const elsewhere: string[] = [];
  const complaints: string[] = [];
  page.on('request', (request) => {
    if (!request.url().startsWith(`${address}/`) && !request.url().startsWith('blob:'))
      elsewhere.push(request.url());
  });
  page.on('pageerror', (error) => complaints.push(error.message));
  page.on('console', (message) => {
    const expected = /status of (401|403|404|409|503)/.test(message.text());
    if (message.type() === 'error' && !expected) complaints.push(message.text());
  });
  onTestFinished(async () => {
    await context.close();
    expect(elsewhere).toEqual([]);
    expect(complaints).toEqual([]);
  });
  const visit = async (view: string): Promise<void> => {
    await page.goto(`${address}/#/${view}`);
    await page.waitForLoadState('networkidle');
  };
  return { page, visit };
}
