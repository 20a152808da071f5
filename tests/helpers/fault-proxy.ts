import { createServer, request, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { buffer } from 'node:stream/consumers';

/** What goes wrong with one request. */
export type Fault =
  /** The connection is reset before the server sees the request. */
  | { readonly kind: 'reset' }
  /** The server does what was asked, then the connection is reset instead of an answer. */
  | { readonly kind: 'lost-answer' }
  /** Nothing is ever answered. */
  | { readonly kind: 'stall' }
  /** The server sees the request only then. */
  | { readonly kind: 'hold'; readonly until: Promise<void> }
  /** The head of the real answer arrives, and half of its body; then nothing more. */
  | { readonly kind: 'stall-body' }
  /** Half of the body, then the connection ends. */
  | { readonly kind: 'short-body' }
  /** The whole body, and more bytes than were announced. */
  | { readonly kind: 'extra-bytes' }
  /** The real status and headers, with every byte of the body flipped. */
  | { readonly kind: 'wrong-bytes' }
  /** 200 with a page for people, as a sign-in portal answers anything. */
  | { readonly kind: 'sign-in-page' }
  /** Bytes that are not HTTP. */
  | { readonly kind: 'not-http' }
  /** This status, by default without a body; the server does not see the request. */
  | {
      readonly kind: 'status';
      readonly status: number;
      readonly headers?: Readonly<Record<string, string>>;
      readonly body?: string;
    }
  /** The real answer with these headers changed. */
  | { readonly kind: 'headers'; readonly headers: Readonly<Record<string, string>> };

/** One request as the proxy saw it. */
export interface SeenRequest {
  readonly method: string;
  /** With the query. */
  readonly path: string;
  readonly headers: Readonly<IncomingMessage['headers']>;
}

/** A proxy in front of a real server, which harms the requests that it is told to. */
export interface FaultProxy {
  readonly port: number;
  /** All requests so far, harmed or not. */
  readonly seen: readonly SeenRequest[];
  /**
   * Harms requests: called for each with its 0-based number since this call; undefined = pass it on.
   * Replaces the plan before.
   */
  plan(choose: (index: number, request: SeenRequest) => Fault | undefined): void;
  close(): Promise<void>;
}

/** Starts a proxy on a free loopback port. */
export async function startFaultProxy(target: { host: string; port: number }): Promise<FaultProxy> {
  const seen: SeenRequest[] = [];
  let first = 0;
  let choose: (index: number, request: SeenRequest) => Fault | undefined = () => undefined;
  const server = createServer((incoming, outgoing) => {
    const current = { method: incoming.method ?? '', path: incoming.url ?? '', headers: incoming.headers };
    const fault = choose(seen.length - first, current);
    seen.push(current);
    handle({ incoming, outgoing, target, fault });
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    port: (server.address() as AddressInfo).port,
    seen,
    plan: (next) => {
      first = seen.length;
      choose = next;
    },
    close: () => close(server),
  };
}

interface Exchange {
  readonly incoming: IncomingMessage;
  readonly outgoing: ServerResponse;
  readonly target: { readonly host: string; readonly port: number };
  readonly fault: Fault | undefined;
}

function handle(exchange: Exchange): void {
  const { incoming, outgoing, fault } = exchange;
  // The client may leave at any time; that is part of what is tested.
  incoming.on('error', () => undefined);
  outgoing.on('error', () => undefined);
  switch (fault?.kind) {
    case 'reset':
      incoming.socket.resetAndDestroy();
      return;
    case 'stall':
      incoming.resume();
      return;
    case 'hold':
      void fault.until.then(() => {
        forward(exchange);
      });
      return;
    case 'not-http':
      incoming.resume().once('end', () => incoming.socket.end('SSH-2.0-OpenSSH_9.2\r\n'));
      return;
    case 'sign-in-page':
      incoming.resume().once('end', () => {
        outgoing.writeHead(200, { 'content-type': 'text/html' });
        outgoing.end('<html><body>Please sign in to the network</body></html>');
      });
      return;
    case 'status':
      incoming.resume().once('end', () => {
        outgoing.writeHead(fault.status, fault.headers).end(fault.body);
      });
      return;
    default:
      forward(exchange);
  }
}

/** Passes the request on and spoils the answer. */
function forward({ incoming, outgoing, target, fault }: Exchange): void {
  const { host, port } = target;
  const { method, url: path, headers } = incoming;
  const onward = request({ host, port, method, path, headers, agent: false }, (answer) => {
    buffer(answer).then(
      (body) => {
        answerWith({ incoming, outgoing, fault, answer, body });
      },
      () => incoming.socket.destroy(),
    );
  });
  onward.on('error', () => incoming.socket.destroy());
  incoming.pipe(onward);
}

interface Answer extends Omit<Exchange, 'target'> {
  readonly answer: IncomingMessage;
  readonly body: Buffer;
}

function answerWith({ incoming, outgoing, fault, answer, body }: Answer): void {
  const half = body.subarray(0, Math.floor(body.length / 2));
  const headers = { ...answer.headers, ...(fault?.kind === 'headers' ? fault.headers : {}) };
  delete headers['transfer-encoding'];
  if (incoming.method !== 'HEAD') headers['content-length'] ??= String(body.length);
  outgoing.writeHead(answer.statusCode ?? 500, headers);
  // Without a body there is nothing to cut.
  const cuts = fault?.kind === 'stall-body' || fault?.kind === 'short-body';
  switch (cuts && body.length === 0 ? undefined : fault?.kind) {
    case 'lost-answer':
      incoming.socket.resetAndDestroy();
      return;
    case 'stall-body':
      outgoing.write(half);
      return;
    case 'short-body':
      outgoing.write(half, () => {
        incoming.socket.destroySoon();
      });
      return;
    case 'extra-bytes':
      outgoing.write(body, () => incoming.socket.write('and more than was announced'));
      return;
    case 'wrong-bytes':
      outgoing.end(body.map((byte) => byte ^ 0xff));
      return;
    default:
      outgoing.end(body);
  }
}

async function close(server: Server): Promise<void> {
  server.close();
  server.closeAllConnections();
  await once(server, 'close');
}
