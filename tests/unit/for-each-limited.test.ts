import fc from 'fast-check';
import { expect, test } from 'vitest';
import { forEachLimited } from '../../src/util/concurrency.ts';

test('runs every item once, in order, and never more than the limit at a time', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.nat({ max: 5 })),
      fc.integer({ min: 1, max: 6 }),
      fc.scheduler(),
      async (items, limit, scheduler) => {
        const started: number[] = [];
        let running = 0;
        let most = 0;
        const done = forEachLimited(items, limit, async (item) => {
          started.push(item);
          running += 1;
          most = Math.max(most, running);
          await scheduler.schedule(Promise.resolve());
          running -= 1;
        });
        await scheduler.waitFor(done);
        expect(started).toEqual(items);
        expect(most).toBeLessThanOrEqual(limit);
      },
    ),
    { numRuns: 50 },
  );
});

test('after a failure starts nothing new, waits for what runs, and rejects with the first error', async () => {
  const started: number[] = [];
  let release = (): void => undefined;
  const slow = new Promise<void>((resolve) => {
    release = resolve;
  });
  let slowEnded = false;
  const done = forEachLimited([0, 1, 2, 3], 2, async (item) => {
    started.push(item);
    if (item === 0) {
      await slow;
      slowEnded = true;
    } else {
      setImmediate(release);
      throw new Error(`failed at ${item}`);
    }
  });
  await expect(done).rejects.toThrow('failed at 1');
  expect(started).toEqual([0, 1]);
  expect(slowEnded).toBe(true);
});
