import axe, { type AxeResults } from 'axe-core';
import type { Page } from 'playwright-core';
import { expect } from 'vitest';

/** No violation of WCAG 2.2 AA that axe can find. */
export async function expectAccessible(page: Page, view: string): Promise<void> {
  await page.evaluate(axe.source);
  const tags = ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'];
  const run = `axe.run(document, { runOnly: ${JSON.stringify(tags)} })`;
  const { violations, passes } = await page.evaluate<AxeResults>(run);
  const found = violations.map(
    ({ id, nodes }) => `${view}: ${id} at ${nodes.map(({ html }) => html).join(' ')}`,
  );
  expect(found).toEqual([]);
  expect(passes.length).toBeGreaterThan(10);
}

/** Nothing must be scrolled to sideways but what says so. */
export async function expectToFit(page: Page, view: string): Promise<void> {
  const { width, seen } = await page.evaluate<{ width: number; seen: number }>(
    '({ width: document.documentElement.scrollWidth, seen: document.documentElement.clientWidth })',
  );
  expect([view, width]).toEqual([view, seen]);
}
