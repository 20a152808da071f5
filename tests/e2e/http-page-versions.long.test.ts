import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Browser, Locator } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { hasBrowser, launchBrowser } from '../helpers/browser.ts';
import type { RunningHttpServer } from '../helpers/http-server.ts';
import { expectAccessible, expectToFit } from '../helpers/page/expect-accessible.ts';
import { launchWithConflicts, type Diverging } from '../helpers/page/make-conflict.ts';
import { openPage } from '../helpers/page/open-page.ts';
import { sendJson } from '../helpers/send-json.ts';

const SENTENCE = 'The billing service moves to the new cluster on a Sunday. ';
const longText = (colour: string): string =>
  `${SENTENCE.repeat(45)}The password is in the ${colour} vault. ${SENTENCE.repeat(45)}`;

const CONFLICTS: readonly Diverging[] = [
  {
    memory: { text: longText('green') },
    here: { text: longText('red') },
    there: { text: longText('blue') },
  },
  {
    memory: { text: 'Standup is at nine', tags: ['team', 'daily'], source: 'wiki', metadata: { room: 1 } },
    here: { text: 'Standup is at nine sharp' },
    there: { tags: ['team', 'weekly'], source: 'Ada', metadata: { room: 2 } },
  },
  { memory: { text: 'Deleted there' }, here: { text: 'Changed here' }, there: 'deleted' },
  { memory: { text: 'Deleted here' }, here: 'deleted', there: { text: 'Changed there' } },
];

const NARROW = { viewport: { width: 360, height: 740 }, colorScheme: 'dark' } as const;

let browser: Browser;
let server: RunningHttpServer;
let remote: string;

describe.runIf(hasBrowser)('versions on the page', () => {
  beforeAll(async () => {
    browser = await launchBrowser();
    remote = mkdtempSync(join(tmpdir(), 'faiss-memory-remote-'));
    server = await launchWithConflicts(remote, CONFLICTS);
  });
  afterAll(async () => {
    await server.stop();
    await browser.close();
    rmSync(remote, { recursive: true, force: true });
  });

  const open = async (view: string, options = {}) => {
    const { page, visit } = await openPage(browser, server.address, options);
    await visit(view);
    const region = (name: string, text: string): Locator =>
      page.getByRole('region', { name }).filter({ hasText: text });
    return { page, conflict: (text: string) => region('Versions of a memory', text), region };
  };
  const add = async (memory: object): Promise<string> => {
    const { id } = await sendJson('POST', `${server.address}/memory/add`, memory);
    return `memory/${String(id)}`;
  };
  const change = (path: string, changes: object) => sendJson('PATCH', `${server.address}/${path}`, changes);

  test('shows of long texts in conflict what differs, and the whole when asked', async () => {
    const { page, conflict } = await open('conflicts', NARROW);
    const sides = conflict('vault').locator('.card');
    await sides.nth(1).waitFor();
    expect((await sides.locator('mark').allTextContents()).toSorted()).toEqual(['blue', 'red']);
    const excerpt = (await sides.first().locator('.text').textContent()) ?? '';
    expect(excerpt).toMatch(/^….*The password is in the (red|blue) vault\..*…$/);
    expect(excerpt.length).toBeLessThan(250);
    expect(await sides.first().locator('.text').getAttribute('dir')).toBe('auto');
    const toggle = sides.first().getByRole('button', { name: 'Show whole text' });
    expect(await toggle.getAttribute('aria-expanded')).toBe('false');
    await toggle.click();
    expect(await toggle.getAttribute('aria-expanded')).toBe('true');
    expect([longText('red'), longText('blue')]).toContain(await sides.first().locator('.text').textContent());
    await expectAccessible(page, 'conflicts');
    await expectToFit(page, 'conflicts');
    await toggle.click();
    expect(await sides.first().locator('.text').textContent()).toBe(excerpt);
  });

  test('marks tags, sources and metadata that differ', async () => {
    const { conflict } = await open('conflicts');
    const standup = conflict('Standup');
    await standup.getByText('Different: text, tags, source, metadata').waitFor();
    const marked = async (text: string) =>
      (
        await standup
          .locator('.card')
          .filter({ hasText: text })
          .locator('mark, .different dd')
          .allTextContents()
      )
        .filter((part) => part !== '')
        .map((part) => part.trim());
    expect(await marked('sharp')).toEqual(['sharp', 'wiki', 'daily', '1']);
    expect(await marked('Ada')).toEqual(['Ada', 'weekly', '2']);
  });

  test('says what was deleted, wherever it was, and when exactly', async () => {
    const { page, conflict } = await open('conflicts');
    for (const [text, other] of [
      ['Deleted there', 'Changed here'],
      ['Deleted here', 'Changed there'],
    ] as const) {
      const deleted = conflict(text).locator('.card').filter({ hasText: text });
      await deleted.getByText('Deleted', { exact: true }).waitFor();
      expect(await deleted.locator('.facts').textContent()).toMatch(
        /^deleted .* \(\d+ \w+ \d{4}, \d\d:\d\d\)$/,
      );
      await conflict(text).getByText(other).waitFor();
    }
    const kept = conflict('Deleted there').locator('.card').filter({ hasText: 'Changed here' });
    await kept.getByRole('button', { name: 'Keep this one' }).click();
    await page.getByText('Kept.', { exact: true }).waitFor();
    await conflict('Deleted here').getByRole('button', { name: 'Keep it deleted' }).click();
    await page.getByText('The memory is in the trash.').waitFor();
    await conflict('Deleted here').waitFor({ state: 'detached' });
    await page.getByRole('link', { name: 'Trash 1' }).click();
    await page.getByRole('link', { name: 'Changed there' }).waitFor();
  });

  test('marks in the history what changed afterwards, and leaves out what says the same', async () => {
    const path = await add({ text: longText('oak'), tags: ['wood'] });
    await change(path, { text: longText('pine') });
    await change(path, { tags: ['wood', 'soft'] });
    await sendJson('DELETE', `${server.address}/${path}`);
    await sendJson('POST', `${server.address}/${path}/restore`);
    const { page, region } = await open(path, NARROW);
    const entries = region('History', '').getByRole('listitem');
    await entries.first().waitFor();
    const hints = await entries.locator('.hint').allTextContents();
    expect(hints).toEqual(['Changed afterwards: tags', 'Changed afterwards: text']);
    expect(await entries.locator('mark').allTextContents()).toEqual(['oak']);
    expect(await entries.last().locator('time').textContent()).toMatch(/ \(\d+ \w+ \d{4}, \d\d:\d\d\)$/);
    await expectAccessible(page, path);
    await expectToFit(page, path);
  });

  test('lets one read what is in the trash before it comes back', async () => {
    const path = await add({ text: `${longText('steel')} The end.` });
    await change(path, { text: `${longText('glass')} The end.` });
    await sendJson('DELETE', `${server.address}/${path}`);
    const { page, region } = await open('trash');
    const entry = page.getByRole('listitem').filter({ hasText: 'glass' });
    await entry.getByText('deleted just now').waitFor();
    await entry.getByRole('link').click();
    await page.getByText('This memory was put into the trash').waitFor();
    await region('History', 'steel').waitFor();
    expect(await page.getByRole('button', { name: 'Use this version again' }).count()).toBe(0);
    await page.getByRole('button', { name: 'Restore' }).click();
    await page.getByText('The memory is back.').waitFor();
    await page.getByRole('button', { name: 'Use this version again' }).waitFor();
    await page.getByRole('link', { name: '← Back' }).click();
    await page.getByRole('heading', { name: 'Trash' }).waitFor();
  });
});
