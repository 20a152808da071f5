import { execFileSync } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { Agent, request } from 'node:https';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { findBinary } from './find-binary.ts';
import { freePort } from './free-port.ts';
import { dataFolder, type ServerProcess, startServer } from './server-process.ts';

/** Caddy with a configuration of the repository, which signs its own certificate. */
export interface CaddyServer {
  /** For example `https://localhost:40123`. */
  readonly address: string;
  /** Trusts its certificate, and no other. */
  readonly fetch: typeof fetch;
  stop(): Promise<void>;
}

/** Null = it is not on this machine. */
export function findCaddy(): Promise<string | null> {
  return findBinary({ variable: 'CADDY_BIN', command: 'caddy' });
}

/** True when CI insists on Caddy: a missing one fails instead of being left out. */
export function isCaddyRequired(): boolean {
  return process.env['REQUIRE_CADDY'] === '1';
}

/** @param environment of the configuration, without the ports */
export async function startCaddy(
  program: string,
  configuration: string,
  environment: Readonly<Record<string, string>>,
): Promise<CaddyServer> {
  const folder = await dataFolder('caddy');
  const [http, https, health] = [await freePort(), await freePort(), await freePort()];
  const server: ServerProcess = await startServer({
    program,
    arguments: ['run', '--adapter', 'caddyfile', '--config', configuration],
    environment: {
      ...environment,
      HOME: folder.path,
      XDG_DATA_HOME: folder.path,
      XDG_CONFIG_HOME: folder.path,
      CADDY_HTTP_PORT: String(http),
      CADDY_HTTPS_PORT: String(https),
      CADDY_HEALTH_PORT: String(health),
      ...(isBefore(program, '2.7') ? { CADDY_BODY_BUFFER: 'buffer_requests' } : {}),
    },
    isReady: async () => (await fetch(`http://127.0.0.1:${health}/`)).status === 204,
  });
  const root = join(folder.path, 'caddy', 'pki', 'authorities', 'local', 'root.crt');
  const agent = new Agent({ ca: await readFile(root), keepAlive: true });
  return {
    address: `https://${environment['MEMORY_NAME'] ?? ''}:${https}`,
    fetch: (target, options) => fetchBy(agent, new Request(target, options)),
    stop: async () => {
      agent.destroy();
      await server.stop();
      await folder.remove();
    },
  };
}

function isBefore(program: string, version: string): boolean {
  const said = execFileSync(program, ['version'], { encoding: 'utf8' }).replace(/^v/, '');
  return said.localeCompare(version, 'en', { numeric: true }) < 0;
}

/** `fetch` of Node.js takes no certificate of a test. */
async function fetchBy(agent: Agent, asked: Request): Promise<Response> {
  const body = Buffer.from(await asked.arrayBuffer());
  return new Promise((resolve, reject) => {
    const options = {
      ...{ agent, method: asked.method, signal: asked.signal },
      headers: { ...Object.fromEntries(asked.headers), 'Content-Length': String(body.length) },
    };
    const sent = request(asked.url, options, (answer) => {
      const headers = new Headers();
      for (const [name, value] of Object.entries(answer.headers)) headers.set(name, String(value));
      const status = answer.statusCode ?? 0;
      const isEmpty = status === 204 || status === 304 || asked.method === 'HEAD';
      if (isEmpty) answer.resume();
      const content = isEmpty ? null : (Readable.toWeb(answer) as ReadableStream<Uint8Array>);
      resolve(new Response(content, { status, headers }));
    });
    sent.once('error', reject);
    sent.end(body);
  });
}
