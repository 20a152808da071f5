import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { openMemory } from '../../src/index.ts';
import { hasBrowser, launchBrowser } from '../helpers/browser.ts';
import { startServer } from '../helpers/http-server.ts';
import { temporaryFolder } from '../helpers/mcp/server-environment.ts';
import { expectAccessible, expectToFit } from '../helpers/page/expect-accessible.ts';
import { openPage } from '../helpers/page/open-page.ts';
import { entry } from '../helpers/page/open-with.ts';

const NOON = Date.UTC(2026, 0, 31, 12);
const SAID = ['Where does <b>staging</b> run?', 'On 10.0.0.5', 'Thanks'];
const SESSION = 'a/b c?&#%';

let browser: Browser;

async function open() {
  const dataDir = temporaryFolder();
  const memory = openMemory({
    dataDir: join(dataDir, 'memories'),
    settings: { embedding: { provider: 'none' } },
  });
  const turns = SAID.map((text, position) => ({
    ...{ position, text, createdAt: NOON + position },
    role: position === 1 ? ('assistant' as const) : ('user' as const),
  }));
  await memory.capture({ client: 'claude-code', session: SESSION, project: 'ops', turns });
  await memory.capture({ client: 'codex', session: SESSION, turns: turns.slice(0, 1) });
  await memory.add({ memories: [{ text: 'The staging server is in Berlin' }] });
  await memory.close();
  const { address } = await startServer({ dataDir });
  return openPage(browser, address, { viewport: { width: 360, height: 740 } });
}

describe.runIf(hasBrowser)('conversations on the page', () => {
  beforeAll(async () => {
    browser = await launchBrowser();
  });
  afterAll(async () => {
    await browser.close();
  });

  test('are listed, opened as a whole, saved and deleted', async () => {
    const { page, visit } = await open();
    await visit('conversations');
    await page.getByText('2 conversations').waitFor();
    await expectAccessible(page, 'conversations');
    await expectToFit(page, 'conversations');
    const listed = entry(page, 'with claude-code');
    expect(await listed.textContent()).toContain('3 turns');
    await listed.getByRole('link').click();
    const turns = page.getByRole('region', { name: 'Turns' }).getByRole('listitem');
    await turns.nth(2).waitFor();
    expect(await turns.locator('.text').allTextContents()).toEqual(SAID);
    expect(await turns.locator('strong').allTextContents()).toEqual(['user', 'assistant', 'user']);
    await expectAccessible(page, 'conversation');
    await expectToFit(page, 'conversation');

    const [download] = await Promise.all([
      page.waitForEvent('download'),
      page.getByRole('button', { name: 'Export' }).click(),
    ]);
    expect(download.suggestedFilename()).toBe('conversation.md');
    expect(await readFile(await download.path(), 'utf8')).toContain(
      '- Client: claude-code\n- Project: ops\n',
    );

    await page.getByRole('button', { name: 'Delete' }).click();
    const dialog = page.getByRole('dialog', { name: 'Delete this conversation?' });
    await dialog.getByText('3 turns move to the trash').waitFor();
    await dialog.getByRole('button', { name: 'Delete' }).click();
    await page.getByText('3 turns moved to the trash.').waitFor();
    await page.getByText('1 conversation', { exact: true }).waitFor();
    expect(await page.getByText('with claude-code').count()).toBe(0);
    await page.getByRole('link', { name: 'Trash 3' }).waitFor();
  });

  test('are told apart from facts in the list and in a search, by a filter too', async () => {
    const { page, visit } = await open();
    await visit('memories?query=staging');
    await page.getByText('3 hits.').waitFor();
    await page.getByText('Filters', { exact: true }).click();
    await page.getByLabel('Kind').selectOption('conversation');
    await page.getByText('2 hits.').waitFor();
    expect(page.url()).toContain('kind=conversation');
    await entry(page, 'with codex').getByRole('link', { name: 'user in a conversation with codex' }).click();
    await page.getByRole('heading', { name: SAID[0] ?? '' }).waitFor();
    const turns = page.getByRole('region', { name: 'Turns' }).getByRole('listitem');
    await turns.first().waitFor();
    expect(await turns.count()).toBe(1);
    await page.goBack();
    await page.getByText('2 hits.').waitFor();
    await page.getByLabel('Kind').selectOption('fact');
    await page.getByText('1 hit.').waitFor();
    await entry(page, 'The staging server is in Berlin').waitFor();
  });
});
