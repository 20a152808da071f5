import type { ServerResponse } from 'node:http';
import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { hasBrowser, launchBrowser } from '../helpers/browser.ts';
import { type EmbeddingServer, startEmbeddingServer } from '../helpers/embedding-server.ts';
import { type RunningHttpServer, startServer } from '../helpers/http-server.ts';
import {
  embedded,
  embeddingOf,
  eventually,
  GREETING,
  IMPORT_DAY,
  importAll,
  launchWithMap,
  MEMORIES,
  numbersOf,
  openMap,
  scrollOf,
  topmostDot,
  withModel,
} from '../helpers/page/open-map.ts';
import { openPage } from '../helpers/page/open-page.ts';

let browser: Browser;
let embedding: EmbeddingServer;
let server: RunningHttpServer;

describe.runIf(hasBrowser)('the picture with a mouse', () => {
  beforeAll(async () => {
    browser = await launchBrowser();
    embedding = await startEmbeddingServer();
    server = await launchWithMap(embedding);
  });
  afterAll(async () => {
    await server.stop();
    await embedding.close();
    await browser.close();
  });

  test('scrolls the page with the wheel over the map, and zooms with Ctrl and the wheel', async () => {
    const { page, map, frame } = await openMap(browser, server.address);
    await map.hover();
    const scrolled = await scrollOf(page);
    await page.mouse.wheel(0, 60);
    await eventually(() => scrollOf(page)).toBe(scrolled + 60);
    expect((await frame()).size).toBeCloseTo(2.15);
    await page.keyboard.down('Control');
    await page.mouse.wheel(0, -60);
    await eventually(async () => (await frame()).size).toBeLessThan(2.1);
    expect(await scrollOf(page)).toBe(scrolled + 60);
    await page.getByRole('button', { name: 'Whole map' }).click();
    expect((await frame()).size).toBeCloseTo(2.15);
  });

  test('drags the map that is near, and opens a memory by a click on its dot', async () => {
    const { page, map, frame } = await openMap(browser, server.address);
    await page.getByRole('button', { name: 'Zoom in' }).click();
    const before = await frame();
    await map.hover();
    await page.mouse.down();
    await page.mouse.move(700, 400, { steps: 3 });
    await page.mouse.move(740, 420, { steps: 3 });
    await page.mouse.up();
    expect(await frame()).not.toEqual(before);
    await page.getByRole('button', { name: 'Whole map' }).click();
    const dot = await topmostDot(map);
    await page.mouse.click(dot.x, dot.y);
    await page.getByRole('heading', { name: 'Memory', exact: true }).waitFor();
    await page.locator('main .card').first().getByText(dot.text).waitFor();
  });

  test('makes the dots of a tag stand out', async () => {
    const { page } = await openMap(browser, server.address);
    const legend = page.getByRole('group', { name: 'Most frequent tags on the map' });
    expect(await legend.getByRole('button').allTextContents()).toEqual(['work 3', 'home 2', 'paint 2']);
    const paint = legend.getByRole('button', { name: 'paint 2' });
    await paint.click();
    expect(await paint.getAttribute('aria-pressed')).toBe('true');
    expect(await opacities(page, 'Paint')).toEqual(['1', '1']);
    expect(await opacities(page, 'Deploy')).toEqual(['0.12']);
    await paint.click();
    expect(await paint.getAttribute('aria-pressed')).toBe('false');
    expect(await opacities(page, 'Deploy')).toEqual(await opacities(page, 'Paint the garden'));
  });

  test('shows few memories beside many, and all numbers', async () => {
    const { page } = await openMap(browser, server.address);
    expect(await page.locator('.scale span').allTextContents()).toEqual([String(MEMORIES.length), '0']);
    const heights = await page.evaluate<number[]>(numbersOf('.bar', 'height'));
    expect(heights).toHaveLength(2);
    expect(Math.min(...heights)).toBeGreaterThan(10);
    const days = page.locator('.period');
    expect(await days.allTextContents()).toEqual([
      `2026-01-01: ${IMPORT_DAY} added, ${IMPORT_DAY} in all`,
      `2026-01-02: 0 added, ${IMPORT_DAY} in all`,
      `2026-01-03: 6 added, ${MEMORIES.length} in all`,
    ]);
    // Where no bar is.
    await days.nth(1).hover({ position: { x: 20, y: 5 } });
  });

  test('lets each text have its own direction', async () => {
    const { page, map } = await openMap(browser, server.address);
    await map.focus();
    await map.locator('.dot').filter({ hasText: GREETING }).dispatchEvent('pointerover');
    await page.locator('#map-chosen .text').getByText(GREETING).waitFor();
    expect(await directionOf(page, '#map-chosen .text')).toBe('rtl');
    expect(await directionOf(page, '.links a')).toBe('ltr');
  });

  test('tells how many memories are still read, and shows them when that is done', async () => {
    const held: ServerResponse[] = [];
    const { address } = await startServer({ env: withModel(embedding) });
    await importAll(address, [{ text: 'The first memory' }]);
    await embedded(address);
    embedding.script.push((response) => held.push(response));
    await importAll(address, [{ text: 'The second memory' }, { text: 'The third memory' }]);
    await eventually(() => held.length).toBe(1);
    const { page, visit } = await openPage(browser, address);
    await page.clock.install();
    const requests: string[] = [];
    page.on('request', (request) => requests.push(new URL(request.url()).pathname));
    await visit('picture');
    await page.getByText('2 memories are still being processed and will then appear on the map.').waitFor();
    await page.getByRole('application', { name: 'Map of 1 memory' }).waitFor();
    requests.length = 0;
    await visit('trash');
    // The navigation asks once.
    const asked = () => requests.filter((path) => path === '/stats').length;
    await eventually(asked).toBe(1);
    await page.clock.fastForward(60_000);
    await page.waitForLoadState('networkidle');
    expect(asked()).toBe(1);
    await visit('picture');
    held[0]?.writeHead(503).end();
    await embedded(address);
    await page.clock.fastForward(5_000);
    await page.getByRole('application', { name: 'Map of 3 memories' }).waitFor();
    expect(await page.getByText('still being processed').count()).toBe(0);
  });

  test('says why memories are not read', async () => {
    const { address } = await startServer({ env: withModel(embedding) });
    await importAll(address, [{ text: 'The first memory' }]);
    await embedded(address);
    embedding.script.push((response) => response.writeHead(401).end());
    await importAll(address, [{ text: 'The second memory' }]);
    await eventually(() => embeddingOf(address)).toHaveProperty('problem');
    const { page, visit } = await openPage(browser, address);
    await visit('picture');
    await page.getByRole('alert').getByText('1 memory cannot be processed now: ').waitFor();
    expect(await page.getByText('still being processed').count()).toBe(0);
  });
});

/** How visible the dots of the memories are that begin so. */
async function opacities(page: Page, beginning: string): Promise<string[]> {
  const dots = `[...document.querySelectorAll('.dot')].filter((dot) => dot.textContent.startsWith('${beginning}'))`;
  return page.evaluate<string[]>(`${dots}.map((dot) => getComputedStyle(dot).fillOpacity)`);
}

/** Of the text of the first such element. */
function directionOf(page: Page, selector: string): Promise<string> {
  return page.evaluate<string>(`getComputedStyle(document.querySelector('${selector}')).direction`);
}
