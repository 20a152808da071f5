import { expect, test, vi } from 'vitest';
import { SessionPool } from '../../../src/mcp/session-pool.ts';

function pool(limits: { count: number; idleMs?: number }) {
  const clock = { now: 1_000 };
  const sessions = new SessionPool<{ close(): Promise<void> }>(limits, () => clock.now);
  const open = (id: string) => {
    const close = vi.fn(() => Promise.resolve());
    sessions.add(id, { close });
    return close;
  };
  return { clock, sessions, open };
}

test('closes the session that was not used for longest when there are too many', () => {
  const { sessions, open } = pool({ count: 2 });
  const [first, second] = [open('first'), open('second')];
  expect(sessions.use('first')).toBeDefined();
  const third = open('third');
  expect(second).toHaveBeenCalledOnce();
  expect(sessions.use('second')).toBeUndefined();
  expect(sessions.size).toBe(2);
  expect(first).not.toHaveBeenCalled();
  expect(third).not.toHaveBeenCalled();
});

test('closes all that were idle for too long when another one begins', () => {
  const { clock, sessions, open } = pool({ count: 10, idleMs: 100 });
  const [first, second, third] = [open('first'), open('second'), open('third')];
  clock.now = 1_060;
  sessions.use('first');
  clock.now = 1_120;
  open('fourth');
  expect(second).toHaveBeenCalledOnce();
  expect(third).toHaveBeenCalledOnce();
  expect(first).not.toHaveBeenCalled();
  expect(sessions.size).toBe(2);
});

test('keeps every session without a limit of idle time', () => {
  const { clock, sessions, open } = pool({ count: 10 });
  const close = open('first');
  clock.now += 365 * 24 * 3_600_000;
  open('second');
  expect(sessions.use('first')).toBeDefined();
  expect(close).not.toHaveBeenCalled();
});

test('knows no session that was idle for too long', () => {
  const { clock, sessions, open } = pool({ count: 10, idleMs: 100 });
  const close = open('first');
  clock.now = 1_100;
  expect(sessions.use('first')).toBeDefined();
  clock.now = 1_201;
  expect(sessions.use('first')).toBeUndefined();
  expect(close).toHaveBeenCalledOnce();
  expect(sessions.size).toBe(0);
});

test('forgets without closing, and closes all even when one fails', async () => {
  const { clock, sessions, open } = pool({ count: 10, idleMs: 100 });
  const [gone, failing, last] = [open('gone'), open('failing'), open('last')];
  failing.mockRejectedValueOnce(new Error('it was closed before'));
  sessions.remove('gone');
  clock.now = 1_500;
  await sessions.close();
  expect(gone).not.toHaveBeenCalled();
  expect(last).toHaveBeenCalledOnce();
  expect(sessions.size).toBe(0);
});
