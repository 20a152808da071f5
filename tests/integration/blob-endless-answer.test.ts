import { createServer } from 'node:http';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { describe, expect, test } from 'vitest';
import { createBlobStore } from '../../src/blob/create-blob-store.ts';
import { errorOf } from '../helpers/blob-values.ts';

describe('an endless answer', () => {
  test.each(['get', 'list'] as const)(
    'to %s ends with a typed error, long before memory does',
    async (operation) => {
      const server = createServer((_, response) => {
        const more = () => {
          while (!response.destroyed && response.write(Buffer.alloc(1024 * 1024, ' ')));
        };
        response.on('drain', more);
        response.on('error', () => undefined);
        response.writeHead(200, { etag: '"x"', 'last-modified': new Date(0).toUTCString() });
        more();
      }).listen(0, '127.0.0.1');
      await once(server, 'listening');
      const store = await createBlobStore({
        provider: 's3',
        bucket: 'endless',
        endpoint: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
        accessKey: 'a',
        secretKey: 'b',
      });
      const call = operation === 'get' ? store.get('any') : store.list('');
      expect(await errorOf(call)).toMatchObject({ reason: 'too-large', retryable: false });
      await store.close();
      server.closeAllConnections();
      server.close();
    },
  );
});
