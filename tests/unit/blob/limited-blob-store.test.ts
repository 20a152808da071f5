import { describe, expect, test } from 'vitest';
import { InMemoryBlobStore } from '../../../src/blob/in-memory-blob-store.ts';
import { limitedBlobStore } from '../../../src/blob/decorators.ts';

/** A store whose calls stay under way until they are let go. */
function gated(limit: number) {
  const waiting: { readonly key: string; readonly letGo: (error?: Error) => void }[] = [];
  let most = 0;
  let running = 0;
  const inner = new InMemoryBlobStore({
    beforeCall: ({ key }) => {
      most = Math.max(most, ++running);
      return new Promise((resolve, reject) => {
        waiting.push({
          key,
          letGo: (error) => {
            running -= 1;
            if (error === undefined) resolve();
            else reject(error);
          },
        });
      });
    },
  });
  return { store: limitedBlobStore(inner, limit), waiting, most: () => most };
}

async function settle(): Promise<void> {
  await new Promise((resolve) => setImmediate(resolve));
}

describe('limitedBlobStore', () => {
  test('runs at most so many calls at once, in the order they came', async () => {
    const { store, waiting, most } = gated(3);
    const calls = Array.from({ length: 10 }, (_, index) => store.get(`k${index}`));
    for (let index = 0; index < 10; index++) {
      await settle();
      expect(waiting[index]?.key).toBe(`k${index}`);
      waiting[index]?.letGo();
    }
    await Promise.all(calls);
    expect(most()).toBe(3);
  });

  test('goes on after calls that failed', async () => {
    const { store, waiting } = gated(1);
    const failed = store.get('a');
    const next = store.get('b');
    await settle();
    waiting[0]?.letGo(new Error('planned'));
    await expect(failed).rejects.toThrow('planned');
    await settle();
    waiting[1]?.letGo();
    expect(await next).toBeNull();
  });

  test('lets a waiting call leave the queue without losing its place to nobody', async () => {
    const { store, waiting } = gated(1);
    const controller = new AbortController();
    const reason = new Error('not needed any more');
    const first = store.get('a');
    const second = store.get('b', { signal: controller.signal });
    const third = store.get('c');
    controller.abort(reason);
    await expect(second).rejects.toBe(reason);
    await settle();
    waiting[0]?.letGo();
    await settle();
    waiting[1]?.letGo();
    expect(await first).toBeNull();
    expect(await third).toBeNull();
    expect(waiting.map(({ key }) => key)).toEqual(['a', 'c']);
  });
});
