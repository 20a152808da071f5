import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { hasBrowser, launchBrowser } from '../helpers/browser.ts';
import type { RunningHttpServer } from '../helpers/http-server.ts';
import { WITH_MODEL } from '../helpers/mcp/server-environment.ts';
import { expectAccessible, expectToFit } from '../helpers/page/expect-accessible.ts';
import { launchWithConflict } from '../helpers/page/make-conflict.ts';
import { openPage } from '../helpers/page/open-page.ts';
import { sendJson } from '../helpers/send-json.ts';

const TEXTS = ['Ada drinks no coffee, only tea', 'Deploys are on Tuesday', 'The invoice goes to Berlin'];
const SCREENSHOTS = '.cache/screenshots';
const VIEWS = ['memories', 'conversations', 'trash', 'conflicts', 'sync', 'picture', 'transfer'];

let browser: Browser;
let server: RunningHttpServer;
let remote: string;

describe.runIf(hasBrowser)('every view of the page', () => {
  beforeAll(async () => {
    browser = await launchBrowser();
    remote = mkdtempSync(join(tmpdir(), 'faiss-memory-remote-'));
    server = await launchWithConflict(remote, WITH_MODEL);
    for (const text of TEXTS)
      await sendJson('POST', `${server.address}/memory/add`, { text, tags: ['sample'] });
    const { id } = await sendJson('POST', `${server.address}/memory/add`, { text: 'Deleted before' });
    await sendJson('DELETE', `${server.address}/memory/${String(id)}`);
    // Waits for the model, so that the map has its points.
    await sendJson('POST', `${server.address}/memory/is-novel`, { text: 'anything' });
    mkdirSync(SCREENSHOTS, { recursive: true });
  });
  afterAll(async () => {
    await server.stop();
    await browser.close();
    rmSync(remote, { recursive: true, force: true });
  });

  const sizes = [
    { name: 'wide and light', viewport: { width: 1280, height: 800 }, colorScheme: 'light' },
    { name: 'narrow and dark', viewport: { width: 360, height: 740 }, colorScheme: 'dark' },
  ] as const;

  test.each(sizes)(
    'is accessible and fits, $name',
    async ({ viewport, colorScheme }) => {
      const { page, visit } = await openPage(browser, server.address, { viewport, colorScheme });
      for (const view of [...VIEWS, await memoryView()]) {
        await visit(view);
        await expectAccessible(page, view);
        await expectToFit(page, view);
        const file = `${view.split('/')[0] ?? ''}-${viewport.width}.png`;
        await page.screenshot({ path: join(SCREENSHOTS, file), fullPage: true });
      }
      await visit('memories');
      await page.getByRole('button', { name: 'Add memory' }).click();
      await expectAccessible(page, 'dialog');
    },
    120_000,
  );

  test('shows the versions of a conflict side by side, and keeps the chosen one', async () => {
    const { page, visit } = await openPage(browser, server.address);
    await visit('conflicts');
    const sides = page.getByRole('region', { name: 'Versions of a memory' }).locator('.card');
    expect(await sides.count()).toBe(2);
    const texts = await sides.locator('.text').allTextContents();
    expect(texts.toSorted()).toEqual(['The door code is 2', 'The door code is 3']);
    const chosen = sides.filter({ hasText: 'The door code is 2' });
    await chosen.getByRole('button', { name: 'Keep this one' }).click();
    await page.getByText('There are no conflicts.').waitFor();
    await visit('memories');
    await page.getByRole('link', { name: 'The door code is 2' }).waitFor();
    expect(await page.getByText('The door code is 3').count()).toBe(0);
  });

  test('tells the state of every machine', async () => {
    const { page, visit } = await openPage(browser, server.address);
    await visit('sync');
    await page.getByRole('button', { name: 'Back up now and upload' }).click();
    await page.getByText('Backed up and uploaded.').waitFor();
    await page.getByText('This machine and the remote have the same state.').waitFor();
    const machines = page.getByRole('table', { name: 'Machines that use this remote' });
    await machines.getByRole('row').nth(2).waitFor();
    expect(await machines.getByText('merged', { exact: true }).count()).toBe(2);
  });

  test('finds by meaning', async () => {
    const { page, visit } = await openPage(browser, server.address);
    await visit('memories');
    await page.getByRole('searchbox').fill('favourite hot beverage');
    const first = page
      .getByRole('list')
      .getByRole('listitem')
      .filter({ hasText: 'close in meaning' })
      .first();
    await first.getByText('Ada drinks no coffee, only tea').waitFor();
  });

  test('lets one walk over the map with the keyboard', async () => {
    const { page, visit } = await openPage(browser, server.address);
    await visit('picture');
    const map = page.getByRole('application', { name: /^Map of \d+ memories$/ });
    expect(await map.locator('circle').count()).toBeGreaterThanOrEqual(4);
    await map.focus();
    const seen = new Set<string>();
    for (const key of [
      'ArrowLeft',
      'ArrowLeft',
      'ArrowRight',
      'ArrowRight',
      'ArrowUp',
      'ArrowUp',
      'ArrowDown',
    ]) {
      await page.keyboard.press(key);
      seen.add((await page.locator('#map-chosen .text').textContent()) ?? '');
    }
    expect(seen.size).toBeGreaterThan(1);
    const before = await map.getAttribute('viewBox');
    await page.keyboard.press('+');
    expect(await map.getAttribute('viewBox')).not.toBe(before);
    const text = await page.locator('#map-chosen .text').textContent();
    await page.keyboard.press('Enter');
    await page.getByRole('heading', { name: 'Memory', exact: true }).waitFor();
    await page
      .locator('main .card')
      .first()
      .getByText(text ?? '')
      .waitFor();
  });

  test('shows the growth as a table too', async () => {
    const { page, visit } = await openPage(browser, server.address);
    await visit('picture');
    await page.getByText('As a table').click();
    expect(await page.getByRole('table').getByRole('row').last().textContent()).toMatch(/44$/);
  });
});

async function memoryView(): Promise<string> {
  const response = await fetch(`${server.address}/memories?which=conflict`);
  const { memories } = (await response.json()) as { memories: { id: string }[] };
  return `memory/${memories[0]?.id ?? ''}`;
}
