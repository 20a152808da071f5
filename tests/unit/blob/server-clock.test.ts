import { expect, test } from 'vitest';
import { ServerClock } from '../../../src/blob/request-runner.ts';

test('runs on with the monotonic clock from the newest answer', () => {
  let monotonic = 1000;
  const clock = new ServerClock(() => monotonic);
  expect(clock.now()).toBeNull();
  clock.observeHeader('Thu, 01 Jan 2026 00:00:00 GMT');
  monotonic += 2500;
  expect(clock.now()).toBe(Date.UTC(2026, 0, 1) + 2500);
  clock.observe(5000);
  expect(clock.now()).toBe(5000);
});

test('ignores what is not a time', () => {
  const clock = new ServerClock(() => 0);
  for (const header of ['', 'yesterday', undefined, null]) clock.observeHeader(header);
  expect(clock.now()).toBeNull();
});
