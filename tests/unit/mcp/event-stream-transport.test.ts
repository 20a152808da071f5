import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { EventStreamTransport } from '../../../src/mcp/event-stream-sessions.ts';
import { OpenWork } from '../../../src/util/concurrency.ts';

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

test('keeps a silent stream alive, until it is closed', async () => {
  const transport = new EventStreamTransport('/messages', new OpenWork());
  await transport.start();
  vi.advanceTimersByTime(31_000);
  await transport.close();
  vi.advanceTimersByTime(60_000);
  expect(await new Response(transport.events).text()).toBe(
    `event: endpoint\ndata: /messages?sessionId=${transport.sessionId}\n\n: here\n\n: here\n\n`,
  );
  expect(vi.getTimerCount()).toBe(0);
});
