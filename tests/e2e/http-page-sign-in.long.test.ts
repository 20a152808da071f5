import { setTimeout as sleep } from 'node:timers/promises';
import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import {
  authorizationUrl,
  createPkce,
  registered,
  visit as visitAs,
} from '../helpers/auth/oauth-requests.ts';
import { launchSignInServer, PASSWORD, PERSON } from '../helpers/auth/sign-in-server.ts';
import { addPeople, launchSignInTeam } from '../helpers/auth/sign-in-team.ts';
import { hasBrowser, launchBrowser } from '../helpers/browser.ts';
import { expectAccessible } from '../helpers/page/expect-accessible.ts';
import { openPage, type OpenedPage } from '../helpers/page/open-page.ts';
import { entry } from '../helpers/page/open-with.ts';
import type { TestTeam } from '../helpers/team.ts';

let browser: Browser;
let team: TestTeam;

async function fillIn(page: Page, name: string, password = PASSWORD): Promise<void> {
  await page.getByLabel('Name').fill(name);
  await page.getByLabel('Password').fill(password);
  await page.getByRole('button', { name: 'Sign in' }).click();
}

const space = (page: Page) => page.getByRole('combobox', { name: 'Space' });

/** Opens a view, and signs in as a person does. */
async function signIn(name: string, view = 'memories'): Promise<OpenedPage> {
  const opened = await openPage(browser, team.server.address);
  await opened.visit(view);
  await opened.page.getByRole('button', { name: 'Sign in' }).click();
  await fillIn(opened.page, name);
  await space(opened.page).waitFor();
  return opened;
}

async function add(page: Page, text: string): Promise<void> {
  await page.getByRole('button', { name: 'Add memory' }).click();
  const dialog = page.getByRole('dialog', { name: 'Add a memory' });
  await dialog.getByLabel('Text').fill(text);
  await dialog.getByRole('button', { name: 'Save' }).click();
}

