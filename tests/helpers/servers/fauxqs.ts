import { buildApp } from 'fauxqs';
import { s3Settings } from './s3-server.ts';
import type { TestServer } from './test-server.ts';

/**
 * A fake from npm that is always there; ignores conditions, keys and checksums. Runs inside the test process,
 * since its own command listens on all interfaces.
 */
export const fauxqs: TestServer = {
  name: 'fauxqs',
  heavy: false,
  find: () => Promise.resolve('fauxqs'),
  start: async () => {
    const app = buildApp({ logger: false });
    const url = new URL(await app.listen({ port: 0, host: '127.0.0.1' }));
    const port = Number(url.port);
    return {
      address: { host: '127.0.0.1', port },
      settings: (bucket) => s3Settings(port, bucket),
      stop: async () => {
        app.server.closeAllConnections();
        await app.close();
      },
    };
  },
};
