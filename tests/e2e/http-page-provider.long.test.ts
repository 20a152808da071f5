import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import {
  type IdentityProvider,
  PAGE_AT_PROVIDER,
  startIdentityProvider,
} from '../helpers/auth/identity-provider.ts';
import { hasBrowser, launchBrowser } from '../helpers/browser.ts';
import { entry } from '../helpers/page/open-with.ts';
import { freePort } from '../helpers/servers/free-port.ts';
import { startTeam, type TestTeam } from '../helpers/team.ts';

let browser: Browser;

interface ProviderTeam {
  readonly team: TestTeam;
  readonly provider: IdentityProvider;
  /** A page that breaks no policy. */
  readonly page: Page;
}

/** A server of a team whose people sign in at another program. */
async function startWithProvider(env: Readonly<Record<string, string>> = {}): Promise<ProviderTeam> {
  const port = String(await freePort());
  const provider = await startIdentityProvider({ pageRedirect: `http://127.0.0.1:${port}/` });
  onTestFinished(() => provider.stop());
  const team = await startTeam(
    { MEMORY_AUTH: 'oidc', MEMORY_AUTH_ISSUER: provider.issuer, MEMORY_TEAM_SIGN_UP: 'true', ...env },
    ['--port', port],
  );
  const context = await browser.newContext();
  const page = await context.newPage();
  page.setDefaultTimeout(30_000);
  const complaints: string[] = [];
  page.on('console', (message) => {
    if (message.text().includes('Content Security Policy')) complaints.push(message.text());
  });
  onTestFinished(async () => {
    await context.close();
    expect(complaints).toEqual([]);
  });
  await page.goto(`${team.server.address}/#/memories`);
  return { team, provider, page };
}

const WITH_PAGE = { MEMORY_AUTH_PAGE_CLIENT_ID: PAGE_AT_PROVIDER };

const beginAt = (page: Page, { issuer }: IdentityProvider) =>
  page.getByRole('button', { name: `Sign in at ${new URL(issuer).host}` }).click();

async function answerAt(page: Page, name: string): Promise<void> {
  await page.getByPlaceholder('Enter any login').fill(name);
  await page.getByPlaceholder('and password').fill('any');
  await page.getByRole('button', { name: 'Sign-in' }).click();
  await page.getByRole('button', { name: 'Continue' }).click();
}

const space = (page: Page) => page.getByRole('combobox', { name: 'Space' });

async function add(page: Page, text: string): Promise<void> {
  await page.getByRole('button', { name: 'Add memory' }).click();
  await page.getByRole('dialog').getByLabel('Text').fill(text);
  await page.getByRole('dialog').getByRole('button', { name: 'Save' }).click();
  await entry(page, text).waitFor();
}

describe.runIf(hasBrowser)('the page of a team that signs in at another provider', () => {
  beforeAll(async () => {
    browser = await launchBrowser();
  });
  afterAll(async () => {
    await browser.close();
  });

  test('signs in there, renews by itself, and ends the sign-in with what it had', async () => {
    const { page, provider } = await startWithProvider(WITH_PAGE);
    const refreshTokens: string[] = [];
    await page.route(`${provider.issuer}/token`, async (route) => {
      const response = await route.fetch();
      const answer = (await response.json()) as Record<string, unknown>;
      refreshTokens.push(String(answer['refresh_token']));
      await route.fulfill({
        response,
        json: refreshTokens.length === 1 ? { ...answer, expires_in: 1 } : answer,
      });
    });
    await beginAt(page, provider);
    await answerAt(page, 'ada');
    await space(page).waitFor();
    expect(page.url()).toMatch(/\/#\/memories$/);
    await add(page, 'From another provider');
    expect(refreshTokens.length).toBe(2);
    await page.reload();
    await beginAt(page, provider);
    await entry(page, 'From another provider').waitFor();
    await page.getByRole('button', { name: 'Sign out' }).click();
    await page.getByRole('heading', { name: 'Sign in' }).waitFor();
    const body = new URLSearchParams({
      ...{ grant_type: 'refresh_token', client_id: PAGE_AT_PROVIDER },
      refresh_token: refreshTokens.at(-1) ?? '',
    });
    expect((await fetch(`${provider.issuer}/token`, { method: 'POST', body })).status).toBe(400);
  });

  test('says when the provider is away, and when the person does not allow it', async () => {
    const { page, provider } = await startWithProvider(WITH_PAGE);
    await beginAt(page, provider);
    await page.getByRole('link', { name: 'Cancel' }).click();
    await page.getByRole('alert').getByText('You did not allow it.').waitFor();
    await page.reload();
    await provider.stop();
    await beginAt(page, provider);
    const host = new URL(provider.issuer).host.replaceAll('.', '\\.');
    await page
      .getByRole('alert')
      .getByText(new RegExp(`The sign-in at ${host} cannot be reached`))
      .waitFor();
    await provider.start();
    await beginAt(page, provider);
    await answerAt(page, 'ada');
    await space(page).waitFor();
  });

  test('tells a person whom the server does not know, who can leave again', async () => {
    const { page, provider } = await startWithProvider({ ...WITH_PAGE, MEMORY_TEAM_SIGN_UP: 'false' });
    await beginAt(page, provider);
    await answerAt(page, 'eve');
    await page.getByRole('alert').getByText('You are not known to this server').waitFor();
    await page.getByRole('button', { name: 'Sign out' }).click();
    await page.getByRole('heading', { name: 'Sign in' }).waitFor();
  });

  test('takes a token where the provider does not know the page', async () => {
    const { page, team, provider } = await startWithProvider();
    await page.getByText(`Programs sign in at ${new URL(provider.issuer).host}.`).waitFor();
    await team.run('user', 'add', 'ada');
    await page.getByLabel('Token').fill(await team.tokenOf('ada'));
    await page.getByRole('button', { name: 'Enter' }).click();
    await space(page).waitFor();
  });
});
