import type { BlobSettings, S3BlobSettings } from '../../../src/blob/blob-settings.ts';
import { freePort } from './free-port.ts';
import { dataFolder, startServer, type ServerCommand } from './server-process.ts';
import { testKeys, type RunningServer } from './test-server.ts';

export interface S3ServerRequest {
  readonly name: string;
  /** What to run for a port of 127.0.0.1 and an empty folder. */
  readonly command: (port: number, folder: string) => ServerCommand | Promise<ServerCommand>;
  /** Where the usual keys do not apply. */
  readonly settings?: Partial<S3BlobSettings>;
}

/** Starts an S3 server that is one process with one port and one folder. */
export async function startS3Server(request: S3ServerRequest): Promise<RunningServer> {
  const port = await freePort();
  const folder = await dataFolder(request.name);
  const server = await startServer(await request.command(port, folder.path)).catch(async (error: unknown) => {
    await folder.remove();
    throw error;
  });
  return {
    address: { host: '127.0.0.1', port },
    settings: (bucket) => s3Settings(port, bucket, request.settings),
    stop: async () => {
      await server.stop();
      await folder.remove();
    },
  };
}

/** Settings for a bucket of an S3 server on a loopback port. */
export function s3Settings(port: number, bucket: string, more: Partial<S3BlobSettings> = {}): BlobSettings {
  return { provider: 's3', bucket, endpoint: `http://127.0.0.1:${port}`, ...testKeys, ...more };
}