describe.runIf(hasBrowser)('the page of a team that signs in at the program itself', () => {
  beforeAll(async () => {
    browser = await launchBrowser();
    team = await launchSignInTeam();
    await addPeople(team, 'ada', 'bob');
    await team.run('space', 'create', 'kitchen', '--owner', 'ada');
    // A token must not be from the second in which the password was chosen.
    await sleep(1_000);
  });
  afterAll(async () => {
    await team.server.stop();
    await browser.close();
  });

  test('signs in with a password, comes back to the same view, and keeps no token where others find it', async () => {
    const { page, visit } = await openPage(browser, team.server.address);
    const addresses: string[] = [];
    page.on('framenavigated', (frame) => addresses.push(frame.url()));
    await visit('@kitchen/trash');
    await expectAccessible(page, 'sign in');
    await page.getByRole('button', { name: 'Sign in' }).click();
    await page.getByText('Then you see your memories here.').waitFor();
    await expectAccessible(page, 'password');
    await fillIn(page, 'ada', 'not this one');
    await page.getByRole('alert').getByText('The name or the password is wrong.').waitFor();
    await fillIn(page, 'ada');
    await page.getByText('The trash is empty.').waitFor();
    expect(page.url()).toBe(`${team.server.address}/#/@kitchen/trash`);
    expect(await space(page).inputValue()).toBe('kitchen');
    const kept = await page.evaluate<string>(
      'JSON.stringify(sessionStorage) + JSON.stringify(localStorage) + document.cookie + JSON.stringify(history.state)',
    );
    expect(kept).not.toMatch(/eyJ|code|verifier/);
    const cookies = await page.context().cookies();
    expect(cookies.every(({ httpOnly }) => httpOnly)).toBe(true);
    expect(addresses.join(' ')).not.toContain('eyJ');
    expect(team.server.stderr()).not.toMatch(/eyJ|code=/);
  });

  test('a second tab and a reload need no password, and a sign-out ends all of them', async () => {
    const { page, visit } = await signIn('bob');
    await add(page, 'The saucepan is dented');
    await entry(page, 'The saucepan').waitFor();
    await page.reload();
    await entry(page, 'The saucepan').waitFor();
    const second = await page.context().newPage();
    await second.goto(`${team.server.address}/#/memories`);
    await entry(second, 'The saucepan').waitFor();
    await second.getByRole('button', { name: 'Sign out' }).click();
    await second.getByRole('heading', { name: 'Sign in' }).waitFor();
    await page.getByRole('heading', { name: 'Sign in' }).waitFor();
    expect(await entry(page, 'The saucepan').count()).toBe(0);
    await visit('trash');
    await page.reload();
    await page.getByRole('heading', { name: 'Sign in' }).waitFor();
    await page.getByRole('button', { name: 'Sign in' }).click();
    await page.getByLabel('Password').waitFor();
    await fillIn(page, 'bob');
    await page.getByText('The trash is empty.').waitFor();
  });

  test('renews the token by itself, also one that the server refuses before its time', async () => {
    const { page } = await openPage(browser, team.server.address);
    let tokens = 0;
    await page.route('**/oauth/token', async (route) => {
      const response = await route.fetch();
      tokens += 1;
      // The first one ends at once, and the second one is broken on the way.
      const answer = (await response.json()) as Record<string, unknown>;
      if (tokens === 1) answer['expires_in'] = 1;
      if (tokens === 2) answer['access_token'] = String(answer['access_token']).slice(0, -8);
      await route.fulfill({ response, json: answer });
    });
    await page.goto(`${team.server.address}/#/memories`);
    await page.getByRole('button', { name: 'Sign in' }).click();
    await fillIn(page, 'ada');
    await space(page).waitFor();
    await add(page, 'The oven is clean');
    await entry(page, 'The oven is clean').waitFor();
    expect(tokens).toBe(3);
  });

  test('a sign-in that ends in the middle is taken up in another tab, and nothing typed is lost', async () => {
    const { page } = await signIn('ada');
    await page.getByRole('button', { name: 'Add memory' }).click();
    const dialog = page.getByRole('dialog', { name: 'Add a memory' });
    await dialog.getByLabel('Text').fill('Typed before the end');
    await page.context().clearCookies();
    await page.route('**/memory/add', (route) =>
      route.fulfill({
        status: 401,
        json: { status: 401, code: 'UNAUTHORIZED', detail: 'The token has expired' },
      }),
    );
    await dialog.getByRole('button', { name: 'Save' }).click();
    const asked = page.getByRole('dialog', { name: 'Sign in again' });
    await asked.getByText('Nothing that you typed is lost.').waitFor();
    await expectAccessible(page, 'sign in again');
    await page.unroute('**/memory/add');
    const opened = page.context().waitForEvent('page');
    await asked.getByRole('button', { name: 'Sign in' }).click();
    await fillIn(await opened, 'ada');
    await space(await opened).waitFor();
    await asked.waitFor({ state: 'detached' });
    expect(await dialog.getByLabel('Text').inputValue()).toBe('Typed before the end');
    await dialog.getByRole('button', { name: 'Save' }).click();
    await entry(page, 'Typed before the end').waitFor();
  });

  test('a new password and a removed person end the sign-in at once', async () => {
    await addPeople(team, 'eve');
    await sleep(1_000);
    const { page, visit } = await signIn('eve');
    await page.getByText('There are no memories yet.').waitFor();
    await team.run('user', 'remove', 'eve', '--yes');
    await visit('trash');
    await page.getByRole('dialog', { name: 'Sign in again' }).waitFor();
    await page.reload();
    await page.getByRole('heading', { name: 'Sign in' }).waitFor();
  });

  test('somebody else who signs in in another tab sees nothing of the first, and does nothing in the name', async () => {
    const { page } = await signIn('ada');
    await page.getByRole('button', { name: 'Add memory' }).click();
    await page.getByLabel('Text').fill('A secret of Ada');
    const cookies = await page.context().cookies();
    await page.context().clearCookies();
    const second = await page.context().newPage();
    await second.goto(`${team.server.address}/#/memories`);
    await second.getByRole('button', { name: 'Sign in' }).click();
    await fillIn(second, 'bob');
    await space(second).waitFor();
    expect(cookies.length).toBeGreaterThan(0);
    // The first tab hears of it, and begins anew as Bob.
    const who = page.getByRole('region', { name: 'Space and people' }).getByText('bob', { exact: true });
    await page.getByRole('dialog').waitFor({ state: 'detached' });
    await who.waitFor();
    await page.getByRole('button', { name: 'Add memory' }).click();
    expect(await page.getByLabel('Text').inputValue()).toBe('');
  });

  test('a page that hears of somebody else only with its next token does nothing in that name', async () => {
    const { page } = await signIn('ada');
    const { page: other } = await signIn('bob');
    await page.getByRole('button', { name: 'Add memory' }).click();
    const dialog = page.getByRole('dialog', { name: 'Add a memory' });
    await dialog.getByLabel('Text').fill('Written by Ada alone');
    await page.context().addCookies(await other.context().cookies());
    let refusals = 0;
    await page.route('**/memory/add', async (route) => {
      refusals += 1;
      if (refusals > 1) await route.continue();
      else
        await route.fulfill({ status: 401, json: { status: 401, code: 'UNAUTHORIZED', detail: 'It ended' } });
    });
    await dialog.getByRole('button', { name: 'Save' }).click();
    await dialog.waitFor({ state: 'detached' });
    const bar = page.getByRole('region', { name: 'Space and people' });
    await bar.getByText('bob', { exact: true }).waitFor();
    expect(refusals).toBe(1);
    expect(await entry(page, 'Written by Ada alone').count()).toBe(0);
  });

  test('takes no answer that it did not ask for', async () => {
    const { address } = team.server;
    const clientId = await registered(address, { redirect_uris: [`${address}/`] });
    const forged = authorizationUrl(address, {
      ...{ client_id: clientId, redirect_uri: `${address}/`, code_challenge: createPkce().challenge },
    });
    const { url } = await visitAs(forged, { name: 'bob' });
    expect(url.searchParams.get('code')).not.toBeNull();
    const { page } = await openPage(browser, address);
    await page.goto(url.href);
    await page.getByRole('alert').getByText('was not asked for in this tab').waitFor();
    expect(page.url()).not.toContain('code=');
    const client = { client_id: 'page', code_challenge: createPkce().challenge };
    for (const redirect of [`${address}/x`, `${address}/?x`, 'http://127.0.0.1:1/', 'https://example.org/']) {
      const refused = await fetch(authorizationUrl(address, { ...client, redirect_uri: redirect }), {
        redirect: 'manual',
      });
      expect([redirect, refused.status]).toEqual([redirect, 400]);
    }
    await page.goto(`${address}/?error=access_denied&state=x`);
    await page.getByRole('alert').waitFor();
  });

  test('says in words what went wrong', async () => {
    const page = await browser.newPage();
    onTestFinished(() => page.close());
    page.setDefaultTimeout(30_000);
    await page.goto(`${team.server.address}/#/memories`);
    const answers: Record<string, string> = {
      access_denied: 'You did not allow it.',
      server_error: 'The server refuses it (server_error: <b>it rains</b>).',
    };
    for (const [error, words] of Object.entries(answers)) {
      await page.route('**/oauth/authorize?*', async (route) => {
        const state = new URL(route.request().url()).searchParams.get('state') ?? '';
        const query = new URLSearchParams({ error, state, error_description: '<b>it rains</b>' });
        await route.fulfill({ status: 303, headers: { Location: `/?${query.toString()}` } });
      });
      await page.getByRole('button', { name: 'Sign in' }).click();
      await page.getByRole('alert').getByText(words).waitFor();
      await page.unroute('**/oauth/authorize?*');
    }
    // A server whose clock was set back refuses what it has just made.
    await page.route('**/me', (route) =>
      route.fulfill({
        status: 401,
        json: { status: 401, code: 'UNAUTHORIZED', detail: 'The token has expired.' },
      }),
    );
    await page.getByRole('button', { name: 'Sign in' }).click();
    await fillIn(page, 'ada');
    await page.getByRole('alert').getByText('Is the clock of the server or of the provider wrong?').waitFor();
    await page.unroute('**/me');
    await page.route('**/oauth/token', (route) => route.abort());
    await page.getByRole('button', { name: 'Sign in' }).click();
    await page.getByRole('alert').getByText('The server cannot be reached.').waitFor();
  });

  test('opened at another name of the server, it leads to the address of the sign-in', async () => {
    const { port } = new URL(team.server.address);
    const { page } = await openPage(browser, `http://localhost:${port}`);
    await page.goto(`http://localhost:${port}/#/trash`);
    const link = page.getByRole('link', { name: team.server.address });
    expect(await link.getAttribute('href')).toBe(`${team.server.address}/#/trash`);
  });

  test('takes a personal token too', async () => {
    const { page, visit } = await openPage(browser, team.server.address);
    await visit('memories');
    await page.getByText('Use a token').click();
    await page.getByLabel('Token').fill(await team.tokenOf('ada', '--scope', 'admin'));
    await page.getByRole('button', { name: 'Enter' }).click();
    await space(page).waitFor();
    await page.getByRole('button', { name: 'Sign out' }).click();
    await page.getByRole('heading', { name: 'Sign in' }).waitFor();
  });

  test('without people and spaces it signs in too, and shows nothing of them', async () => {
    const single = await launchSignInServer();
    onTestFinished(async () => {
      await single.stop();
    });
    const { page, visit } = await openPage(browser, single.address);
    await visit('trash');
    await page.getByRole('button', { name: 'Sign in' }).click();
    await fillIn(page, PERSON);
    await page.getByText('The trash is empty.').waitFor();
    expect(await space(page).count()).toBe(0);
    await visit('memories');
    await add(page, 'All people see it');
    await entry(page, 'All people see it').waitFor();
    await page.getByRole('button', { name: 'Sign out' }).click();
    await page.getByRole('heading', { name: 'Sign in' }).waitFor();
  });
});
