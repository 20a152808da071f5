import {
  request as requestHttp,
  type ClientRequest,
  type IncomingMessage,
  type RequestOptions,
} from 'node:http';
import { Agent, request as requestHttps } from 'node:https';
import { isIP, type Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { connect as connectTls, type ConnectionOptions } from 'node:tls';
import { streamedText } from './network-problem.ts';
import { hostOf, portOf, type Proxy, ProxyError, proxyHeaders, proxyRefusal } from './proxy.ts';

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
function requestProxy({ url }: Proxy, options: RequestOptions): ClientRequest {
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
