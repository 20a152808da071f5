import { expect } from 'vitest';
import { launchServer, type RunningHttpServer } from '../http-server.ts';

/** Sends JSON and reads JSON. */
export async function send(method: string, url: string, body: object = {}): Promise<Record<string, unknown>> {
  const headers = { 'Content-Type': 'application/json' };
  const response = await fetch(url, { method, headers, body: JSON.stringify(body) });
  expect([url, response.status < 300]).toEqual([url, true]);
  return (await response.json()) as Record<string, unknown>;
}

/**
 * Two machines on one folder change the same memory, and the second one merges.
 * @param remote an empty folder
 * @returns the second machine's server; who calls it stops it
 */
export async function launchWithConflict(
  remote: string,
  overrides: Readonly<Record<string, string>> = {},
): Promise<RunningHttpServer> {
  const env = {
    CLOUD_SYNC_ENABLED: 'true',
    CLOUD_SYNC_PROVIDER: 'folder',
    CLOUD_SYNC_BUCKET: remote,
    ...overrides,
  };
  const other = await launchServer({ env });
  const server = await launchServer({ env });
  try {
    const { id } = await send('POST', `${other.address}/memory/add`, {
      text: 'The door code is 1',
      tags: ['home'],
    });
    await send('POST', `${other.address}/sync/upload`);
    await send('POST', `${server.address}/sync/download`);
    await send('PATCH', `${other.address}/memory/${String(id)}`, { text: 'The door code is 2' });
    await send('PATCH', `${server.address}/memory/${String(id)}`, { text: 'The door code is 3' });
    await send('POST', `${other.address}/sync/upload`);
    await send('POST', `${server.address}/sync/download`);
  } finally {
    await other.stop();
  }
  return server;
}
