import type { Browser, BrowserContextOptions, Locator, Page } from 'playwright-core';
import { expect, vi } from 'vitest';
import type { EmbeddingServer } from '../embedding-server.ts';
import { httpClient } from '../http-client.ts';
import { launchServer, type RunningHttpServer } from '../http-server.ts';
import type { Place } from './fingers-on.ts';
import { openPage } from './open-page.ts';

const PATIENCE = { timeout: 60_000 };
export const GREETING = 'صباح الخير';
export const IMPORT_DAY = 200;

/** One day with many memories, and two days later some that have tags. */
export const MEMORIES = [
  ...Array.from({ length: IMPORT_DAY }, (_, index) => ({
    text: `Imported ${index} of the old notes`,
    created_at: '2026-01-01T12:00:00.000Z',
  })),
  { text: 'Sweep the garden', tags: ['home'] },
  { text: 'Paint the garden fence', tags: ['home', 'paint'] },
  { text: 'Deploy the server', tags: ['work'] },
  { text: 'Review the server', tags: ['work'] },
  { text: 'Paint the logo of the server', tags: ['work', 'paint'] },
  { text: GREETING },
].map((memory) => ({ created_at: '2026-01-03T12:00:00.000Z', ...memory }));

/** A server with all these memories on its map; who calls it stops it. */
export async function launchWithMap(embedding: EmbeddingServer): Promise<RunningHttpServer> {
  const server = await launchServer({ env: withModel(embedding) });
  await importAll(server.address, MEMORIES);
  await embedded(server.address);
  return server;
}

export function withModel({ url }: EmbeddingServer): Record<string, string> {
  return {
    MEMORY_EMBEDDING_PROVIDER: 'openai',
    MEMORY_EMBEDDING_BASE_URL: url,
    MEMORY_EMBEDDING_MODEL: 'fake',
  };
}

export async function importAll(address: string, memories: readonly object[]): Promise<void> {
  const body = memories.map((memory) => `${JSON.stringify(memory)}\n`).join('');
  const headers = { 'Content-Type': 'application/x-ndjson' };
  const { data } = await httpClient(address).send('/import', { method: 'POST', headers, body });
  expect(data['added']).toBe(memories.length);
}

/** Waits until all memories have their vectors. */
export async function embedded(address: string): Promise<void> {
  await vi.waitFor(async () => {
    expect(await embeddingOf(address)).toMatchObject({ pending: 0 });
  }, PATIENCE);
}

/** For what comes after a while. */
export function eventually<Value>(read: () => Value) {
  return expect.poll(read, PATIENCE);
}

export async function embeddingOf(address: string): Promise<unknown> {
  return (await httpClient(address).get('/stats')).data['embedding'];
}

export async function openMap(browser: Browser, address: string, options: BrowserContextOptions = {}) {
  const { page, visit } = await openPage(browser, address, options);
  await visit('picture');
  const map = page.getByRole('application', { name: `Map of ${MEMORIES.length} memories` });
  await map.scrollIntoViewIfNeeded();
  /** What is seen of the map. */
  const frame = async () => {
    const numbers = (await map.getAttribute('viewBox'))?.split(' ').map(Number) ?? [];
    const [x = NaN, y = NaN, size = NaN] = numbers;
    return { x, y, size };
  };
  return { page, map, frame };
}

/** Where the dot is that is nearest to the upper edge. */
export async function topmostDot(map: Locator): Promise<{ x: number; y: number; text: string }> {
  await map.scrollIntoViewIfNeeded();
  const dots = map.locator('.dot');
  const heights = await map.page().evaluate<number[]>(numbersOf('.dot', 'cy'));
  const dot = dots.nth(heights.indexOf(Math.min(...heights)));
  return { ...(await middleOf(dot)), text: (await dot.textContent()) ?? '' };
}

export async function middleOf(element: Locator): Promise<Place> {
  const { x, y, width, height } = (await element.boundingBox()) ?? { x: 0, y: 0, width: 0, height: 0 };
  return { x: x + width / 2, y: y + height / 2 };
}

/** A script that reads an attribute of all such elements. */
export function numbersOf(selector: string, attribute: string): string {
  return `[...document.querySelectorAll('${selector}')].map((each) => Number(each.getAttribute('${attribute}')))`;
}

export function scrollOf(page: Page): Promise<number> {
  return page.evaluate<number>('scrollY');
}
