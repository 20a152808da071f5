import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { hasBrowser, launchBrowser } from '../helpers/browser.ts';
import { type EmbeddingServer, startEmbeddingServer } from '../helpers/embedding-server.ts';
import type { RunningHttpServer } from '../helpers/http-server.ts';
import { fingersOn } from '../helpers/page/fingers-on.ts';
import {
  eventually,
  launchWithMap,
  middleOf,
  openMap,
  scrollOf,
  topmostDot,
} from '../helpers/page/open-map.ts';

const PHONE = { viewport: { width: 360, height: 640 }, hasTouch: true, isMobile: true };
/** Chromium without a window has no finger otherwise, whatever the page can be touched with. */
const ONLY_FINGERS = '--blink-settings=primaryPointerType=2,availablePointerTypes=2';

let browser: Browser;
let embedding: EmbeddingServer;
let server: RunningHttpServer;

describe.runIf(hasBrowser)('the picture with fingers', () => {
  beforeAll(async () => {
    browser = await launchBrowser([ONLY_FINGERS]);
    embedding = await startEmbeddingServer();
    server = await launchWithMap(embedding);
  });
  afterAll(async () => {
    await server.stop();
    await embedding.close();
    await browser.close();
  });

  test('says what fingers can do', async () => {
    const { page } = await openMap(browser, server.address, PHONE);
    await page.getByText('tap a dot to read it').waitFor();
    await page.getByText('click a dot').waitFor({ state: 'hidden' });
  });

  test('scrolls the page over the whole map, and moves the map that is near', async () => {
    const { page, map, frame } = await openMap(browser, server.address, PHONE);
    const touch = await fingersOn(page);
    const before = await scrollOf(page);
    const { x, y } = await middleOf(map);
    await touch([{ x, y }], [{ x, y: y - 150 }]);
    await eventually(() => scrollOf(page)).toBeGreaterThan(before + 50);
    expect((await frame()).size).toBeCloseTo(2.15);
    await page.getByRole('button', { name: 'Zoom in' }).tap();
    await map.scrollIntoViewIfNeeded();
    const near = await frame();
    const scrolled = await scrollOf(page);
    const middle = await middleOf(map);
    await touch([middle], [{ x: middle.x, y: middle.y + 60 }]);
    await eventually(frame).not.toEqual(near);
    expect((await frame()).size).toBeCloseTo(near.size);
    expect(await scrollOf(page)).toBe(scrolled);
  });

  test('comes closer with two fingers', async () => {
    const { page, map, frame } = await openMap(browser, server.address, PHONE);
    const touch = await fingersOn(page);
    const scrolled = await scrollOf(page);
    const { x, y } = await middleOf(map);
    // One of them stays, so their middle moves as if to scroll.
    await touch(
      [
        { x, y: y - 30 },
        { x, y: y + 30 },
      ],
      [
        { x, y: y - 120 },
        { x, y: y + 30 },
      ],
    );
    await eventually(async () => (await frame()).size).toBeCloseTo((2.15 * 60) / 150, 1);
    expect(await scrollOf(page)).toBe(scrolled);
    expect(page.url()).toContain('#/picture');
  });

  test('chooses the memory near a tap, and opens it by its link', async () => {
    const { page, map } = await openMap(browser, server.address, PHONE);
    const dot = await topmostDot(map);
    await page.touchscreen.tap(dot.x, dot.y - 9);
    const chosen = page.locator('#map-chosen .text');
    await chosen.getByText(dot.text).waitFor();
    expect(page.url()).toContain('#/picture');
    await chosen.tap();
    await page.getByRole('heading', { name: 'Memory', exact: true }).waitFor();
  });
});
