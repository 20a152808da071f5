import { findBinary } from './find-binary.ts';
import { freePort } from './free-port.ts';
import { answersHttp, startServer } from './server-process.ts';
import type { TestServer } from './test-server.ts';

/** An emulator of Google Cloud Storage; looks at no credentials. */
export const fakeGcs: TestServer = {
  name: 'fake-gcs-server',
  heavy: false,
  find: () => findBinary({ variable: 'FAKE_GCS_SERVER_BIN', command: 'fake-gcs-server' }),
  start: async (program) => {
    const port = await freePort();
    const endpoint = `http://127.0.0.1:${port}`;
    const server = await startServer({
      program,
      arguments: [
        ...['-scheme', 'http', '-host', '127.0.0.1', '-port', String(port), '-backend', 'memory'],
        ...['-external-url', endpoint, '-public-host', `127.0.0.1:${port}`, '-log-level', 'error'],
      ],
      isReady: answersHttp(`${endpoint}/storage/v1/b?project=emulator`),
    });
    return {
      address: { host: '127.0.0.1', port },
      settings: (bucket) => ({ provider: 'gcs', bucket, endpoint }),
      stop: () => server.stop(),
    };
  },
};
