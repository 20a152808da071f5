import { launchServer, type RunningHttpServer } from '../http-server.ts';
import { sendJson } from '../send-json.ts';

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
    const { id } = await sendJson('POST', `${other.address}/memory/add`, {
      text: 'The door code is 1',
      tags: ['home'],
    });
    await sendJson('POST', `${other.address}/sync/upload`);
    await sendJson('POST', `${server.address}/sync/download`);
    await sendJson('PATCH', `${other.address}/memory/${String(id)}`, { text: 'The door code is 2' });
    await sendJson('PATCH', `${server.address}/memory/${String(id)}`, { text: 'The door code is 3' });
    await sendJson('POST', `${other.address}/sync/upload`);
    await sendJson('POST', `${server.address}/sync/download`);
  } finally {
    await other.stop();
  }
  return server;
}
