import type { Page } from 'playwright-core';

/** Where on the page, in pixels. */
export interface Place {
  readonly x: number;
  readonly y: number;
}

/** Movements of a finger, between touching and leaving. */
const STEPS = 6;

/** Puts fingers on the page, and moves each to where it is let go. */
export async function fingersOn(page: Page): Promise<(from: Place[], to: Place[]) => Promise<void>> {
  const session = await page.context().newCDPSession(page);
  const send = (type: 'touchStart' | 'touchMove' | 'touchEnd', places: Place[]) =>
    session.send('Input.dispatchTouchEvent', {
      type,
      touchPoints: places.map((place, id) => ({ ...place, id })),
    });
  return async (from, to) => {
    await send('touchStart', from);
    for (let step = 1; step <= STEPS; step += 1) {
      const part = step / STEPS;
      const places = from.map(({ x, y }, index) => ({
        x: x + ((to[index]?.x ?? x) - x) * part,
        y: y + ((to[index]?.y ?? y) - y) * part,
      }));
      await send('touchMove', places);
    }
    await send('touchEnd', []);
  };
}
