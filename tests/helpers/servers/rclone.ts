import { findBinary } from './find-binary.ts';
import { startS3Server } from './s3-server.ts';
import { answersHttp } from './server-process.ts';
import { testKeys, type TestServer } from './test-server.ts';

/** Ignores conditions and answers 200; answers ranges with the whole object. */
export const rclone: TestServer = {
  name: 'rclone',
  heavy: false,
  find: () => findBinary({ variable: 'RCLONE_BIN', command: 'rclone' }),
  start: (program) =>
    startS3Server({
      name: 'rclone',
      command: (port, folder) => ({
        program,
        arguments: [
          ...['serve', 's3', '--config', '/dev/null'],
          ...[
            '--auth-key',
            `${testKeys.accessKey},${testKeys.secretKey}`,
            '--addr',
            `127.0.0.1:${port}`,
            folder,
          ],
        ],
        isReady: answersHttp(`http://127.0.0.1:${port}/`, [200, 400, 403]),
      }),
    }),
};
