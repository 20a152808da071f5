import { setTimeout as sleep } from 'node:timers/promises';
import { pathToFileURL } from 'node:url';
import { expect, test } from 'vitest';
import { httpClient } from '../helpers/http-client.ts';
import { type RunningHttpServer, startServer } from '../helpers/http-server.ts';

const NODE_OPTIONS = `--import ${pathToFileURL('tests/helpers/heap-preload.mjs').href}`;
const PAUSE_MS = 100;
/** Past the first seconds of the process. */
const BUSY_MS = 8_000;
const CONNECTIONS = 50;
/** V8 forgets the limit when a thread starts, so that now and then the heap grows before it is set again. */
const STARTS = 4;

/** The largest size of the part of the heap for new objects so far, in MiB. */
function sizeOf(server: RunningHttpServer): number {
  const sizes = [...server.stderr().matchAll(/new objects: ([\d.]+) MiB/g)].map(([, size]) => Number(size));
  return Math.max(...sizes);
}

async function search(server: RunningHttpServer): Promise<void> {
  const answer = await httpClient(server.address).post('/search', { query: 'some text', mode: 'keyword' });
  expect(answer.status).toBe(200);
}

const env = { NODE_OPTIONS, MEMORY_HTTP_RATE_LIMIT: '0' };

test('the heap for new objects stays small while little is asked', async () => {
  const sizes: number[] = [];
  for (let start = 0; start < STARTS; start += 1) {
    const server = await startServer({ env });
    for (let i = 0; i < 15; i += 1) {
      await search(server);
      await sleep(PAUSE_MS);
    }
    sizes.push(sizeOf(server));
    await server.stop();
  }
  expect(Math.min(...sizes)).toBeLessThanOrEqual(8);
});

test('it grows while many clients search', async () => {
  const server = await startServer({ env });
  const end = Date.now() + BUSY_MS;
  await Promise.all(
    Array.from({ length: CONNECTIONS }, async () => {
      while (Date.now() < end) await search(server);
    }),
  );
  expect(sizeOf(server)).toBeGreaterThan(8);
});
