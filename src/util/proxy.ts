import {
  request as requestHttp,
  type ClientRequest,
  type IncomingMessage,
  type RequestOptions,
} from 'node:http';
import { Agent, request as requestHttps } from 'node:https';
import { BlockList, isIP, type Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { connect as connectTls, type ConnectionOptions } from 'node:tls';
import { streamedText } from './network-problem.ts';

/** A proxy from the environment. */
export interface Proxy {
  readonly url: URL;
  /** The environment variable that names it. */
  readonly variable: string;
  /** Its address to show to people, without user name and password. */
  readonly shown: string;
}

type Environment = Readonly<Record<string, string | undefined>>;

/**
 * The proxy for an address, from `HTTPS_PROXY`, `HTTP_PROXY`, `ALL_PROXY` and `NO_PROXY`. As in curl, the lower-case
 * names come first. This machine's own addresses (localhost, 127.0.0.0/8, ::1) go through a proxy only when it runs on
 * this machine, because any other proxy would connect to itself. SOCKS proxies are ignored.
 */
export function findProxy(address: string, environment: Environment = process.env): Proxy | undefined {
  if (!URL.canParse(address)) return undefined;
  const target = new URL(address);
  const scheme = target.protocol.slice(0, -1);
  for (const name of [`${scheme}_proxy`, 'all_proxy']) {
    for (const variable of [name, name.toUpperCase()]) {
      const url = proxyUrl(environment[variable]);
      if (url === undefined) continue;
      if (goesDirectly(target, url, environment)) return undefined;
      const user = url.username === '' ? '' : '***@';
      return { url, variable, shown: `${url.protocol}//${user}${url.host}` };
    }
  }
  return undefined;
}

function proxyUrl(value: string | undefined): URL | undefined {
  const text = value?.trim() ?? '';
  if (text === '') return undefined;
  const full = text.includes('://') ? text : `http://${text}`;
  if (!URL.canParse(full)) return undefined;
  const url = new URL(full);
  return url.protocol === 'http:' || url.protocol === 'https:' ? url : undefined;
}

function goesDirectly(target: URL, proxy: URL, environment: Environment): boolean {
  if (isLoopback(hostOf(target)) && !isLoopback(hostOf(proxy))) return true;
  const exceptions = environment['no_proxy'] ?? environment['NO_PROXY'] ?? '';
  return exceptions
    .split(/[\s,]+/)
    .filter((entry) => entry !== '')
    .some((entry) => matches(target, entry.toLowerCase()));
}

function matches(target: URL, entry: string): boolean {
  const host = hostOf(target);
  if (entry === '*') return true;
  if (entry.includes('/')) return isInNetwork(host, entry);
  const [, name = entry, port] = /^(.*?)(?::(\d+))?$/.exec(isIP(entry) === 6 ? `[${entry}]` : entry) ?? [];
  if (port !== undefined && port !== portOf(target)) return false;
  const domain = name.replace(/^\[(.*)\]$/, '$1').replace(/^\*?\./, '');
  return host === domain || host.endsWith(`.${domain}`);
}

function isInNetwork(host: string, network: string): boolean {
  const [address = '', bits = ''] = network.split('/');
  const version = isIP(address);
  if (version === 0 || isIP(host) !== version || !/^\d{1,3}$/.test(bits)) return false;
  if (Number(bits) > (version === 4 ? 32 : 128)) return false;
  const family = version === 4 ? 'ipv4' : 'ipv6';
  const list = new BlockList();
  list.addSubnet(address, Number(bits), family);
  return list.check(host, family);
}

/** True for an address of this machine itself. */
export function isLoopbackAddress(url: URL): boolean {
  return isLoopback(hostOf(url));
}

function isLoopback(host: string): boolean {
  return (
    host === 'localhost' || host.endsWith('.localhost') || host === '::1' || isInNetwork(host, '127.0.0.0/8')
  );
}

/** The host in lower case, without the brackets of an IPv6 address and without a dot at the end. */
function hostOf(url: URL): string {
  return url.hostname
    .toLowerCase()
    .replace(/^\[(.*)\]$/, '$1')
    .replace(/\.$/, '');
}

function portOf(url: URL): string {
  return url.port === '' ? (url.protocol === 'https:' ? '443' : '80') : url.port;
}

/** A proxy cannot be reached, asks for a password or refuses the address. */
export class ProxyError extends Error {
  readonly code = 'ERR_PROXY';
  readonly fix: string;

  constructor(
    proxy: Proxy,
    problem: string,
    options: { readonly fix?: string; readonly cause?: unknown } = {},
  ) {
    super(`the proxy ${proxy.shown} ${problem}`, { cause: options.cause });
    this.fix =
      options.fix ?? `Correct ${proxy.variable}, or name the host in NO_PROXY to reach it without a proxy.`;
  }
}

/** The error when the proxy itself refused (HTTP 407); undefined when the answer may be the server's. */
export function proxyRefusal(proxy: Proxy, status: number | undefined): ProxyError | undefined {
  if (status !== 407) return undefined;
  const fix = `Put user name and password into ${proxy.variable}: http://user:password@host:port, with special characters as %40 and so on.`;
  return new ProxyError(proxy, 'wants a user name and a password (HTTP 407)', { fix });
}

/** The header `Proxy-Authorization` when the proxy's address has a user name; else no header. */
export function proxyHeaders({ url }: Proxy): Record<string, string> {
  if (url.username === '') return {};
  const pair = `${decoded(url.username)}:${decoded(url.password)}`;
  return { 'proxy-authorization': `Basic ${Buffer.from(pair).toString('base64')}` };
}

/** A percent sign that begins no code stands for itself. */
function decoded(part: string): string {
  return decodeURIComponent(part.replace(/%(?![0-9a-f]{2})/gi, '%25'));
}

/** Connections to https servers through a proxy, which sees only the name of the server. */
export class TunnelAgent extends Agent {
  readonly #proxy: Proxy;

  constructor(proxy: Proxy) {
    super({ keepAlive: true });
    this.#proxy = proxy;
  }

  override createConnection(
    options: RequestOptions,
    callback?: (error: Error | null, stream: Duplex) => void,
  ): undefined {
    // The agent of Node.js passes options for both requests and TLS.
    const connection = options as ConnectionOptions;
    this.#open(connection).then(
      (socket) => callback?.(null, connectTls({ ...connection, socket })),
      // Node.js does not use the stream after an error.
      (error: unknown) => (callback as ((error: unknown) => void) | undefined)?.(error),
    );
  }

  #open({ host = '', port = 443 }: ConnectionOptions): Promise<Socket> {
    const proxy = this.#proxy;
    const name = isIP(host) === 6 ? `[${host}]` : host;
    const path = `${name}:${port}`;
    return new Promise((resolve, reject) => {
      const asking = requestProxy(proxy, {
        method: 'CONNECT',
        path,
        headers: { host: path, ...proxyHeaders(proxy) },
      });
      asking.once('connect', ({ statusCode = 0 }: IncomingMessage, socket: Socket) => {
        if (statusCode === 200) {
          resolve(socket);
          return;
        }
        socket.destroy();
        const refusal = new ProxyError(proxy, `does not open a connection to ${path} (HTTP ${statusCode})`);
        reject(proxyRefusal(proxy, statusCode) ?? refusal);
      });
      asking.once('error', (cause) => {
        reject(new ProxyError(proxy, `cannot be reached: ${cause.message}`, { cause }));
      });
      asking.end();
    });
  }
}

