import type { Browser, BrowserContextOptions, Page } from 'playwright-core';
import type { TestTeam } from '../team.ts';
import { openPage, type OpenedPage } from './open-page.ts';

export interface VisitAs {
  readonly token: string;
  /** Default: the own memories. */
  readonly view?: string;
  readonly options?: BrowserContextOptions;
}

/** Opens the page of a team and enters a token. */
export async function openAs(
  browser: Browser,
  { server }: TestTeam,
  { token, view = 'memories', options = {} }: VisitAs,
): Promise<OpenedPage> {
  const opened = await openPage(browser, server.address, options);
  await opened.visit(view);
  await opened.page.getByLabel('Token').fill(token);
  await opened.page.getByRole('button', { name: 'Enter' }).click();
  await opened.page.getByRole('combobox', { name: 'Space' }).waitFor();
  return opened;
}

export async function switchTo(page: Page, space: string): Promise<void> {
  await page.getByRole('combobox', { name: 'Space' }).selectOption(space);
}

/** A space of Ada. @param members with their roles */
export async function newSpace(
  team: TestTeam,
  id: string,
  members: Readonly<Record<string, string>> = {},
): Promise<void> {
  await team.run('space', 'create', id, '--owner', 'ada');
  for (const [person, role] of Object.entries(members))
    await team.run('space', 'grant', id, person, '--role', role);
}
