import { execFileSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { readFileSync, writeFileSync } from 'node:fs';
import { createServer, request, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import { connect, type AddressInfo, type Socket } from 'node:net';
import { join } from 'node:path';
import { describe, expect, onTestFinished, test } from 'vitest';
import { startEmbeddingServer } from '../helpers/embedding-server.ts';
import { temporaryFolder } from '../helpers/mcp/server-environment.ts';
import { runProgram } from '../helpers/run-program.ts';
import { fauxqs } from '../helpers/servers/fauxqs.ts';

type Environment = Readonly<Record<string, string>>;

interface Problem {
  readonly check: string;
  readonly message: string;
  readonly fix?: string;
  readonly level?: string;
  readonly status?: string;
}

async function findingsOf(command: readonly string[], env: Environment): Promise<Problem[]> {
  const run = await runProgram([...command, '--json'], { dataDir: temporaryFolder(), env });
  return (JSON.parse(run.stdout) as { findings: Problem[] }).findings;
}

function bucketAt(endpoint: string): Environment {
  return {
    CLOUD_SYNC_ENABLED: 'true',
    CLOUD_SYNC_BUCKET: 'memories',
    CLOUD_SYNC_ENDPOINT: endpoint,
    CLOUD_SYNC_ACCESS_KEY: 'S3RVER',
    CLOUD_SYNC_SECRET_KEY: 'S3RVER',
  };
}

async function portOf(server: Server): Promise<number> {
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  return (server.address() as AddressInfo).port;
}

interface Authority {
  readonly file: string;
  /** A server that answers 403 to everything, with a certificate of this authority. */
  serve(name: string, validity?: readonly [from: string, to: string]): Promise<number>;
}

/** Makes a private authority with openssl. */
function makeAuthority(): Authority {
  const folder = temporaryFolder();
  const path = (name: string): string => join(folder, name);
  const run = (...args: string[]): unknown => execFileSync('openssl', args, { cwd: folder, stdio: 'pipe' });
  const key = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes'];
  run('req', '-x509', '-days', '9', ...key, '-keyout', 'ca.key', '-subj', '/CN=Private CA', '-out', 'ca.pem');
  writeFileSync(path('index.txt'), '');
  const rules =
    'database=index.txt\nnew_certs_dir=.\nrand_serial=yes\ndefault_md=sha256\npolicy=p\ncopy_extensions=copy';
  writeFileSync(path('ca.conf'), `[ca]\ndefault_ca=d\n[d]\n${rules}\n[p]\ncommonName=supplied\n`);
  const serve: Authority['serve'] = async (name, [from, to] = ['20250101000000Z', '20990101000000Z']) => {
    const subject = [
      '-subj',
      `/CN=${name}`,
      '-addext',
      `subjectAltName=${/^\d/.test(name) ? 'IP' : 'DNS'}:${name}`,
    ];
    run('req', ...key, '-keyout', `${name}.key`, ...subject, '-out', `${name}.csr`);
    const signer = ['-config', 'ca.conf', '-cert', 'ca.pem', '-keyfile', 'ca.key', '-batch'];
    run('ca', ...signer, '-startdate', from, '-enddate', to, '-in', `${name}.csr`, '-out', `${name}.pem`);
    const pair = { key: readFileSync(path(`${name}.key`)), cert: readFileSync(path(`${name}.pem`)) };
    return portOf(createTlsServer(pair, (_, response) => response.writeHead(403).end()));
  };
  return { file: path('ca.pem'), serve };
}

describe('a certificate that is refused', () => {
  const expired = ['20200101000000Z', '20200201000000Z'] as const;
  const later = ['20980101000000Z', '20990101000000Z'] as const;

  test.each([
    [
      'of a private authority',
      '127.0.0.1',
      undefined,
      false,
      /authority that this computer does not know/,
      /NODE_EXTRA_CA_CERTS/,
    ],
    ['that has expired', '127.0.0.1', expired, true, /has expired/, /renew it/],
    ['that is not valid yet', '127.0.0.1', later, true, /not valid yet/, /clock/],
    ['for another name', 'elsewhere.test', undefined, true, /another host name/, /host name/],
  ])('%s is named, with a fix that keeps TLS', async (_, name, validity, trusted, message, fix) => {
    const authority = makeAuthority();
    const port = await authority.serve(name, validity);
    const trust = trusted ? { NODE_EXTRA_CA_CERTS: authority.file } : {};
    const env = { ...bucketAt(`https://127.0.0.1:${port}`), ...trust };
    const problems = (await findingsOf(['sync', 'doctor'], env)).filter(({ level }) => level === 'problem');
    const named = {
      message: expect.stringMatching(message) as string,
      fix: expect.stringMatching(fix) as string,
    };
    expect(problems).toEqual([{ check: 'endpoint', level: 'problem', ...named }]);
    expect(JSON.stringify(problems)).not.toMatch(/http:/);
    const embedding = {
      MEMORY_EMBEDDING_PROVIDER: 'openai',
      MEMORY_EMBEDDING_BASE_URL: `https://127.0.0.1:${port}/v1`,
    };
    const failures = (await findingsOf(['doctor'], { ...embedding, ...trust })).filter(
      ({ status }) => status === 'fail',
    );
    expect(failures).toEqual([{ check: 'model', status: 'fail', ...named }]);
  });

  test('is accepted once NODE_EXTRA_CA_CERTS names its authority', async () => {
    const authority = makeAuthority();
    const env = bucketAt(`https://127.0.0.1:${await authority.serve('127.0.0.1')}`);
    const findings = await findingsOf(['sync', 'doctor'], { ...env, NODE_EXTRA_CA_CERTS: authority.file });
    expect(findings.at(-1)?.message).toContain('HTTP 403');
  });
});

test('says that a server speaks plain http only when it does', async () => {
  const port = await portOf(createServer((_, response) => response.writeHead(403).end()));
  const findings = await findingsOf(['sync', 'doctor'], bucketAt(`https://127.0.0.1:${port}`));
  expect(findings.at(-1)).toMatchObject({ fix: `Set the endpoint to http://127.0.0.1:${port}.` });
});

interface TestProxy {
  readonly address: string;
  /** What it was asked for: a host with a port, or a whole address. */
  readonly asked: string[];
}

/** A proxy with a password that leads every connection to one port. */
async function startProxy(target: number): Promise<TestProxy> {
  const asked: string[] = [];
  const authorised = ({ headers }: IncomingMessage): boolean =>
    headers['proxy-authorization'] === `Basic ${Buffer.from('ada:pass word 5%').toString('base64')}`;
  const server = createServer((incoming, response) => {
    asked.push(incoming.url ?? '');
    if (authorised(incoming)) forward(incoming, response, target);
    else response.writeHead(407).end();
  });
  server.on('connect', (incoming: IncomingMessage, socket: Socket) => {
    asked.push(incoming.url ?? '');
    // Who was refused may cut the connection.
    socket.on('error', () => undefined);
    if (!authorised(incoming)) {
      socket.end('HTTP/1.1 407 Proxy Authentication Required\r\n\r\n');
      return;
    }
    const upstream = connect(target, '127.0.0.1', () => {
      socket.write('HTTP/1.1 200 OK\r\n\r\n');
      upstream.pipe(socket).pipe(upstream);
    });
    upstream.on('error', () => socket.destroy());
    socket.on('error', () => upstream.destroy());
  });
  const port = await portOf(server);
  return { address: `127.0.0.1:${port}`, asked };
}

function forward(incoming: IncomingMessage, response: ServerResponse, port: number): void {
  const { pathname, search } = new URL(incoming.url ?? '', 'http://store.test');
  const { method, headers } = incoming;
  const outgoing = request(
    { host: '127.0.0.1', port, method, headers, path: pathname + search },
    (answer) => {
      response.writeHead(answer.statusCode ?? 500, answer.headers);
      answer.pipe(response);
    },
  );
  outgoing.on('error', () => response.destroy());
  incoming.pipe(outgoing);
}

async function startStore(): Promise<number> {
  const running = await fauxqs.start('fauxqs');
  onTestFinished(() => running.stop());
  return running.address.port;
}

describe('a proxy of the environment', () => {
  test('carries requests to a store without TLS, and doctor names it without its password', async () => {
    const proxy = await startProxy(await startStore());
    const env = {
      ...bucketAt('http://127.0.0.1:9'),
      HTTP_PROXY: `http://ada:pass%20word%205%@${proxy.address}`,
    };
    const command = ['sync', 'doctor', '--create-bucket'];
    const findings = await findingsOf(command, env);
    expect(findings.filter(({ level }) => level === 'problem')).toEqual([]);
    expect(JSON.stringify(findings)).toContain(`through the proxy http://***@${proxy.address} (HTTP_PROXY)`);
    expect(JSON.stringify(findings)).not.toContain('pass');
    expect(proxy.asked.every((address) => address.startsWith('http://127.0.0.1:9/'))).toBe(true);
    const around = await findingsOf(command, { ...env, NO_PROXY: 'other.test, 127.0.0.0/8' });
    expect(around.at(-1)?.message).toMatch(/127\.0\.0\.1:9/);
    expect(JSON.stringify(around)).not.toContain('through the proxy');
  }, 60_000);

  test('opens tunnels to a store with TLS', async () => {
    const authority = makeAuthority();
    const proxy = await startProxy(await authority.serve('store.test'));
    const trust = { NODE_EXTRA_CA_CERTS: authority.file };
    const env = { ...bucketAt('https://store.test'), ...trust };
    const findings = await findingsOf(['sync', 'doctor'], {
      ...env,
      https_proxy: `ada:pass%20word%205%@${proxy.address}`,
    });
    expect(findings.at(-1)?.message).toContain('HTTP 403');
    expect(new Set(proxy.asked)).toEqual(new Set(['store.test:443']));
    const refused = await findingsOf(['sync', 'doctor'], { ...env, HTTPS_PROXY: `http://${proxy.address}` });
    expect(refused.at(-1)).toMatchObject({
      message: expect.stringContaining('wants a user name and a password') as string,
      fix: expect.stringContaining('HTTPS_PROXY') as string,
    });
  }, 60_000);

  test('carries requests to the embedding endpoint', async () => {
    const endpoint = await startEmbeddingServer();
    onTestFinished(() => endpoint.close());
    const proxy = await startProxy(Number(new URL(endpoint.url).port));
    const env = {
      MEMORY_EMBEDDING_PROVIDER: 'openai',
      MEMORY_EMBEDDING_BASE_URL: 'http://models.test/v1',
      ALL_PROXY: `http://ada:pass%20word%205%@${proxy.address}`,
    };
    const findings = await findingsOf(['doctor'], env);
    expect(findings.filter(({ status }) => status === 'fail')).toEqual([]);
    expect(findings.find(({ check }) => check === 'model')?.message).toContain(`***@${proxy.address}`);
    expect(new Set(proxy.asked)).toEqual(new Set(['http://models.test/v1/embeddings']));
  }, 60_000);
});

/** Letters that compress little, without anything that looks like a secret. */
function randomWords(count: number): string {
  const letters = randomBytes(count * 8);
  const word = (first: number): string =>
    String.fromCharCode(...letters.subarray(first, first + 8).map((byte) => 97 + (byte % 26)));
  return Array.from({ length: count }, (_, index) => word(index * 8)).join(' ');
}

test.each<[string, (incoming: IncomingMessage, response: ServerResponse) => unknown, RegExp]>([
  [
    'answers 413 after reading',
    (incoming, response) => incoming.resume().once('end', () => response.writeHead(413).end()),
    /client_max_body_size 64m/,
  ],
  [
    'answers 413 and cuts the connection',
    (incoming, response) =>
      response.writeHead(413, { connection: 'close' }).end(() => incoming.socket.destroy()),
    /client_max_body_size 64m|limits the size of objects/,
  ],
  ['cuts the connection', ({ socket }) => socket.resetAndDestroy(), /limits the size of objects/],
  [
    'blocks the request with a page',
    (incoming, response) => incoming.resume().once('end', () => response.writeHead(403).end('Blocked')),
    /limits the size of objects/,
  ],
])(
  'names the limit of a gateway that %s',
  async (_, refuse, pushFix) => {
    const store = await startStore();
    const gateway = createServer((incoming, response) => {
      if (Number(incoming.headers['content-length'] ?? 0) <= 1024 * 1024) {
        forward(incoming, response, store);
      } else refuse(incoming, response);
    });
    const env = bucketAt(`http://127.0.0.1:${await portOf(gateway)}`);
    const findings = await findingsOf(['sync', 'doctor', '--create-bucket'], env);
    expect(findings.filter(({ level }) => level === 'problem')).toMatchObject([
      {
        check: 'put',
        message: expect.stringContaining('accepts objects of 1 MiB, but none of 16 MiB') as string,
        fix: expect.stringContaining('client_max_body_size 64m') as string,
      },
    ]);
    const dataDir = temporaryFolder();
    const input = Array.from({ length: 30 }, () => JSON.stringify({ text: randomWords(9_000) })).join('\n');
    await runProgram(['import', '-'], { dataDir, env, input });
    const { code, stderr } = await runProgram(['sync', 'push'], { dataDir, env });
    expect(code).toBe(1);
    expect(stderr).toMatch(new RegExp(`Fix: .*(?:${pushFix.source})`));
    expect(stderr).not.toMatch(/TimeoutError|hidden field/);
  },
  90_000,
);
