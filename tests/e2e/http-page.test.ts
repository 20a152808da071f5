import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { hasBrowser, launchBrowser } from '../helpers/browser.ts';
import { startServer } from '../helpers/http-server.ts';
import { temporaryFolder } from '../helpers/mcp/server-environment.ts';
import { openPage } from '../helpers/page/open-page.ts';
import { entry, openPageWith } from '../helpers/page/open-with.ts';
import { sendJson } from '../helpers/send-json.ts';
import { untilStill } from '../helpers/until-still.ts';

let browser: Browser;

const openWith = (texts: readonly string[]) => openPageWith(browser, texts);
const post = (url: string, body: object) => sendJson('POST', url, body);

describe.runIf(hasBrowser)('the page', () => {
  beforeAll(async () => {
    browser = await launchBrowser();
  });
  afterAll(async () => {
    await browser.close();
  });

  test('searches while one types, and says why something was found', async () => {
    const { page } = await openWith(['Ada drinks tea', 'The staging server is 10.20.0.5']);
    await page.getByRole('searchbox', { name: 'Search memories' }).pressSequentially('staging serv');
    await entry(page, 'Ada drinks tea').waitFor({ state: 'detached' });
    await entry(page, 'The staging server').getByText('contains the word').waitFor();
    expect(await page.locator('mark').allTextContents()).toContain('staging');
    await page.getByRole('searchbox').fill('');
    await entry(page, 'Ada drinks tea').waitFor();
  });

  test('adds a memory with tags, and finds it by a filter', async () => {
    const { page } = await openWith(['Another memory']);
    await page.getByRole('button', { name: 'Add memory' }).click();
    const dialog = page.getByRole('dialog', { name: 'Add a memory' });
    await dialog.getByLabel('Text').fill('Deploys are on Tuesday');
    await dialog.getByLabel('Tags').fill('ops, web');
    await dialog.getByLabel('Source').fill('wiki');
    await dialog.getByRole('button', { name: 'Save' }).click();
    await page.getByText('The memory is stored.').waitFor();
    await page.getByText('Filters', { exact: true }).click();
    await page.getByLabel('Tag', { exact: true }).fill('ops');
    await entry(page, 'Another memory').waitFor({ state: 'detached' });
    await entry(page, 'Deploys are on Tuesday').getByText('from wiki').waitFor();
    await page.getByLabel('Created until').fill('2001-01-01');
    await page.getByText('0 memories').waitFor();
    await page.getByRole('button', { name: 'Clear filters' }).click();
    await page.getByText('2 memories').waitFor();
  });

  test('changes a memory, keeps its history, and goes back', async () => {
    const { page } = await openWith(['The code is 1']);
    await page.getByRole('link', { name: 'The code is 1' }).click();
    await page.getByRole('button', { name: 'Edit' }).click();
    await page.getByLabel('Text').fill('The code is 2');
    await page.getByRole('button', { name: 'Save' }).click();
    const history = page.getByRole('region', { name: 'History' });
    await history.getByText('The code is 1').waitFor();
    await history.getByRole('button', { name: 'Use this version again' }).click();
    await history.getByText('The code is 2').waitFor();
    expect(await page.locator('main .card').first().textContent()).toContain('The code is 1');
  });

  test('changes only what was edited, and leaves a tag with a comma as it is', async () => {
    const { page, address } = await openWith([]);
    const place = { tags: ['Paris, France', 'old'], metadata: { project: 'web', build: 7 } };
    const added = await post(`${address}/memory/add`, { text: 'The office moves', ...place });
    const memory = `${address}/memory/${String(added['id'])}`;
    await page.reload();
    await page.getByRole('link', { name: 'The office moves' }).click();
    await page.getByRole('button', { name: 'Edit' }).click();
    await sendJson('PATCH', memory, { add_tags: ['meanwhile'], metadata: { build: null, seen: 1 } });
    await page.getByLabel('Text').fill('The office moves in May');
    await page.getByLabel('Tags').fill('Paris, France, new');
    await page.getByRole('button', { name: 'Save' }).click();
    await page.getByText('Saved.').waitFor();
    const read = async () => (await (await fetch(memory)).json()) as object;
    expect(await read()).toMatchObject({
      text: 'The office moves in May',
      tags: ['Paris, France', 'meanwhile', 'new'],
      metadata: { project: 'web', seen: 1 },
    });
    // The first version comes back whole.
    await page.getByRole('button', { name: 'Use this version again' }).last().click();
    await page.locator('main .card').first().getByText('build').waitFor();
    expect(await read()).toMatchObject({ text: 'The office moves', ...place });
  });

  test('shows everything again when one goes to where one is', async () => {
    const { page } = await openWith(['Ada drinks tea', 'The staging server is 10.20.0.5']);
    await page.getByRole('searchbox').fill('staging');
    await entry(page, 'Ada drinks tea').waitFor({ state: 'detached' });
    await page.getByRole('navigation').getByRole('link', { name: 'Memories' }).click();
    await entry(page, 'Ada drinks tea').waitFor();
    expect(await page.getByRole('searchbox').inputValue()).toBe('');
  });

  test('lets a stranger take a deletion back, at once or from the trash', async () => {
    const { page } = await openWith(['Do not lose me']);
    await entry(page, 'Do not lose me').getByRole('button', { name: 'Delete' }).click();
    await page.getByText('There are no memories yet.').waitFor();
    await page.getByRole('button', { name: 'Undo' }).click();
    await entry(page, 'Do not lose me').waitFor();
    await entry(page, 'Do not lose me').getByRole('button', { name: 'Delete' }).click();
    await page.getByRole('link', { name: 'Trash 1' }).click();
    await entry(page, 'Do not lose me').getByRole('button', { name: 'Restore' }).click();
    await page.getByText('The trash is empty.').waitFor();
    await page.getByRole('navigation').getByRole('link', { name: 'Memories' }).click();
    await entry(page, 'Do not lose me').waitFor();
  });

  test('erases for good only when asked twice', async () => {
    const { page, visit } = await openWith(['A secret thing']);
    await entry(page, 'A secret thing').getByRole('button', { name: 'Delete' }).click();
    await page.getByText('is in the trash').waitFor();
    await visit('trash');
    await page.getByRole('button', { name: 'Erase for good' }).click();
    await page.getByRole('dialog').waitFor();
    await page.keyboard.press('Escape');
    await page.getByRole('dialog').waitFor({ state: 'detached' });
    expect(await entry(page, 'A secret thing').count()).toBe(1);
    await page.getByRole('button', { name: 'Erase for good' }).click();
    await page.getByRole('button', { name: 'Erase', exact: true }).click();
    await page.getByText('The trash is empty.').waitFor();
  });

  test('backs up, and restores only after showing what would change', async () => {
    const { page, visit, address } = await openWith(['Kept']);
    await visit('sync');
    await page.getByRole('button', { name: 'Back up now' }).click();
    await page.getByText('Backed up on this machine.').waitFor();
    await post(`${address}/memory/add`, { text: 'Came later' });
    await page.getByRole('button', { name: /^Restore manual_/ }).click();
    const dialog = page.getByRole('dialog', { name: 'Restore this snapshot?' });
    await dialog.getByText('go to the trash').waitFor();
    expect(await dialog.locator('dl').textContent()).toBe('come back0change0go to the trash1');
    await visit('memories');
    await entry(page, 'Came later').waitFor();
    await visit('sync');
    await page
      .getByRole('button', { name: /^Restore manual_/ })
      .first()
      .click();
    await dialog.getByRole('button', { name: 'Restore', exact: true }).click();
    await page.getByText(/Restored\. To undo it, restore pre_restore_/).waitFor();
    await visit('memories');
    await entry(page, 'Kept').waitFor();
    expect(await entry(page, 'Came later').count()).toBe(0);
  });

  test('exports to a file, and imports it again', async () => {
    const { page, visit } = await openWith(['First', 'Second']);
    await visit('transfer');
    const [download] = await Promise.all([
      page.waitForEvent('download'),
      page.getByRole('button', { name: 'Export memories' }).click(),
    ]);
    expect(download.suggestedFilename()).toMatch(/^memories-\d{4}-\d\d-\d\d\.jsonl$/);
    const file = await download.path();
    expect(await readFile(file, 'utf8')).toContain('"text":"Second"');
    const buffer = Buffer.from((await readFile(file, 'utf8')).replaceAll('First', 'Third'));
    await page
      .getByLabel('File to import')
      .setInputFiles({ name: 'a.jsonl', mimeType: 'text/plain', buffer });
    await page.getByText('0 added, 0 updated, 1 already there, 1 in conflict, 0 rejected.').waitFor();
  });

  test('tells how far an import is, and cancels it', async () => {
    const { page, visit, address } = await openWith([]);
    await visit('transfer');
    const lines = Array.from({ length: 3_000 }, (_, index) => `{"text":"${index} ${'a'.repeat(10_000)}"}`);
    const file = join(temporaryFolder(), 'large.jsonl');
    await writeFile(file, lines.join('\n'));
    await page.getByLabel('File to import').setInputFiles(file);
    await page.getByRole('progressbar', { name: 'importing, KiB' }).waitFor();
    await page.getByRole('button', { name: 'Cancel' }).click();
    await page.getByRole('progressbar').waitFor({ state: 'detached' });
    const read = async () => ((await (await fetch(`${address}/stats`)).json()) as { live: number }).live;
    expect(await untilStill(read)).toBeLessThan(lines.length);
  });

  test('asks for the token, keeps it in the tab, and works with it', async () => {
    const token = 'a-token-of-the-tests-1234';
    const { address } = await startServer({ env: { MEMORY_HTTP_TOKEN: token } });
    const { page, visit } = await openPage(browser, address);
    await visit('memories');
    await page.getByLabel('Token').fill('wrong-token');
    await page.getByRole('button', { name: 'Enter' }).click();
    await page.getByText('The server did not accept the token.').waitFor();
    await page.getByLabel('Token').fill(token);
    await page.getByRole('button', { name: 'Enter' }).click();
    await page.getByText('There are no memories yet.').waitFor();
    await page.reload();
    await page.getByText('There are no memories yet.').waitFor();
  });

  test('shows texts as texts', async () => {
    const hostile = '<img src=x onerror="document.title=1"><script>document.title=2</script>';
    const { page, visit } = await openWith([hostile]);
    await entry(page, hostile).getByRole('link').click();
    await page.getByText(hostile).waitFor();
    await visit('memories');
    await page.getByRole('searchbox').fill('onerror');
    await entry(page, hostile).waitFor();
    expect(await page.title()).toBe('Memories');
    expect(await page.locator('main img, main script').count()).toBe(0);
  });

  test('can be used without a mouse', async () => {
    const { page } = await openWith(['Only keys']);
    await page.keyboard.press('Tab');
    expect(await page.evaluate('document.activeElement.textContent')).toBe('Skip to content');
    await page.keyboard.press('Enter');
    await page.keyboard.press('Tab');
    await page.keyboard.type('keys');
    await page.locator('mark').first().waitFor();
    await page.keyboard.press('Tab');
    await page.keyboard.press('Tab');
    await page.keyboard.press('Tab');
    await page.keyboard.press('Enter');
    await page.getByRole('heading', { name: 'Memory', exact: true }).waitFor();
  });
});
