import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { findBinary } from './find-binary.ts';
import { freePort } from './free-port.ts';
import { startS3Server } from './s3-server.ts';
import { answersHttp } from './server-process.ts';
import { testKeys, type TestServer } from './test-server.ts';

const identities = {
  identities: [
    {
      name: 'test',
      credentials: [testKeys],
      actions: ['Admin', 'Read', 'Write', 'List', 'Tagging'],
    },
  ],
};

/** Master, volume, filer and S3 gateway in one process; creates missing buckets on PUT. */
export const seaweedfs: TestServer = {
  name: 'seaweedfs',
  heavy: true,
  find: () => findBinary({ variable: 'SEAWEEDFS_BIN', command: 'weed' }),
  start: (program) =>
    startS3Server({
      name: 'seaweedfs',
      command: async (port, folder) => {
        const config = join(folder, 's3.json');
        await writeFile(config, JSON.stringify(identities));
        const ports = { master: await freePort(), volume: await freePort(), filer: await freePort() };
        return {
          program,
          arguments: [
            ...['server', '-ip=127.0.0.1', '-ip.bind=127.0.0.1', `-dir=${folder}`, '-volume.max=100'],
            ...Object.entries(ports).flatMap(([part, free]) => [`-${part}.port=${free}`]),
            ...['-s3', `-s3.port=${port}`, `-s3.config=${config}`],
          ],
          isReady: answersHttp(`http://127.0.0.1:${port}/healthz`),
          startMs: 60_000,
        };
      },
    }),
};
