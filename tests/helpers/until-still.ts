import { expect } from 'vitest';

/** Waits until a number has stopped to change. @returns it */
export async function untilStill(read: () => Promise<number>): Promise<number> {
  let before = -1;
  const isStill = async (): Promise<boolean> => {
    const now = await read();
    const same = now === before;
    before = now;
    return same;
  };
  await expect.poll(isStill, { interval: 500 }).toBe(true);
  return before;
}
