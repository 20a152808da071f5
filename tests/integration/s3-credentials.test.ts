import { execFileSync } from 'node:child_process';
import { once } from 'node:events';
import { readFile, writeFile } from 'node:fs/promises';
import { createServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest';
import type { S3BlobSettings } from '../../src/blob/blob-settings.ts';
import { createBlobStore } from '../../src/blob/create-blob-store.ts';
import { probeBlobStore } from '../../src/blob/probe/probe.ts';
import { bytesOf, errorOf, textOf } from '../helpers/blob-values.ts';
import { dataFolder } from '../helpers/servers/server-process.ts';
import { findIfWanted, isRequired, testKeys, type RunningServer } from '../helpers/servers/test-server.ts';
import { versitygw } from '../helpers/servers/versitygw.ts';

let folder: Awaited<ReturnType<typeof dataFolder>>;
beforeEach(async () => {
  folder = await dataFolder('credentials');
  for (const name of Object.keys(process.env).filter((key) => key.startsWith('AWS_')))
    vi.stubEnv(name, undefined);
  // Without these, the SDK would ask for a role on a network address.
  vi.stubEnv('AWS_EC2_METADATA_DISABLED', 'true');
  vi.stubEnv('AWS_SHARED_CREDENTIALS_FILE', join(folder.path, 'credentials'));
  vi.stubEnv('AWS_CONFIG_FILE', join(folder.path, 'config'));
});
afterEach(async () => {
  vi.unstubAllEnvs();
  await folder.remove();
});

const program = await findIfWanted(versitygw);
test(`a server that checks keys is ${program === null ? 'left out, and not required' : 'there'}`, () => {
  expect(program !== null || !isRequired(versitygw)).toBe(true);
});
if (program !== null) describeDefaultChain(program);

function describeDefaultChain(gateway: string): void {
  describe('without keys in the settings', () => {
    let running: RunningServer;
    let settings: S3BlobSettings;

    beforeAll(async () => {
      running = await versitygw.start(gateway);
      const withKeys = running.settings('chain') as S3BlobSettings;
      settings = { ...withKeys, accessKey: '', secretKey: undefined };
      const store = await createBlobStore(withKeys);
      await store.createBucket();
      await store.close();
    });
    afterAll(() => running.stop());

    async function roundTrip(): Promise<string> {
      const store = await createBlobStore(settings);
      await store.put('found', bytesOf('by the default chain'));
      const text = textOf((await store.get('found'))?.bytes);
      await store.close();
      return text;
    }

    test('uses those of the environment', async () => {
      vi.stubEnv('AWS_ACCESS_KEY_ID', testKeys.accessKey);
      vi.stubEnv('AWS_SECRET_ACCESS_KEY', testKeys.secretKey);
      expect(await roundTrip()).toBe('by the default chain');
    });

    test('uses those of a profile', async () => {
      const lines = [
        `aws_access_key_id = ${testKeys.accessKey}`,
        `aws_secret_access_key = ${testKeys.secretKey}`,
      ];
      await writeFile(join(folder.path, 'credentials'), ['[memory]', ...lines].join('\n'));
      vi.stubEnv('AWS_PROFILE', 'memory');
      expect(await roundTrip()).toBe('by the default chain');
    });

    test('says what to set when there are none', async () => {
      const store = await createBlobStore(settings);
      const error = await errorOf(store.list(''));
      expect(error).toMatchObject({ reason: 'bad-credentials', retryable: false });
      expect(error.fix).toBe('Set the access key and the secret key.');
      await store.close();
    });
  });
}

describe('a server with a certificate that nobody vouches for', () => {
  async function startTlsServer() {
    const [key, cert] = [join(folder.path, 'key.pem'), join(folder.path, 'cert.pem')];
    const subject = ['-subj', '/CN=127.0.0.1', '-days', '1', '-keyout', key, '-out', cert];
    const kind = ['-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes'];
    execFileSync('openssl', ['req', ...kind, ...subject], { stdio: 'ignore' });
    const options = { key: await readFile(key), cert: await readFile(cert) };
    const server = createServer(options, (_, response) => response.writeHead(403).end()).listen(
      0,
      '127.0.0.1',
    );
    await once(server, 'listening');
    return { server, port: (server.address() as AddressInfo).port };
  }

  const keys = { provider: 's3', bucket: 'bucket', ...testKeys } as const;

  test('is refused, and a wrong protocol is told apart from it', async () => {
    const { server, port } = await startTlsServer();
    const store = await createBlobStore({ ...keys, endpoint: `https://127.0.0.1:${port}` });
    const error = await errorOf(store.list(''));
    expect(error).toMatchObject({ reason: 'tls', retryable: false, maybeApplied: false });
    expect(error.fix).toMatch(/certificate/);
    const report = await probeBlobStore({ ...keys, endpoint: `http://127.0.0.1:${port}` });
    const [finding] = report.findings;
    expect(report.findings).toHaveLength(1);
    expect(finding?.fix).toMatch(`Set the endpoint to https://127.0.0.1:${port}. `);
    expect(finding?.fix).toContain('NODE_EXTRA_CA_CERTS');
    await store.close();
    server.closeAllConnections();
    server.close();
  });
});
