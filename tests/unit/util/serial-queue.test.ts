import { describe, expect, test } from 'vitest';
import { SerialQueue } from '../../../src/util/concurrency.ts';

describe('SerialQueue', () => {
  test('runs one piece of work after the other, in order', async () => {
    const queue = new SerialQueue();
    const events: string[] = [];
    const work = (name: string) =>
      queue.run(async () => {
        events.push(`${name} starts`);
        await Promise.resolve();
        await Promise.resolve();
        events.push(`${name} ends`);
        return name;
      });
    expect(await Promise.all([work('a'), work('b')])).toEqual(['a', 'b']);
    expect(events).toEqual(['a starts', 'a ends', 'b starts', 'b ends']);
  });

  test('goes on after a failure, which only its caller sees', async () => {
    const queue = new SerialQueue();
    const failing = queue.run(() => Promise.reject(new Error('broken')));
    const next = queue.run(() => Promise.resolve('fine'));
    await expect(failing).rejects.toThrow('broken');
    expect(await next).toBe('fine');
  });

  test('is idle when everything is done, also what failed', async () => {
    const queue = new SerialQueue();
    let done = 0;
    const failing = queue.run(() => Promise.reject(new Error('broken')));
    void queue.run(() => Promise.resolve((done += 1)));
    await Promise.all([queue.idle(), failing.catch(() => undefined)]);
    expect(done).toBe(1);
  });
});
