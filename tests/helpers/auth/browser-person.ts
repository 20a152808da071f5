import type { Page } from 'playwright-core';
import { REDIRECT } from './oauth-requests.ts';
import { PASSWORD, PERSON } from './sign-in-server.ts';

/** A person at the pages of the authorization server in this program. */
export async function signInHere(page: Page): Promise<void> {
  await page.getByLabel('Name').fill(PERSON);
  await page.getByLabel('Password').fill(PASSWORD);
  await page.getByRole('button', { name: 'Sign in' }).click();
  await page.getByRole('button', { name: 'Allow' }).click();
}

/** The address that the browser is sent to in the end, where a client would listen. */
export async function answerIn(page: Page, url: URL, answer: (page: Page) => Promise<void>): Promise<URL> {
  const { host } = new URL(REDIRECT);
  const arrived = page.waitForRequest((request) => new URL(request.url()).host === host);
  await page.route(`http://${host}/**`, (route) => route.fulfill({ body: 'Back in the client.' }));
  await page.goto(url.href);
  await answer(page);
  return new URL((await arrived).url());
}
