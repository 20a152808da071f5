import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { findBinary } from './find-binary.ts';
import { startS3Server } from './s3-server.ts';
import { answersHttp } from './server-process.ts';
import { testKeys, type TestServer } from './test-server.ts';

/** S3 in front of a POSIX folder; honours conditional writes. */
export const versitygw: TestServer = {
  name: 'versitygw',
  heavy: false,
  find: () => findBinary({ variable: 'VERSITYGW_BIN', command: 'versitygw' }),
  start: (program) =>
    startS3Server({
      name: 'versitygw',
      command: async (port, folder) => {
        const [data, versions] = [join(folder, 'data'), join(folder, 'versions')];
        await mkdir(data);
        await mkdir(versions);
        const keys = ['--access', testKeys.accessKey, '--secret', testKeys.secretKey];
        const listen = ['--port', `127.0.0.1:${port}`, '--health', '/health', '--quiet'];
        return {
          program,
          arguments: [...keys, ...listen, 'posix', '--versioning-dir', versions, data],
          isReady: answersHttp(`http://127.0.0.1:${port}/health`),
        };
      },
    }),
};
