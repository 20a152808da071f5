import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { hasBrowser, launchBrowser } from '../helpers/browser.ts';
import { openPage } from '../helpers/page/open-page.ts';
import { entry, openPageWith } from '../helpers/page/open-with.ts';
import { sendJson } from '../helpers/send-json.ts';

let browser: Browser;

const openWith = (texts: readonly string[]) => openPageWith(browser, texts);

/** What has the focus: its text, or the text before it. */
function focused(page: Page): Promise<string> {
  return page.evaluate<string>(
    'document.activeElement === document.body ? "nothing" : document.activeElement.textContent',
  );
}

describe.runIf(hasBrowser)('what people expect of the page', () => {
  beforeAll(async () => {
    browser = await launchBrowser();
  });
  afterAll(async () => {
    await browser.close();
  });

  test('who comes back sees what others have added, and so does who asks for it', async () => {
    const { page, address } = await openWith(['Already there']);
    const add = (text: string) => sendJson('POST', `${address}/memory/add`, { text });
    await add('By an assistant');
    await page.getByRole('navigation').getByRole('link', { name: 'Memories' }).click();
    await entry(page, 'By an assistant').waitFor();
    await add('By another one');
    await page.clock.install();
    await page.clock.fastForward(6_000);
    await page.evaluate('window.dispatchEvent(new Event("focus"))');
    await entry(page, 'By another one').waitFor();
  });

  test('Ctrl+Z takes a deletion back, but not while one types', async () => {
    const { page } = await openWith(['Do not lose me']);
    await entry(page, 'Do not lose me').getByRole('button', { name: 'Delete' }).click();
    await page.getByText('There are no memories yet.').waitFor();
    await page.getByRole('searchbox').focus();
    await page.keyboard.press('Control+z');
    expect(await page.getByRole('button', { name: 'Undo' }).count()).toBe(1);
    await page.getByRole('link', { name: 'faiss-memory' }).focus();
    await page.keyboard.press('Control+z');
    await entry(page, 'Do not lose me').waitFor();
  });

  test('what was typed is there again after a look elsewhere, until it is saved or given up', async () => {
    const { page, visit } = await openWith(['The code is 1']);
    await page.getByRole('button', { name: 'Add memory' }).click();
    await page.getByLabel('Text').fill('Half a thought');
    await page.keyboard.press('Escape');
    await visit('trash');
    await visit('memories');
    await page.getByRole('button', { name: 'Add memory' }).click();
    expect(await page.getByLabel('Text').inputValue()).toBe('Half a thought');
    await page.getByLabel('Text').fill('A whole thought');
    await page.keyboard.press('Control+Enter');
    await entry(page, 'A whole thought').waitFor();
    await page.getByRole('button', { name: 'Add memory' }).click();
    expect(await page.getByLabel('Text').inputValue()).toBe('');
    await page.getByRole('button', { name: 'Cancel' }).click();
    await page.getByRole('link', { name: 'The code is 1' }).click();
    await page.getByRole('button', { name: 'Edit' }).click();
    await page.getByLabel('Text').fill('The code is 2');
    await page.getByRole('button', { name: 'Cancel' }).click();
    await page.getByRole('button', { name: 'Edit' }).click();
    expect(await page.getByLabel('Text').inputValue()).toBe('The code is 1');
  });

  test('what is typed while the text before it is being saved is kept', async () => {
    const { page } = await openWith([]);
    let answer = (): void => undefined;
    const until = new Promise<void>((resolve) => {
      answer = resolve;
    });
    await page.route('**/memory/add', async (route) => {
      await until;
      await route.continue();
    });
    await page.getByRole('button', { name: 'Add memory' }).click();
    await page.getByLabel('Text').fill('The first thought');
    await page.getByRole('button', { name: 'Save' }).click();
    await page.keyboard.press('Escape');
    await page.getByRole('button', { name: 'Add memory' }).click();
    await page.getByLabel('Text').fill('The second thought');
    answer();
    await entry(page, 'The first thought').waitFor();
    await page.getByRole('dialog').waitFor({ state: 'detached' });
    await page.getByRole('button', { name: 'Add memory' }).click();
    expect(await page.getByLabel('Text').inputValue()).toBe('The second thought');
  });

  test('the focus never goes to the beginning of the page', async () => {
    const { page, visit } = await openWith(['The code is 1']);
    await page.getByRole('link', { name: 'The code is 1' }).click();
    await page.getByRole('button', { name: 'Edit' }).click();
    await page.keyboard.press('Control+a');
    await page.keyboard.type('The code is 2');
    await page.keyboard.press('Control+Enter');
    await page.getByText('Saved.').waitFor();
    await expect.poll(() => focused(page)).toContain('The code is 2');
    await page.getByRole('button', { name: 'Use this version again' }).press('Enter');
    await page.getByRole('region', { name: 'History' }).getByText('The code is 2').waitFor();
    await expect.poll(() => focused(page)).toContain('The code is');
    await visit('sync');
    await page.getByRole('button', { name: 'Back up now' }).press('Enter');
    await page.getByText('Backed up on this machine.').waitFor();
    await expect.poll(() => focused(page)).toContain('Back up now');
  });

  test('the focus is not lost either where the browser takes it from a disabled button at once', async () => {
    const { page, visit } = await openWith([]);
    await visit('sync');
    await page.getByRole('button', { name: 'Back up now' }).focus();
    await page.evaluate('const button = document.activeElement; button.disabled = true; button.blur()');
    await expect.poll(() => focused(page)).toContain('Back up now');
    expect(await page.evaluate('document.activeElement.className')).toBe('actions');
  });

  test('keys that follow a click at once go into the form that it opens', async () => {
    const { page } = await openWith(['The code is 1']);
    await page.getByRole('link', { name: 'The code is 1' }).click();
    await page.getByRole('button', { name: 'Edit' }).waitFor();
    const field = await page.evaluate<string>(`(async () => {
      [...document.querySelectorAll('button')].find((each) => each.textContent === 'Edit').click();
      await new Promise(queueMicrotask);
      return document.activeElement.tagName;
    })()`);
    expect(field).toBe('TEXTAREA');
  });

  test('a view that shows itself late leaves the address to the view that the user chose meanwhile', async () => {
    const { page, visit } = await openWith(['The code is 1']);
    await visit('trash');
    await page.evaluate(`new Promise((resolve) => {
      window.addEventListener('hashchange', resolve, { once: true });
      location.hash = '#/memories';
    }).then(() => { history.replaceState(null, '', '#/sync'); })`);
    await entry(page, 'The code is 1').waitFor();
    expect(await page.evaluate('location.hash')).toBe('#/sync');
  });

  test('erasing begins at the button that does nothing', async () => {
    const { page, visit } = await openWith(['A secret thing']);
    await entry(page, 'A secret thing').getByRole('button', { name: 'Delete' }).click();
    await page.getByText('is in the trash').waitFor();
    await visit('trash');
    await page.getByRole('button', { name: 'Erase for good' }).press('Enter');
    await page.getByRole('dialog').waitFor();
    expect(await focused(page)).toBe('Cancel');
    await page.keyboard.press('Enter');
    await page.getByRole('dialog').waitFor({ state: 'detached' });
    expect(await entry(page, 'A secret thing').count()).toBe(1);
  });

  test('a dialog that opens as soon as another one was closed stays open', async () => {
    const { page } = await openWith([]);
    await page.getByRole('button', { name: 'Add memory' }).click();
    await page.getByRole('dialog').waitFor();
    // Without a turn of the event loop between the two clicks; then with enough of them for late events.
    await page.evaluate(`(async () => {
      const click = async (text) => {
        [...document.querySelectorAll('button')].find((button) => button.textContent === text).click();
        for (let turn = 0; turn < 100; turn += 1) await undefined;
      };
      await click('Cancel');
      if (document.querySelector('dialog') !== null) throw new Error('The dialog is not closed');
      await click('Add memory');
      for (let frame = 0; frame < 10; frame += 1) await new Promise(requestAnimationFrame);
    })()`);
    expect(await page.getByRole('dialog').count()).toBe(1);
    await page.keyboard.press('Escape');
    await page.getByRole('dialog').waitFor({ state: 'detached' });
  });

  test('a day is the day of the user', async () => {
    const { address } = await openWith([]);
    const body = '{"text":"In the morning of the eleventh","created_at":"2026-10-10T20:00:00Z"}';
    const headers = { 'Content-Type': 'application/x-ndjson' };
    expect((await fetch(`${address}/import`, { method: 'POST', headers, body })).status).toBe(200);
    const { page, visit } = await openPage(browser, address, { timezoneId: 'Pacific/Auckland' });
    await visit('memories?after=2026-10-11&before=2026-10-11');
    await entry(page, 'In the morning of the eleventh').waitFor();
    await visit('memories?before=2026-10-10');
    await page.getByText('No memory fits the filters.').waitFor();
  });

  test('after a failure one can try again', async () => {
    const { page } = await openWith(['Still there']);
    let broken = true;
    await page.route('**/memories?*', (route) =>
      broken ? route.fulfill({ status: 503, json: { detail: 'It rains', code: 'X' } }) : route.continue(),
    );
    await page.getByText('Filters', { exact: true }).click();
    await page.getByLabel('Source').fill('Still');
    await page.getByLabel('Source').press('Enter');
    await page.getByText('It rains.').waitFor();
    broken = false;
    await page.getByRole('button', { name: 'Try again' }).click();
    await page.getByText('No memory fits the filters.').waitFor();
  });
});
