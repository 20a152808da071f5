import { execFileSync } from 'node:child_process';
import { once } from 'node:events';
import { readFile, writeFile } from 'node:fs/promises';
import {
  createServer as createPlainServer,
  type IncomingHttpHeaders,
  request as startRequest,
} from 'node:http';
import { createServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import {
  ContainerSASPermissions,
  generateBlobSASQueryParameters,
  StorageSharedKeyCredential,
} from '@azure/storage-blob';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest';
import { toBlobSettings } from '../../src/app/backup-and-sync.ts';
import type { AzureBlobSettings, BlobSettings, S3BlobSettings } from '../../src/blob/blob-settings.ts';
import { createBlobStore } from '../../src/blob/create-blob-store.ts';
import { probeBlobStore } from '../../src/blob/probe/probe.ts';
import { resolveConfig } from '../../src/config/resolve.ts';
import { bytesOf, errorOf, textOf } from '../helpers/blob-values.ts';
import { azurite } from '../helpers/servers/azurite.ts';
import { fakeGcs } from '../helpers/servers/fake-gcs.ts';
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

describe('a session token', () => {
  test('is signed and sent with every request, and never shown', async () => {
    const seen: IncomingHttpHeaders[] = [];
    const server = createPlainServer((request, response) => {
      seen.push(request.headers);
      request.resume();
      // Quotes the token, as a proxy that logs would.
      const said = `<Error><Code>ExpiredToken</Code><Message>${String(request.headers['x-amz-security-token'])}</Message></Error>`;
      response.writeHead(400, { 'content-type': 'application/xml' }).end(said);
    }).listen(0, '127.0.0.1');
    await once(server, 'listening');
    const { port } = server.address() as AddressInfo;
    const sessionToken = 'FwoGZXIvYXdzEXAMPLE/token+with=signs';
    const settings = { provider: 's3', bucket: 'bucket', ...testKeys, sessionToken } as const;
    const store = await createBlobStore({ ...settings, endpoint: `http://127.0.0.1:${port}` });

    for (const call of [store.list(''), store.put('a', bytesOf('b')), store.get('a')]) {
      const error = await errorOf(call);
      expect(error).toMatchObject({ reason: 'bad-credentials', retryable: false });
      expect(JSON.stringify(error) + error.message).not.toContain(sessionToken);
    }
    expect(seen.length).toBeGreaterThanOrEqual(3);
    for (const headers of seen) {
      expect(headers['x-amz-security-token']).toBe(sessionToken);
      expect(headers.authorization).toMatch(/SignedHeaders=[^,]*x-amz-security-token/);
    }
    await store.close();
    server.closeAllConnections();
    server.close();
  });
});

const emulator = await findIfWanted(azurite);
test(`an emulator of Azure is ${emulator === null ? 'left out, and not required' : 'there'}`, () => {
  expect(emulator !== null || !isRequired(azurite)).toBe(true);
});
if (emulator !== null) describeAzure(emulator);

function describeAzure(program: string): void {
  describe('Azure without its account key in the settings', () => {
    const container = 'memories';
    let running: RunningServer;
    let settings: AzureBlobSettings;
    let credential: StorageSharedKeyCredential;
    beforeAll(async () => {
      running = await azurite.start(program);
      settings = running.settings(container) as AzureBlobSettings;
      credential = new StorageSharedKeyCredential(settings.accountName ?? '', settings.accountKey ?? '');
      const store = await createBlobStore(settings);
      await store.createBucket();
      await store.close();
    });
    afterAll(() => running.stop());

    function sign(permissions: string, hours: number): string {
      const wanted = {
        containerName: container,
        permissions: ContainerSASPermissions.parse(permissions),
        startsOn: new Date(Date.now() - 48 * 3_600_000),
        expiresOn: new Date(Date.now() + hours * 3_600_000),
      };
      return generateBlobSASQueryParameters(wanted, credential).toString();
    }

    /** As the environment of a user says it. */
    function asSet(env: Readonly<Record<string, string>>): BlobSettings {
      const place = { CLOUD_SYNC_PROVIDER: 'azure', CLOUD_SYNC_BUCKET: container, ...env };
      const machine = {
        platform: 'linux',
        homeDirectory: '/home/ada',
        workingDirectory: '/home/ada',
      } as const;
      return toBlobSettings(resolveConfig({ ...machine, env: place }).settings.sync);
    }

    function withSignature(signature: string): BlobSettings {
      const { endpoint = '' } = settings;
      return asSet({ CLOUD_SYNC_ENDPOINT: endpoint, CLOUD_SYNC_SAS_TOKEN: signature });
    }

    function connectionString(secret: string): string {
      const name = `AccountName=${settings.accountName ?? ''}`;
      return `DefaultEndpointsProtocol=http;${name};${secret};BlobEndpoint=${settings.endpoint ?? ''};`;
    }

    async function roundTrip(chosen: BlobSettings): Promise<string> {
      const store = await createBlobStore(chosen);
      await store.put('folder/name', bytesOf('by a signature'));
      const names = (await store.list('folder/')).map(({ key }) => key);
      const text = textOf((await store.get('folder/name'))?.bytes);
      await store.delete('folder/name');
      const gone = await store.get('folder/name');
      await store.close();
      return `${names.join()} ${text} ${gone === null ? 'gone' : 'left'}`;
    }

    test.each(['', '?'])('works with a signature that begins with "%s"', async (begin) => {
      expect(await roundTrip(withSignature(begin + sign('rwdl', 1)))).toBe('folder/name by a signature gone');
    });

    test('works with a connection string, with a key or a signature in it', async () => {
      for (const secret of [
        `AccountKey=${settings.accountKey ?? ''}`,
        `SharedAccessSignature=${sign('rwdl', 1)}`,
      ]) {
        const chosen = asSet({ CLOUD_SYNC_CONNECTION_STRING: connectionString(secret) });
        expect(await roundTrip(chosen)).toBe('folder/name by a signature gone');
      }
    });

    test('is found usable by the probe', async () => {
      const report = await probeBlobStore(withSignature(sign('rwdl', 1)));
      expect(report.findings.filter(({ level }) => level === 'problem')).toEqual([]);
      expect(report.usable).toBe(true);
    });

    test.each([
      ['has expired', () => sign('rwdl', -24), 'list'],
      ['may only read', () => sign('rl', 1), 'put'],
      ['is another one', () => sign('rwdl', 1).replace(/sig=.{6}/, 'sig=AAAAAA'), 'list'],
    ] as const)('says that a signature %s, without showing it', async (_, signature, operation) => {
      const token = signature();
      const store = await createBlobStore(withSignature(token));
      const error = await errorOf(operation === 'list' ? store.list('') : store.put('a', bytesOf('b')));
      expect(error.reason).toMatch(/^(bad-credentials|access-denied)$/);
      expect(error).toMatchObject({ retryable: false });
      const signed = /sig=([^&]+)/.exec(token)?.[1] ?? '';
      const shown = `${JSON.stringify(error)} ${error.message} ${error.stack ?? ''}`;
      expect(shown).not.toContain(signed);
      expect(shown).not.toContain(decodeURIComponent(signed));
      await store.close();
    });

    test('names a connection string that cannot be read, without showing it', async () => {
      for (const broken of [
        'hello',
        'AccountName=ada',
        'AccountName=ada;AccountKey=',
        `${connectionString('')}x`,
      ]) {
        const error = await errorOf(createBlobStore(asSet({ CLOUD_SYNC_CONNECTION_STRING: broken })));
        expect(error).toMatchObject({ reason: 'misconfigured' });
        expect(error.message).toMatch(/connection string cannot be read/);
        expect(`${error.message} ${String(error.cause)}`).not.toContain(broken);
      }
    });
  });
}

const google = await findIfWanted(fakeGcs);
test(`an emulator of Google is ${google === null ? 'left out, and not required' : 'there'}`, () => {
  expect(google !== null || !isRequired(fakeGcs)).toBe(true);
});
if (google !== null) {
  test('a bucket is created in the project of the settings', async () => {
    const running = await fakeGcs.start(google);
    const { host, port } = running.address;
    const created: string[] = [];
    const between = createPlainServer((request, response) => {
      if (request.method === 'POST') created.push(request.url ?? '');
      const { method = 'GET', url = '', headers } = request;
      const forwarded = startRequest({ host, port, method, path: url, headers }, (answer) => {
        response.writeHead(answer.statusCode ?? 500, answer.headers);
        answer.pipe(response);
      });
      request.pipe(forwarded);
    }).listen(0, '127.0.0.1');
    await once(between, 'listening');
    const endpoint = `http://127.0.0.1:${(between.address() as AddressInfo).port}`;
    const projectId = 'notes-4711';
    const store = await createBlobStore({ provider: 'gcs', bucket: 'new-bucket', endpoint, projectId });

    expect(await store.createBucket()).toBe('created');
    expect(created).toEqual([expect.stringMatching(/^\/storage\/v1\/b\?.*project=notes-4711/)]);
    await store.close();
    between.closeAllConnections();
    between.close();
    await running.stop();
  });
}

test.each([
  ['is not there', undefined],
  ['is no JSON', 'hello'],
  ['is of another kind', '{"type":"nonsense","private_key":"secret"}'],
  ['is a list', '["secret"]'],
])('a key file of Google that %s is named', async (_, content) => {
  const keyFile = join(folder.path, 'google-key.json');
  if (content !== undefined) await writeFile(keyFile, content);
  const error = await errorOf(createBlobStore({ provider: 'gcs', bucket: 'memories', keyFile }));
  expect(error).toMatchObject({ reason: 'misconfigured', retryable: false });
  expect(error.message).toContain(`the key file ${keyFile} `);
  expect(error.message).not.toMatch(/hello|nonsense|secret/);
});
