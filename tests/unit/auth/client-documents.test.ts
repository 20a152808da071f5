import { execFileSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createServer, type Server } from 'node:https';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { documentReader, isPublic } from '../../../src/auth/embedded/client-documents.ts';

/** A server with a certificate for `client.example.org`, at an address of this machine. */
let server: Server;
let port: number;
let authority: string;
/** Answers to paths. */
const asked: string[] = [];
const folder = mkdtempSync(join(tmpdir(), 'faiss-memory-documents-'));
beforeAll(async () => {
  const [certificate, key] = [join(folder, 'c.pem'), join(folder, 'k.pem')];
  const subject = ['-subj', '/CN=client.example.org', '-addext', 'subjectAltName=DNS:client.example.org'];
  const newKey = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-keyout', key];
  execFileSync('openssl', ['req', '-x509', '-days', '1', ...newKey, ...subject, '-out', certificate], {
    stdio: 'pipe',
  });
  authority = readFileSync(certificate, 'utf8');
  server = createServer({ cert: authority, key: readFileSync(key) }, (request, response) => {
    asked.push(`${request.headers.host ?? ''}${request.url ?? ''}`);
    if (request.url === '/moved') response.writeHead(302, { Location: 'https://10.0.0.1/' }).end();
    else if (request.url === '/large') response.end('x'.repeat(200_000));
    else if (request.url === '/slow') return;
    else response.setHeader('Cache-Control', 'max-age=60').end('{"client_id":"x"}');
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  // It listens at a host and a port.
  ({ port } = server.address() as AddressInfo);
});
afterAll(() => {
  server.closeAllConnections();
  server.close();
  rmSync(folder, { recursive: true });
});

const LOCAL = { address: '127.0.0.1', family: 4 };
const PUBLIC = { address: '93.184.216.34', family: 4 };
const at = (path: string): string => `https://client.example.org:${port}${path}`;

function reader(...addresses: { address: string; family: number }[][]) {
  const answers = [...addresses];
  let questions = 0;
  const read = documentReader({
    allowLocal: true,
    authorities: [authority],
    resolve: () => {
      questions += 1;
      return Promise.resolve(answers.shift() ?? []);
    },
  });
  return { read, questions: () => questions };
}

describe('a document', () => {
  test('is read at the address that was looked up, under its name', async () => {
    const { read, questions } = reader([LOCAL], [PUBLIC]);
    const answer = await read(at('/client.json'));
    expect([answer.status, await answer.json()]).toEqual([200, { client_id: 'x' }]);
    expect(answer.headers.get('cache-control')).toBe('max-age=60');
    expect(asked).toContain(`client.example.org:${port}/client.json`);
    expect(questions()).toBe(1);
  });

  test('that is elsewhere now is not looked for there', async () => {
    expect((await reader([LOCAL]).read(at('/moved'))).status).toBe(302);
  });

  test('that is too large, or does not end, is given up', async () => {
    await expect(reader([LOCAL]).read(at('/large'))).rejects.toThrow('longer than 0.0625 MiB');
    await expect(reader([LOCAL]).read(at('/slow'))).rejects.toThrow(/abort|time/i);
  });

  test('is not read without encryption', async () => {
    await expect(reader([LOCAL]).read('http://client.example.org/')).rejects.toThrow('only https:');
  });
});

describe('without permission, an address that is not public', () => {
  const strict = (addresses: { address: string; family: number }[]) =>
    documentReader({
      allowLocal: false,
      authorities: [authority],
      resolve: () => Promise.resolve(addresses),
    });

  test.each([[[LOCAL]], [[PUBLIC, LOCAL]], [[{ address: '::ffff:127.0.0.1', family: 6 }]], [[]]])(
    'of a name is not connected to: %j',
    async (addresses) => {
      const before = asked.length;
      await expect(strict(addresses)(at('/client.json'))).rejects.toThrow(/no public address|no address/);
      expect(asked).toHaveLength(before);
    },
  );

  test.each(['127.0.0.1', '[::1]', '2130706433', '0x7f.1', '127.1'])(
    'written as %s is not either',
    async (host) => {
      const before = asked.length;
      await expect(strict([PUBLIC])(`https://${host}:${port}/client.json`)).rejects.toThrow(
        'no public address',
      );
      expect(asked).toHaveLength(before);
    },
  );
});

test.each([
  '0.0.0.0',
  '10.1.2.3',
  '100.64.0.1',
  '127.0.0.1',
  '169.254.169.254',
  '172.31.255.255',
  '192.0.0.8',
  '192.168.1.1',
  '198.18.0.1',
  '224.0.0.1',
  '255.255.255.255',
  '::',
  '::1',
  '::ffff:8.8.8.8',
  '64:ff9b::a00:1',
  'fc00::1',
  'fd12::1',
  'fe80::1',
  'fe80::1%eth0',
  'ff02::1',
  '2001:db8::1',
  '2002:a00:1::',
  '2001::1',
])('%s is no address of the Internet', (address) => {
  expect(isPublic({ address, family: address.includes(':') ? 6 : 4 })).toBe(false);
});

test.each(['8.8.8.8', '93.184.216.34', '172.32.0.1', '2606:4700::1111', '2a00:1450:4001::200e'])(
  '%s is one',
  (address) => {
    expect(isPublic({ address, family: address.includes(':') ? 6 : 4 })).toBe(true);
  },
);
