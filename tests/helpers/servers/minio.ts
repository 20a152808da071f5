import { findBinary } from './find-binary.ts';
import { startS3Server } from './s3-server.ts';
import { answersHttp } from './server-process.ts';
import { testKeys, type TestServer } from './test-server.ts';

/** Honours conditional writes. */
export const minio: TestServer = {
  name: 'minio',
  heavy: true,
  find: () => findBinary({ variable: 'MINIO_BIN', command: 'minio' }),
  start: (program) =>
    startS3Server({
      name: 'minio',
      command: (port, folder) => ({
        program,
        arguments: [
          'server',
          '--quiet',
          '--address',
          `127.0.0.1:${port}`,
          '--console-address',
          '127.0.0.1:0',
          folder,
        ],
        environment: {
          MINIO_ROOT_USER: testKeys.accessKey,
          MINIO_ROOT_PASSWORD: testKeys.secretKey,
          MINIO_BROWSER: 'off',
          MINIO_UPDATE: 'off',
          MINIO_CALLHOME_ENABLE: 'off',
        },
        // Its health pages answer before it can do anything.
        isReady: answersHttp(`http://127.0.0.1:${port}/`, [403]),
      }),
    }),
};
