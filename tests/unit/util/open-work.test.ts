import { expect, test } from 'vitest';
import { OpenWork } from '../../../src/util/concurrency.ts';

test('is done at once when nothing is under way', async () => {
  await new OpenWork().done();
});

test('is done when the last work ends, counting each once', async () => {
  const work = new OpenWork();
  const [endFirst, endSecond] = [work.begin(), work.begin()];
  const events: string[] = [];
  const done = Promise.all([work.done(), work.done()]).then(() => events.push('done'));
  endFirst();
  endFirst();
  await Promise.resolve();
  events.push('second ends');
  endSecond();
  await done;
  expect(events).toEqual(['second ends', 'done']);
  await work.done();
});
