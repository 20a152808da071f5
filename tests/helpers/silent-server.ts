import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { onTestFinished } from 'vitest';

/** A server that takes requests and never answers one. */
export interface SilentServer {
  /** For example `http://127.0.0.1:40123`. */
  readonly address: string;
  /** Resolves when the next request arrives, to a promise that resolves when its sender has given up. */
  nextRequest(): Promise<{ readonly abandoned: Promise<void> }>;
}

/** Runs until the test has finished. */
export async function startSilentServer(): Promise<SilentServer> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  onTestFinished(() => {
    server.close();
    server.closeAllConnections();
  });
  const { port } = server.address() as AddressInfo;
  return {
    address: `http://127.0.0.1:${port}`,
    nextRequest: () =>
      new Promise((resolve) => {
        server.once('request', (_request, response) => {
          const abandoned = new Promise<void>((gaveUp) => response.once('close', gaveUp));
          resolve({ abandoned });
        });
      }),
  };
}
