import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { RawServer } from '../helpers/mcp/raw-server.ts';
import { temporaryFolder, WITH_MODEL } from '../helpers/mcp/server-environment.ts';
import { runProgram } from '../helpers/run-program.ts';

interface Listener {
  readonly url: string;
  /** What it was asked for: a path, or the host and port that a proxy should connect to. */
  readonly asked: string[];
}

/** A server that refuses everything, as a proxy too. */
async function startListener(): Promise<Listener> {
  const asked: string[] = [];
  const server = createServer((request, response) => {
    asked.push(request.url ?? '');
    response.writeHead(404).end();
  });
  server.on('connect', (request, socket) => {
    asked.push(request.url ?? '');
    // Who was refused may cut the connection.
    socket.on('error', () => undefined);
    socket.end('HTTP/1.1 502 Bad Gateway\r\n\r\n');
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  // A TCP server that listens has an address of this kind.
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, asked };
}

/** An empty home folder, and a proxy for every connection that a native library makes. */
function strangeHome(proxy: Listener): Record<string, string> {
  const home = mkdtempSync(join(tmpdir(), 'faiss-memory-home-'));
  onTestFinished(() => {
    rmSync(home, { recursive: true, force: true });
  });
  const names = ['http_proxy', 'https_proxy', 'all_proxy', 'HTTP_PROXY', 'HTTPS_PROXY', 'ALL_PROXY'];
  return { HOME: home, XDG_CONFIG_HOME: home, ...Object.fromEntries(names.map((name) => [name, proxy.url])) };
}

const LOAD = `const { InferenceSession } = (await import('onnxruntime-node')).default;
  globalThis.session = await InferenceSession.create('models/e5-small-v2-int8/model.onnx');
  setInterval(() => undefined, 1_000);`;

test('the native runtime calls nobody and leaves nothing behind, though it would by itself', async () => {
  const [proxy, control] = [await startListener(), await startListener()];
  const surroundings = strangeHome(proxy);
  const env = { ...WITH_MODEL, MEMORY_EMBEDDING_RUNTIME: 'native', ...surroundings };
  const server = new RawServer(temporaryFolder(), { ...env, ORT_DISABLE_TELEMETRY: '0' });
  await server.initialize();
  const { text } = await server.call('memory_search', { query: 'tea', mode: 'vector' });
  expect(text).not.toContain('words only');
  const asIs = spawn(process.execPath, ['--input-type=module', '--eval', LOAD], {
    env: { PATH: process.env['PATH'], ...strangeHome(control) },
    stdio: 'ignore',
  });
  onTestFinished(async () => {
    asIs.kill('SIGKILL');
    if (asIs.exitCode === null && asIs.signalCode === null) await once(asIs, 'close');
  });
  // The runtime started second, and has called its maker: the server had more time for it.
  await expect.poll(() => control.asked, { timeout: 60_000, interval: 200 }).not.toEqual([]);
  expect(proxy.asked).toEqual([]);
  expect(readdirSync(surroundings['HOME'] ?? '')).toEqual([]);
}, 90_000);

/** Writes every host that a process of Node.js looks up or connects to into the file `HOSTS`. */
const WATCH = `import { appendFileSync } from 'node:fs';
  import dns from 'node:dns';
  import { Socket } from 'node:net';
  import { syncBuiltinESMExports } from 'node:module';
  const note = (host) => { appendFileSync(process.env.HOSTS, host + '\\n'); };
  for (const owner of [dns, dns.promises]) {
    for (const name of ['lookup', 'resolve', 'resolve4', 'resolve6']) {
      const real = owner[name];
      owner[name] = function (host, ...rest) { note(host); return real.call(this, host, ...rest); };
    }
  }
  const { connect } = Socket.prototype;
  Socket.prototype.connect = function (...given) {
    const [options] = given.flat();
    note(options.path ?? options.host ?? 'localhost');
    return connect.apply(this, given);
  };
  syncBuiltinESMExports();`;

const SECRET = { CLOUD_SYNC_SECRET_KEY: Buffer.from('secret').toString('base64') };

test.each([
  ['@azure/storage-blob', { CLOUD_SYNC_PROVIDER: 'azure', CLOUD_SYNC_ACCESS_KEY: 'account', ...SECRET }],
  ['@google-cloud/storage', { CLOUD_SYNC_PROVIDER: 'gcs' }],
  ['@aws-sdk/client-s3', { CLOUD_SYNC_PROVIDER: 's3', CLOUD_SYNC_ACCESS_KEY: 'key', ...SECRET }],
])('%s calls the store and nobody else', async (_, settings) => {
  const store = await startListener();
  const dataDir = temporaryFolder();
  const hosts = join(dataDir, 'hosts');
  const preload = join(dataDir, 'watch.mjs');
  writeFileSync(preload, WATCH);
  const env = {
    CLOUD_SYNC_ENABLED: 'true',
    CLOUD_SYNC_BUCKET: 'memories',
    CLOUD_SYNC_ENDPOINT: store.url,
    ...settings,
    HOSTS: hosts,
    NODE_OPTIONS: `--import=${preload}`,
  };
  const { HOME } = strangeHome(store);
  await runProgram(['add', 'Ada likes tea'], { dataDir, env: { ...env, HOME: HOME ?? '' } });
  const { code } = await runProgram(['sync', 'push'], { dataDir, env: { ...env, HOME: HOME ?? '' } });
  expect(code).toBe(1);
  expect(store.asked).not.toEqual([]);
  expect(existsSync(hosts)).toBe(true);
  expect(new Set(readFileSync(hosts, 'utf8').trim().split('\n'))).toEqual(new Set(['127.0.0.1']));
  expect(readdirSync(HOME ?? '')).toEqual([]);
});
