import { randomBytes } from 'node:crypto';
import type { BlobSettings, S3BlobSettings } from '../../../src/blob/blob-settings.ts';
import type { CreatableBlobStore } from '../../../src/blob/blob-store.ts';
import { createBlobStore } from '../../../src/blob/create-blob-store.ts';
import { fauxqs } from '../servers/fauxqs.ts';
import { isRequired, type RunningServer, type TestServer } from '../servers/test-server.ts';

export interface TestBucket {
  /** With the prefix. */
  readonly settings: S3BlobSettings;
  /** Straight to the bucket, below the prefix. */
  readonly store: CreatableBlobStore;
  /** What a program needs to sync with it. @param port of a proxy before the server */
  environment(port?: number): Record<string, string>;
}

/** A real S3 server for the length of a test file. */
export interface BucketServer {
  readonly name: string;
  readonly address: RunningServer['address'];
  /** A new and empty bucket. */
  createBucket(): Promise<TestBucket>;
  stop(): Promise<void>;
}

const PREFIX = 'faiss-memory/';

/**
 * Starts the first of these servers that is installed, else fauxqs from npm, which always is. One that
 * `REQUIRE_SERVERS` names and is missing is an error.
 */
export async function startBucketServer(preferred: readonly TestServer[]): Promise<BucketServer> {
  for (const server of [...preferred, fauxqs]) {
    const program = await server.find();
    if (program === null && isRequired(server)) throw new Error(`${server.name} is required and missing`);
    if (program !== null) return bucketServer(server.name, await server.start(program));
  }
  throw new Error('fauxqs is part of the development dependencies');
}

function bucketServer(name: string, running: RunningServer): BucketServer {
  const opened: CreatableBlobStore[] = [];
  return {
    name,
    address: running.address,
    createBucket: async () => {
      const given = running.settings(`sync-${randomBytes(6).toString('hex')}`);
      if (given.provider !== 's3') throw new Error(`${name} does not speak S3`);
      const settings = { ...given, prefix: PREFIX };
      const store = await createBlobStore(settings);
      opened.push(store);
      await store.createBucket();
      return {
        settings,
        store,
        environment: (port) => environmentOf(settings, port ?? running.address.port),
      };
    },
    stop: async () => {
      await Promise.all(opened.map((store) => store.close()));
      await running.stop();
    },
  };
}

/** What a program needs to sync with a bucket. @param port of the server, or of a proxy before it */
export function environmentOf(settings: BlobSettings, port: number): Record<string, string> {
  if (settings.provider === 'folder') throw new Error('a folder has no server');
  return {
    CLOUD_SYNC_ENABLED: 'true',
    CLOUD_SYNC_PROVIDER: settings.provider,
    CLOUD_SYNC_ENDPOINT: `http://127.0.0.1:${port}`,
    CLOUD_SYNC_BUCKET: settings.bucket,
    CLOUD_SYNC_PREFIX: PREFIX,
    ...keysOf(settings, port),
  };
}

function keysOf(
  settings: Exclude<BlobSettings, { provider: 'folder' }>,
  port: number,
): Record<string, string> {
  switch (settings.provider) {
    case 's3':
      return {
        CLOUD_SYNC_ACCESS_KEY: settings.accessKey ?? '',
        CLOUD_SYNC_SECRET_KEY: settings.secretKey ?? '',
      };
    case 'azure':
      return {
        // The emulator has the account in the path.
        CLOUD_SYNC_ENDPOINT: `http://127.0.0.1:${port}/${settings.accountName ?? ''}`,
        CLOUD_SYNC_ACCESS_KEY: settings.accountName ?? '',
        CLOUD_SYNC_SECRET_KEY: settings.accountKey ?? '',
      };
    case 'gcs':
      return {};
  }
}
