import { launchServer, type RunningHttpServer } from '../http-server.ts';
import { sendJson } from '../send-json.ts';

/** A memory, and what becomes of it on two machines that do not know of each other. */
export interface Diverging {
  readonly memory: object;
  /** Changes on the machine whose server goes on, or its deletion. */
  readonly here: object | 'deleted';
  /** On the other one. */
  readonly there: object | 'deleted';
}

/** One memory with the texts `The door code is 2` and `The door code is 3`. See `launchWithConflicts`. */
export async function launchWithConflict(
  remote: string,
  overrides: Readonly<Record<string, string>> = {},
): Promise<RunningHttpServer> {
  const door: Diverging = {
    memory: { text: 'The door code is 1', tags: ['home'] },
    here: { text: 'The door code is 3' },
    there: { text: 'The door code is 2' },
  };
  return launchWithConflicts(remote, [door], overrides);
}

/**
 * Two machines on one folder change the same memories, and one of them merges.
 * @param remote an empty folder
 * @returns the server of the machine that merged; who calls it stops it
 */
export async function launchWithConflicts(
  remote: string,
  conflicts: readonly Diverging[],
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
    const ids: string[] = [];
    for (const { memory } of conflicts)
      ids.push(String((await sendJson('POST', `${other.address}/memory/add`, memory))['id']));
    await sendJson('POST', `${other.address}/sync/upload`);
    await sendJson('POST', `${server.address}/sync/download`);
    for (const [index, { here, there }] of conflicts.entries()) {
      await change(`${other.address}/memory/${ids[index] ?? ''}`, there);
      await change(`${server.address}/memory/${ids[index] ?? ''}`, here);
    }
    await sendJson('POST', `${other.address}/sync/upload`);
    await sendJson('POST', `${server.address}/sync/download`);
  } finally {
    await other.stop();
  }
  return server;
}

async function change(memory: string, change: object | 'deleted'): Promise<void> {
  if (change === 'deleted') await sendJson('DELETE', memory);
  else await sendJson('PATCH', memory, change);
}
