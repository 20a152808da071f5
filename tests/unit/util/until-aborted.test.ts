import { getEventListeners } from 'node:events';
import { expect, test } from 'vitest';
import { untilAborted } from '../../../src/util/until-aborted.ts';

test('the signal of the work aborts with any of the others, for the same reason', async () => {
  for (const first of [0, 1]) {
    const controllers = [new AbortController(), new AbortController()];
    const work = untilAborted(
      controllers.map(({ signal }) => signal),
      (signal) =>
        new Promise<unknown>((resolve) => {
          signal.addEventListener('abort', () => {
            resolve(signal.reason);
          });
        }),
    );
    const reason = new Error('enough');
    controllers[first]?.abort(reason);
    expect(await work).toBe(reason);
  }
});

test('work that begins after an abort sees it', async () => {
  const signals = [new AbortController().signal, AbortSignal.abort('before')];
  expect(await untilAborted(signals, ({ aborted }) => Promise.resolve(aborted))).toBe(true);
});

test('nothing is left with a signal that outlives the work, whatever its end', async () => {
  const { signal } = new AbortController();
  await untilAborted([signal], () => Promise.resolve());
  await expect(untilAborted([signal], () => Promise.reject(new Error('failed')))).rejects.toThrow('failed');
  expect(getEventListeners(signal, 'abort')).toEqual([]);
});
