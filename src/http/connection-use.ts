import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import { Server as TlsServer } from 'node:tls';

/**
 * Knows which connections of a server carry no request. Node knows it too, but counts a connection that has not
 * carried any yet as used, and does not know one at all whose TLS handshake is not finished; clients open both.
 */
export class ConnectionUse {
  /** How many requests each carries. */
  readonly #requests = new Map<Socket, number>();
  /** Before their TLS handshake is finished, by the address of the client. */
  readonly #handshakes = new Map<string, Socket>();
  #closing = false;

  constructor(server: Server) {
    const isTls = server instanceof TlsServer;
    if (isTls) {
      server.on('connection', (socket: Socket) => {
        this.#beginHandshake(socket);
      });
    }
    server.on(isTls ? 'secureConnection' : 'connection', (socket: Socket) => {
      this.#handshakes.delete(clientOf(socket));
      this.#requests.set(socket, 0);
      socket.once('close', () => this.#requests.delete(socket));
    });
    server.on('request', ({ socket }: IncomingMessage, response: ServerResponse) => {
      this.#count(socket, 1);
      response.once('close', () => {
        this.#count(socket, -1);
      });
    });
  }

  /** Closes the unused connections now, and every other one when its last request is answered. */
  closeUnused(): void {
    this.#closing = true;
    for (const socket of this.#handshakes.values()) socket.destroy();
    for (const [socket, requests] of this.#requests) if (requests === 0) socket.destroySoon();
  }

  #beginHandshake(socket: Socket): void {
    const client = clientOf(socket);
    this.#handshakes.set(client, socket);
    socket.once('close', () => {
      if (this.#handshakes.get(client) === socket) this.#handshakes.delete(client);
    });
  }

  #count(socket: Socket, change: 1 | -1): void {
    const requests = (this.#requests.get(socket) ?? 0) + change;
    if (!socket.destroyed) this.#requests.set(socket, requests);
    if (this.#closing && requests === 0) socket.destroySoon();
  }
}

/** The same for a connection and for what TLS makes of it. */
function clientOf({ remoteAddress = '', remotePort = 0 }: Socket): string {
  return `${remoteAddress} ${remotePort}`;
}
