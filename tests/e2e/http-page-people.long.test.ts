import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { hasBrowser, launchBrowser } from '../helpers/browser.ts';
import { expectAccessible, expectToFit } from '../helpers/page/expect-accessible.ts';
import { newSpace, openAs } from '../helpers/page/open-as.ts';
import { openPage } from '../helpers/page/open-page.ts';
import { entry } from '../helpers/page/open-with.ts';
import { addMemory, launchTeam, type TestPerson, type TestTeam } from '../helpers/team.ts';

let browser: Browser;
let team: TestTeam;
let ada: TestPerson;
let bob: TestPerson;

describe.runIf(hasBrowser)('people and tokens on the page of a team', () => {
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

  test('makes a space, adds members, changes and ends roles, and removes the space', async () => {
    const { page, visit } = await openAs(browser, team, { token: ada.token, view: 'spaces' });
    await page.getByLabel('Name').fill('Café & Co');
    expect(await page.getByLabel('Id').inputValue()).toBe('cafe-co');
    await expectAccessible(page, 'spaces');
    await page.getByRole('button', { name: 'Create space' }).click();
    await page.getByRole('heading', { name: 'Members of Café & Co · cafe-co' }).waitFor();
    const add = async (person: string): Promise<void> => {
      await page.getByLabel('Person').fill(person);
      await page.getByRole('combobox', { name: 'Role', exact: true }).selectOption('writer');
      await page.getByRole('button', { name: 'Add', exact: true }).click();
    };
    await add('somebody');
    await page.getByRole('alert').getByText('There is no person').waitFor();
    await add('bob');
    const role = page.getByRole('combobox', { name: 'Role of bob' });
    await role.waitFor();
    expect((await bob.api.get('/spaces/cafe-co/members')).status).toBe(200);
    await role.selectOption('reader');
    const dialog = page.getByRole('dialog', { name: 'Take rights from bob?' });
    await dialog.getByText('bob is writer of this space, and would be reader only.').waitFor();
    await expectAccessible(page, 'members');
    await dialog.getByRole('button', { name: 'Cancel' }).click();
    expect(await role.inputValue()).toBe('writer');
    await role.selectOption('reader');
    await dialog.getByRole('button', { name: 'Change the role' }).click();
    await page.getByText('bob is reader now.').waitFor();
    await expect.poll(() => role.inputValue()).toBe('reader');
    await page.getByRole('button', { name: 'Leave this space' }).click();
    await page.getByRole('dialog').getByRole('button', { name: 'Leave' }).click();
    await page.getByRole('alert').getByText('ada is the only owner of the space cafe-co').waitFor();
    await page.getByRole('button', { name: 'Remove bob' }).click();
    await page.getByRole('dialog').getByRole('button', { name: 'Remove' }).click();
    await role.waitFor({ state: 'detached' });
    expect((await bob.api.get('/spaces/cafe-co/members')).status).toBe(404);

    await addMemory(ada.api, 'The coffee is strong', '/spaces/cafe-co');
    await page.getByRole('button', { name: 'Remove…', exact: true }).click();
    await page.getByText('with 1 memory moves to the trash').waitFor();
    await addMemory(ada.api, 'The tea is weak', '/spaces/cafe-co');
    await page.getByRole('button', { name: 'Remove the space' }).click();
    await page.getByRole('region', { name: 'Removal' }).getByRole('alert').waitFor();
    expect((await ada.api.get('/spaces/cafe-co/stats')).status).toBe(200);
    await page.getByRole('button', { name: 'Remove…', exact: true }).click();
    await page.getByText('with 2 memories moves to the trash').waitFor();
    await page.getByRole('button', { name: 'Remove the space' }).click();
    await page.getByText('The space cafe-co is removed.').waitFor();
    await page.waitForURL(/#\/memories$/);
    expect((await ada.api.get('/spaces/cafe-co/stats')).status).toBe(404);
    await visit('members');
    await page.getByText('This space is yours alone.').waitFor();
  });

  test('makes a token, shows it once, and revokes it; the page asks for another one and loses nothing', async () => {
    const context = await team.tokenOf('ada', '--scope', 'admin', '--name', 'for the page');
    const { page, visit } = await openAs(browser, team, { token: context, view: 'tokens' });
    await page.getByLabel('Name').fill('laptop');
    await page.getByLabel('Scope').selectOption('read');
    await page.getByLabel('Days').fill('30');
    await page.getByRole('button', { name: 'Create token' }).click();
    const made = await page.getByRole('region', { name: 'The new token' }).getByLabel('Token').inputValue();
    await expectAccessible(page, 'new token');
    await page.context().grantPermissions(['clipboard-read', 'clipboard-write']);
    await page.getByRole('button', { name: 'Copy', exact: true }).click();
    await page.getByText('Copied.').waitFor();
    expect(await page.evaluate('navigator.clipboard.readText()')).toBe(made);
    await page.getByRole('button', { name: 'Done' }).click();
    const row = page.getByRole('row').filter({ hasText: 'laptop' });
    expect((await row.textContent()) ?? '').toMatch(/laptop.*read.*never/);
    expect(await page.getByRole('main').textContent()).not.toContain(made);
    await page
      .getByRole('row')
      .filter({ hasText: '(used by this page)' })
      .getByText('for the page')
      .waitFor();
    await row.getByRole('button', { name: 'Revoke laptop' }).click();
    await page.getByRole('dialog').getByRole('button', { name: 'Revoke' }).click();
    await row.waitFor({ state: 'detached' });
    await expectAccessible(page, 'tokens');

    await visit('memories');
    await page.getByRole('button', { name: 'Add memory' }).click();
    const dialog = page.getByRole('dialog', { name: 'Add a memory' });
    await dialog.getByLabel('Text').fill('Typed before the token was revoked');
    const id = /^fm_[a-z0-9]{10}/.exec(context)?.[0] ?? '';
    await team.run('token', 'revoke', 'ada', id);
    await dialog.getByRole('button', { name: 'Save' }).click();
    const asked = page.getByRole('dialog', { name: 'Token required' });
    await asked.getByText('It may be revoked, or have ended.').waitFor();
    await expectAccessible(page, 'token required');
    await asked.getByLabel('Token').fill(ada.token);
    await asked.getByRole('button', { name: 'Enter' }).click();
    await asked.waitFor({ state: 'detached' });
    expect(await dialog.getByLabel('Text').inputValue()).toBe('Typed before the token was revoked');
    await dialog.getByRole('button', { name: 'Save' }).click();
    await entry(page, 'Typed before the token').waitFor();
  });

  test('shows the audit log of a space to its owners, by person and page by page', async () => {
    await newSpace(team, 'office', { bob: 'writer' });
    for (let number = 0; number < 60; number += 1)
      await addMemory(number % 2 === 0 ? ada.api : bob.api, `Paper number ${number}`, '/spaces/office');
    await expect
      .poll(
        async () => ((await ada.api.get('/spaces/office/audit?limit=1000')).data['lines'] as object[]).length,
      )
      .toBeGreaterThanOrEqual(62);
    for (let number = 0; number < 60; number += 1)
      await ada.api.get(`/spaces/office/memories?limit=1&order=updated`);
    await expect
      .poll(
        async () => ((await ada.api.get('/spaces/office/audit?limit=1000')).data['lines'] as object[]).length,
      )
      .toBeGreaterThanOrEqual(110);
    const { page } = await openAs(browser, team, { token: ada.token, view: '@office/audit' });
    const rows = page.getByRole('region', { name: 'Audit log' }).getByRole('row');
    await rows.nth(100).waitFor();
    expect(await rows.count()).toBe(101);
    await page.getByRole('button', { name: 'More' }).click();
    await expect.poll(() => rows.count()).toBeGreaterThan(111);
    await page.getByLabel('Person').fill('bob');
    await expect
      .poll(async () => new Set(await rows.locator('td:nth-child(2)').allTextContents()))
      .toEqual(new Set(['bob']));
    await expectAccessible(page, 'audit');
    expect(await page.getByRole('main').textContent()).not.toContain('Paper');
    await page.getByLabel('Person').fill('nobody-here');
    await page.getByText('There are no lines.').waitFor();
  });

  test('takes the code of an invitation, shows the first token once, and ends with the tab', async () => {
    await team.run('user', 'add', 'carol', '--name', 'Carol');
    const { code } = await team.run('user', 'invite', 'carol');
    const { page, visit } = await openPage(browser, team.server.address);
    await visit('memories');
    await page.getByText('I have the code of an invitation').click();
    await page.getByLabel('Code').fill('another code');
    await page.getByRole('button', { name: 'Accept' }).click();
    await page.getByRole('alert').getByText('This invitation is not known').waitFor();
    await expectAccessible(page, 'invitation');
    await page.getByLabel('Code').fill(String(code));
    await page.getByRole('button', { name: 'Accept' }).click();
    const token = await page.getByLabel('Your token').inputValue();
    expect(token).toMatch(/^fm_/);
    await page.getByRole('button', { name: 'I have kept it' }).click();
    await page.getByText('There are no memories yet.').waitFor();
    await page.getByText('Carol', { exact: true }).waitFor();
    expect(page.url()).not.toContain('fm_');
    await page.getByRole('button', { name: 'Sign out' }).click();
    await page.getByRole('heading', { name: 'Token required' }).waitFor();
    expect(
      await page.evaluate('JSON.stringify(sessionStorage) + JSON.stringify(localStorage)'),
    ).not.toContain('fm_');
  });

  test('shows names with markup, from right to left and of 200 characters as text, also on a narrow screen', async () => {
    const names = ['<img src=x onerror=alert(1)>', `مطبخ ${'ا'.repeat(190)}`, 'x'.repeat(200)];
    for (const [index, name] of names.entries())
      expect((await ada.api.post('/spaces', { id: `strange-${index}`, name })).status).toBe(201);
    await ada.api.post('/tokens', { name: names[0], scope: 'read' });
    const opened = await openPage(browser, team.server.address, { viewport: { width: 360, height: 740 } });
    await opened.visit('spaces');
    await opened.page.getByLabel('Token').fill(ada.token);
    await opened.page.getByRole('button', { name: 'Enter' }).click();
    await opened.page
      .getByRole('link', { name: '<img src=x onerror=alert(1)> · strange-0', exact: true })
      .waitFor();
    for (const view of [
      'spaces',
      'tokens',
      '@strange-1/members',
      '@strange-2/memories',
      '@strange-3/audit',
    ]) {
      await opened.visit(view);
      await opened.page.getByRole('combobox', { name: 'Space' }).waitFor();
      await expectToFit(opened.page, view);
      await expectAccessible(opened.page, view);
    }
    expect(await opened.page.locator('img:not([alt=""])').count()).toBe(0);
  });

  test('can be used with the keyboard alone', async () => {
    await newSpace(team, 'stairs', { bob: 'reader' });
    const { page } = await openAs(browser, team, { token: ada.token, view: 'memories' });
    const space = page.getByRole('combobox', { name: 'Space' });
    await space.focus();
    await page.keyboard.type('stairs');
    await page.waitForURL(/#\/@stairs\//);
    await page.getByRole('link', { name: 'Members' }).focus();
    await page.keyboard.press('Enter');
    const remove = page.getByRole('button', { name: 'Remove bob' });
    await remove.focus();
    await page.keyboard.press('Enter');
    const dialog = page.getByRole('dialog', { name: 'Take rights from bob?' });
    expect(await page.locator(':focus').textContent()).toBe('Cancel');
    await page.keyboard.press('Escape');
    await dialog.waitFor({ state: 'detached' });
    await expect.poll(() => page.locator(':focus').getAttribute('aria-label')).toBe('Remove bob');
  });
});