/** Sends a request to the proxy itself. */
export function requestProxy({ url }: Proxy, options: RequestOptions): ClientRequest {
  const request = url.protocol === 'https:' ? requestHttps : requestHttp;
  return request({ ...options, host: hostOf(url), port: portOf(url), timeout: CONNECT_LIMIT_MS }).once(
    'timeout',
    function (this: ClientRequest) {
      this.destroy(new Error(`no answer within ${CONNECT_LIMIT_MS / 1_000} s`));
    },
  );
}

const CONNECT_LIMIT_MS = 20_000;

export interface ProxiedRequest {
  readonly method: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
  readonly signal: AbortSignal;
  /** Longest answer that is read, in bytes. */
  readonly answerLimit: number;
}

/** Like `fetch`, but through a proxy and without following redirects. @throws ProxyError when the proxy refuses */
export async function fetchThroughProxy(
  address: string,
  proxied: ProxiedRequest,
  proxy: Proxy,
): Promise<Response> {
  const { method, headers, body, signal, answerLimit } = proxied;
  const target = new URL(address);
  const encrypted = target.protocol === 'https:';
  const agent = new TunnelAgent(proxy);
  const host = { host: target.host };
  const request = encrypted
    ? requestHttps(target, { method, headers, signal, agent })
    : requestProxy(proxy, {
        method,
        path: address,
        signal,
        headers: { ...host, ...headers, ...proxyHeaders(proxy) },
      });
  try {
    const answer = await new Promise<IncomingMessage>((resolve, reject) => {
      request.once('response', resolve).once('error', reject).end(body);
    });
    const refusal = encrypted ? undefined : proxyRefusal(proxy, answer.statusCode);
    if (refusal !== undefined) throw refusal;
    const answered = Object.entries(answer.headers).map(([name, value]): [string, string] => [
      name,
      String(value),
    ]);
    const status = answer.statusCode ?? 502;
    const content = await streamedText(answer, answerLimit);
    return new Response(status === 204 || status === 304 ? null : content, { status, headers: answered });
  } catch (error) {
    signal.throwIfAborted();
    throw error;
  } finally {
    agent.destroy();
  }
}
