import { packagePath } from '../../../src/util/package.ts';
import { freePort } from './free-port.ts';
import { answersHttp, dataFolder, startServer } from './server-process.ts';
import type { TestServer } from './test-server.ts';

const account = 'testaccount';
const accountKey = Buffer.from('a test key for a server on loopback').toString('base64');

/** Microsoft's emulator of Azure Blob Storage. */
export const azurite: TestServer = {
  name: 'azurite',
  heavy: false,
  find: () => Promise.resolve(packagePath('node_modules', 'azurite', 'dist', 'src', 'blob', 'main.js')),
  start: async (program) => {
    const port = await freePort();
    const folder = await dataFolder('azurite');
    const endpoint = `http://127.0.0.1:${port}/${account}`;
    const server = await startServer({
      program: process.execPath,
      arguments: [
        ...[program, '--blobHost', '127.0.0.1', '--blobPort', String(port), '--location', folder.path],
        // The client asks for a newer protocol version than the emulator knows.
        ...['--silent', '--skipApiVersionCheck', '--disableTelemetry'],
      ],
      environment: { AZURITE_ACCOUNTS: `${account}:${accountKey}` },
      isReady: answersHttp(endpoint, [400, 403, 404]),
    });
    return {
      address: { host: '127.0.0.1', port },
      settings: (bucket) => ({ provider: 'azure', bucket, accountName: account, accountKey, endpoint }),
      stop: async () => {
        await server.stop();
        await folder.remove();
      },
    };
  },
};
