import { expect, test } from 'vitest';
import { endUnreadBodies } from '../../../src/http/guards/limit-guards.ts';
import { guardedApp } from '../../helpers/guarded-app.ts';

test.each([
  ['HEAD', true],
  ['GET', false],
])('a stream for %s is ended by the server: %s', async (method, ended) => {
  let cancelled = false;
  const { app } = guardedApp(endUnreadBodies());
  app.get('/stream', () => {
    const cancel = (): void => {
      cancelled = true;
    };
    return new Response(new ReadableStream({ cancel }), { headers: { 'Content-Type': 'text/event-stream' } });
  });
  const answer = await app.request('/stream', { method });
  expect(answer.headers.get('content-type')).toBe('text/event-stream');
  expect(cancelled).toBe(ended);
});
