// Two machines and one encrypted bucket: shows sync on a real object store, which runs only during the demo.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Client } from '@modelcontextprotocol/client';
import { createBlobStore } from '../../src/blob/create-blob-store.ts';
import { fauxqs } from '../../tests/helpers/servers/fauxqs.ts';
import { minio } from '../../tests/helpers/servers/minio.ts';
import { testKeys, type RunningServer } from '../../tests/helpers/servers/test-server.ts';
import { versitygw } from '../../tests/helpers/servers/versitygw.ts';
import { call, connect } from './client.ts';

const BUCKET = 'my-memories';
const PASSPHRASE = 'seven tired herons cross the harbour';
const SECRET = 'The spare key is under the third flower pot';

async function startServer(): Promise<{ readonly name: string; readonly server: RunningServer }> {
  for (const candidate of [minio, versitygw, fauxqs]) {
    const program = await candidate.find();
    if (program !== null) return { name: candidate.name, server: await candidate.start(program) };
  }
  throw new Error('no object store is installed');
}

/** All settings that a user needs. */
function settings(server: RunningServer, dataFolder: string): Record<string, string> {
  return {
    MEMORY_DATA_DIR: dataFolder,
    CLOUD_SYNC_ENABLED: 'true',
    CLOUD_SYNC_BUCKET: BUCKET,
    CLOUD_SYNC_ENDPOINT: `http://${server.address.host}:${server.address.port}`,
    CLOUD_SYNC_ACCESS_KEY: testKeys.accessKey,
    CLOUD_SYNC_SECRET_KEY: testKeys.secretKey,
    CLOUD_SYNC_PASSPHRASE: PASSPHRASE,
  };
}

/** All objects and keys in the bucket, as one buffer. */
async function bucketBytes(
  server: RunningServer,
): Promise<{ readonly objects: number; readonly bytes: Buffer }> {
  const store = await createBlobStore(server.settings(BUCKET));
  const keys = (await store.list('')).map(({ key }) => key);
  const parts = await Promise.all(keys.map(async (key) => (await store.get(key))?.bytes ?? new Uint8Array()));
  await store.close();
  return { objects: keys.length, bytes: Buffer.concat([...parts, Buffer.from(keys.join('\n'))]) };
}

async function digest(client: Client): Promise<unknown> {
  return (await call(client, 'sync_status', {}))['state'];
}

async function texts(client: Client): Promise<string[]> {
  const { memories } = await call(client, 'memory_list', { limit: 20 });
  return (memories as { text: string }[]).map(({ text }) => text);
}

function assert(condition: boolean, problem: string): asserts condition {
  if (!condition) throw new Error(`the demo failed: ${problem}`);
}

export async function twoMachines(): Promise<void> {
  // Suppresses the S3 client's warning about the end of its support for this version of Node.js.
  process.env['AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED'] = 'true';
  const { name, server } = await startServer();
  const folders = ['laptop', 'desktop'].map((machine) =>
    mkdtempSync(join(tmpdir(), `faiss-memory-${machine}-`)),
  );
  const [laptopFolder = '', desktopFolder = ''] = folders;
  const store = await createBlobStore(server.settings(BUCKET));
  await store.createBucket();
  await store.close();
  try {
    console.log(`\nTwo machines and one bucket, on ${name}, encrypted before upload`);
    const laptop = await connect(settings(server, laptopFolder));
    await call(laptop, 'memory_add', { memories: [{ text: SECRET }, { text: 'Tea at four with Ines' }] });
    await call(laptop, 'sync_upload', {});
    const { objects, bytes } = await bucketBytes(server);
    assert(!bytes.includes('flower pot'), 'the bucket contains the text of a memory');
    console.log(
      `  laptop   stored 2 memories and pushed them; the bucket has ${objects} objects, none with their text`,
    );

    const desktop = await connect(settings(server, desktopFolder));
    await call(desktop, 'sync_restore', { mode: 'merge' });
    assert((await texts(desktop)).includes(SECRET), 'the desktop did not get the memories');
    console.log('  desktop  started empty and now has the memories');

    await call(desktop, 'memory_add', { memories: [{ text: 'The desktop was here' }] });
    await call(laptop, 'memory_add', { memories: [{ text: 'So was the laptop' }] });
    await call(desktop, 'sync_upload', {});
    await call(laptop, 'sync_upload', {});
    await call(laptop, 'sync_restore', { mode: 'merge' });
    await call(desktop, 'sync_restore', { mode: 'merge' });
    const [first, second] = [await digest(laptop), await digest(desktop)];
    assert(
      typeof first === 'string' && first === second,
      `digests differ: ${String(first)} ${String(second)}`,
    );
    console.log(`  both     wrote at the same time, merged, and have the same digest ${first.slice(0, 16)}…`);
    await Promise.all([laptop.close(), desktop.close()]);
  } finally {
    await server.stop();
    for (const folder of folders) rmSync(folder, { recursive: true, force: true });
  }
}
