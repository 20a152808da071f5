import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { hasBrowser, launchBrowser } from '../helpers/browser.ts';
import { startServer } from '../helpers/http-server.ts';
import { expectAccessible } from '../helpers/page/expect-accessible.ts';
import { newSpace, openAs, switchTo } from '../helpers/page/open-as.ts';
import { openPage } from '../helpers/page/open-page.ts';
import { entry } from '../helpers/page/open-with.ts';
import { addMemory, launchTeam, SHARED_TOKEN, type TestPerson, type TestTeam } from '../helpers/team.ts';

let browser: Browser;
let team: TestTeam;
let ada: TestPerson;
let bob: TestPerson;

describe.runIf(hasBrowser)('the page of a team with tokens', () => {
  beforeAll(async () => {
    browser = await launchBrowser();
    team = await launchTeam();
    ada = await team.join('ada');
    bob = await team.join('bob');
  });
  afterAll(async () => {
    await team.server.stop();
    await browser.close();
  });

  test('switches between spaces, keeps the space in the address, and opens it again from there', async () => {
    await newSpace(team, 'kitchen', { bob: 'reader' });
    await addMemory(ada.api, 'The spare key of Ada is under the fern');
    await addMemory(ada.api, 'The kitchen key is blue', '/spaces/kitchen');
    const { page, visit } = await openAs(browser, team, { token: ada.token });
    await entry(page, 'under the fern').waitFor();
    expect(await page.getByText('The kitchen key').count()).toBe(0);
    await switchTo(page, 'kitchen');
    await entry(page, 'The kitchen key is blue').waitFor();
    expect(page.url()).toMatch(/#\/@kitchen\/memories$/);
    await page.reload();
    await entry(page, 'The kitchen key is blue').waitFor();
    await page.getByRole('link', { name: 'The kitchen key is blue' }).click();
    await page.getByRole('heading', { name: 'Memory', exact: true }).waitFor();
    expect(page.url()).toMatch(/#\/@kitchen\/memory\//);
    for (const view of [
      'conversations',
      'trash',
      'conflicts',
      'sync',
      'picture',
      'transfer',
      'members',
      'audit',
    ]) {
      await visit(`@kitchen/${view}`);
      const alerts = await page.getByRole('alert').allTextContents();
      expect([view, alerts.filter((text) => !text.startsWith('Embeddings are'))]).toEqual([view, []]);
      await expectAccessible(page, view);
    }
  });

  test('shows what the role allows, and what is taken away while the page is open', async () => {
    await newSpace(team, 'shed', { bob: 'writer' });
    await addMemory(ada.api, 'The ladder is in the shed', '/spaces/shed');
    const { page, visit } = await openAs(browser, team, { token: bob.token, view: '@shed/memories' });
    await entry(page, 'The ladder')
      .getByRole('button', { name: /^Delete/ })
      .waitFor();
    await page.getByRole('button', { name: 'Add memory' }).click();
    const dialog = page.getByRole('dialog', { name: 'Add a memory' });
    await dialog.getByLabel('Text').fill('The saw is blunt');
    await team.run('space', 'grant', 'shed', 'bob', '--role', 'reader');
    await dialog.getByRole('button', { name: 'Save' }).click();
    await dialog.getByRole('alert').getByText('You may only read in this space').waitFor();
    await dialog.getByRole('button', { name: 'Cancel' }).click();
    await page.getByText('because your role is reader').waitFor();
    for (const view of ['memories', 'trash', 'sync', 'transfer', 'members', 'audit']) {
      await visit(`@shed/${view}`);
      const left = view === 'transfer' ? ['Export memories'] : view === 'members' ? ['Leave…'] : [];
      await expect
        .poll(async () => [view, await page.getByRole('main').getByRole('button').allTextContents()])
        .toEqual([view, left]);
      await expectAccessible(page, view);
    }
    await page.getByText('Only owners of the space read it; you are reader.').waitFor();
    await visit('@shed/memories');
    await page.getByRole('link', { name: 'The ladder' }).click();
    await page.getByRole('button', { name: 'Copy to another space…' }).waitFor();
    expect(await page.getByRole('button', { name: 'Edit' }).count()).toBe(0);
  });

  test('says that a space is gone which was removed, or left, while it is open', async () => {
    await newSpace(team, 'attic', { bob: 'writer' });
    await newSpace(team, 'cellar', { bob: 'writer' });
    const { page } = await openAs(browser, team, { token: bob.token, view: '@attic/memories' });
    await page.getByText('0 memories').waitFor();
    await page.getByRole('button', { name: 'Add memory' }).click();
    await page.getByLabel('Text').fill('The trunk is locked');
    await team.run('space', 'remove', 'attic', '--yes');
    await page.getByRole('button', { name: 'Save' }).click();
    await page.getByRole('heading', { name: 'There is no such space' }).waitFor();
    await switchTo(page, 'cellar');
    await page.getByText('0 memories').waitFor();
    await team.run('space', 'revoke', 'cellar', 'bob');
    await page.getByRole('searchbox', { name: 'Search memories' }).fill('trunk');
    await page.getByRole('heading', { name: 'There is no such space' }).waitFor();
    await page.getByRole('link', { name: 'Your own memories' }).click();
    await page.getByText('There are no memories yet.').waitFor();
    expect(
      await page.getByRole('combobox', { name: 'Space' }).locator('option').allTextContents(),
    ).not.toContain('cellar (writer)');
  });

  test('searches in several spaces at once, each hit with its space, and reloads the same', async () => {
    await newSpace(team, 'garden', { bob: 'reader' });
    await newSpace(team, 'garage', { bob: 'writer' });
    await addMemory(ada.api, 'The hose of the garden leaks', '/spaces/garden');
    await addMemory(ada.api, 'The hose of the garage is new', '/spaces/garage');
    const { page } = await openAs(browser, team, { token: bob.token });
    await page.getByText('Search in one space').click();
    await page.getByRole('checkbox', { name: /^garden/ }).check();
    await page.getByRole('checkbox', { name: /^garage/ }).check();
    await page.getByRole('searchbox', { name: 'Search memories' }).fill('hose');
    const looked = async (): Promise<void> => {
      await entry(page, 'The hose of the garden').getByRole('link', { name: 'in garden' }).waitFor();
      await entry(page, 'The hose of the garage').getByRole('link', { name: 'in garage' }).waitFor();
      await page.getByText('Search in 3 spaces').waitFor();
    };
    await looked();
    await expectAccessible(page, 'several spaces');
    await page.reload();
    await looked();
    expect(
      await entry(page, 'The hose of the garden')
        .getByRole('button', { name: /Delete/ })
        .count(),
    ).toBe(0);
    await entry(page, 'The hose of the garage')
      .getByRole('button', { name: /Delete/ })
      .click();
    await entry(page, 'The hose of the garage').waitFor({ state: 'detached' });
    // Where the page is in the meantime does not matter to the button.
    await switchTo(page, 'garden');
    await page.getByRole('button', { name: /^Undo/ }).click();
    await page.getByText('The memory is back.').waitFor();
    await switchTo(page, 'garage');
    await page.getByRole('link', { name: 'The hose of the garage' }).click();
    await page.waitForURL(/#\/@garage\/memory\//);
  });

  test('copies and moves a memory to another space', async () => {
    await newSpace(team, 'library');
    await addMemory(ada.api, 'The atlas is on the top shelf');
    await addMemory(ada.api, 'The globe is broken');
    const { page, visit } = await openAs(browser, team, { token: ada.token });
    const copy = async (text: string): Promise<void> => {
      await page.getByRole('link', { name: text }).click();
      await page.getByRole('button', { name: 'Copy to another space…' }).click();
      await page.getByRole('dialog').getByLabel('Space').selectOption('library');
    };
    await copy('The atlas is');
    await expectAccessible(page, 'copy');
    await page.getByRole('dialog').getByRole('button', { name: 'Copy' }).click();
    await page.getByText('It is copied.').waitFor();
    await page.getByRole('button', { name: /^Open it there/ }).click();
    await page.waitForURL(/#\/@library\/memory\//);
    await page.getByText('The atlas is on the top shelf').waitFor();
    await visit('memories');
    await copy('The globe is');
    await page.getByLabel('Move it').check();
    await page.getByRole('dialog').getByRole('button', { name: 'Move' }).click();
    await page.getByText('It is copied. The one here is in the trash.').waitFor();
    await visit('@library/memories');
    await entry(page, 'The globe is broken').waitFor();
    await visit('trash');
    await entry(page, 'The globe is broken').waitFor();
  });

  test('asks each person alone: the next one in the same tab sees nothing that was typed before', async () => {
    const { page } = await openAs(browser, team, { token: ada.token });
    await page.getByRole('button', { name: 'Add memory' }).click();
    await page.getByLabel('Text').fill('A secret of Ada');
    await page.keyboard.press('Escape');
    await page.getByRole('button', { name: 'Sign out' }).click();
    await page.getByLabel('Token').fill(bob.token);
    await page.getByRole('button', { name: 'Enter' }).click();
    await page.getByRole('region', { name: 'Space and people' }).getByText('bob', { exact: true }).waitFor();
    await page.getByRole('button', { name: 'Add memory' }).click();
    expect(await page.getByLabel('Text').inputValue()).toBe('');
  });

  test('lets a token that only reads do no more, and the shared token use the space default', async () => {
    const { page, visit } = await openAs(browser, team, {
      token: await team.tokenOf('ada', '--scope', 'read'),
    });
    await page.getByText('your token or sign-in allows no more').waitFor();
    expect(await page.getByRole('button', { name: 'Add memory' }).count()).toBe(0);
    await visit('tokens');
    await page.getByText('Your token may not manage').waitFor();
    await page.getByRole('button', { name: 'Sign out' }).click();
    await page.getByLabel('Token').fill(SHARED_TOKEN);
    await page.getByRole('button', { name: 'Enter' }).click();
    await page.getByText('server', { exact: true }).waitFor();
    expect(await page.getByRole('combobox', { name: 'Space' }).inputValue()).toBe('default');
    await visit('memories');
    await page.getByRole('button', { name: 'Add memory' }).waitFor();
  });

  test('on a server without people nothing of it is there, and nothing of it is asked for', async () => {
    const { address } = await startServer();
    const { page, visit } = await openPage(browser, address);
    const asked: string[] = [];
    page.on('request', (request) => asked.push(new URL(request.url()).pathname));
    await visit('@kitchen/memories');
    await page.getByText('There are no memories yet.').waitFor();
    expect(await page.getByRole('combobox', { name: 'Space' }).count()).toBe(0);
    expect(await page.getByRole('navigation').count()).toBe(1);
    expect(await page.getByRole('button').allTextContents()).toEqual(['Add memory']);
    const files = ['/', '/ui/app.css', '/ui/app.js', '/ui/icon.svg'];
    expect([...new Set(asked)].filter((path) => !files.includes(path)).toSorted()).toEqual([
      '/memories',
      '/stats',
    ]);
    expect(await page.locator('meta[name=server]').count()).toBe(0);
  });
});
