import fc from 'fast-check';
import { expect, test } from 'vitest';
import { LimitedQueue } from '../../../src/util/concurrency.ts';

test('runs each piece of work once, in order, never more than the limit at a time, whatever fails', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.boolean(), { maxLength: 12 }),
      fc.integer({ min: 1, max: 4 }),
      fc.scheduler(),
      async (failures, limit, scheduler) => {
        const queue = new LimitedQueue(limit);
        const started: number[] = [];
        let running = 0;
        let most = 0;
        const all = failures.map((fails, place) =>
          queue.run(async () => {
            started.push(place);
            running += 1;
            most = Math.max(most, running);
            await scheduler.schedule(Promise.resolve());
            running -= 1;
            if (fails) throw new Error('failed');
            return place;
          }),
        );
        const outcomes = await scheduler.waitFor(Promise.allSettled(all));
        await queue.idle();
        expect(started).toEqual([...failures.keys()]);
        expect(most).toBe(Math.min(limit, failures.length));
        expect(outcomes.map(({ status }) => status === 'rejected')).toEqual(failures);
      },
    ),
    { numRuns: 100 },
  );
});
