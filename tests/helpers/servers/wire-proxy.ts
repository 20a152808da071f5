import { once } from 'node:events';
import { connect, createServer, type Server, type Socket } from 'node:net';
import type { AddressInfo } from 'node:net';

/** What happens to connections. `text` is looked for in what the client sends, for example `COMMIT`. */
export type WireFault =
  /** Nothing passes in either direction any more. */
  (
    | { readonly kind: 'swallow' }
    /** Each packet of both directions waits. */
    | { readonly kind: 'delay'; readonly milliseconds: number }
    /** The client is cut off, and the server never sees the packet. */
    | { readonly kind: 'cut-before'; readonly text: string }
    /** The server does what the packet says; the client is cut off instead of an answer. */
    | { readonly kind: 'cut-after'; readonly text: string }
    /** The server does what the packet says, and neither hears of the other any more. */
    | { readonly kind: 'hold-answer'; readonly text: string }
    /** The client is cut off; the server sees the packet only then. */
    | { readonly kind: 'late'; readonly text: string; readonly until: Promise<unknown> }
    /** In what the server sends. Both texts have the same length. */
    | { readonly kind: 'rewrite'; readonly from: string; readonly to: string }
  ) & { readonly next?: WireFault };

/** A proxy of connections to a server on this machine. Faults that look for a text happen once, and `next` from then on. */
export class WireProxy {
  /** Number of packets that a fault with a text met. */
  hits = 0;
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();
  #fault: WireFault | null = null;

  private constructor(target: number) {
    this.#server = createServer((client) => {
      this.#pass(client, connect({ host: '127.0.0.1', port: target }));
    });
  }

  static async start(target: number): Promise<WireProxy> {
    const proxy = new WireProxy(target);
    proxy.#server.listen(0, '127.0.0.1');
    await once(proxy.#server, 'listening');
    return proxy;
  }

  /** The same address through this proxy. */
  url(address: string): string {
    const { port } = this.#server.address() as AddressInfo;
    return address.replace(/@[^/]*/, `@127.0.0.1:${port}`);
  }

  /** From now on, on all connections. */
  harm(fault: WireFault | null): void {
    this.#fault = fault;
  }

  /** Cuts all connections. */
  cut(): void {
    for (const socket of this.#sockets) socket.destroy();
  }

  async close(): Promise<void> {
    this.cut();
    this.#server.close();
    await once(this.#server, 'close');
  }

  #pass(client: Socket, server: Socket): void {
    for (const [socket, other] of [
      [client, server],
      [server, client],
    ] as const) {
      this.#sockets.add(socket);
      socket.setNoDelay(true);
      socket.on('error', () => undefined);
      socket.on('close', () => {
        this.#sockets.delete(socket);
        // What a client sent late goes on to the server without it.
        if (!late) other.destroy();
      });
    }
    let late = false;
    client.on('data', (packet: Buffer) => {
      const fault = this.#fault;
      if (fault !== null && 'text' in fault && packet.includes(fault.text)) {
        this.#fault = fault.next ?? null;
        this.hits += 1;
        late = fault.kind === 'late';
        void meet(fault, { packet, client, server });
      } else this.#forward(packet, server);
    });
    server.on('data', (packet: Buffer) => {
      this.#forward(packet, client);
    });
  }

  #forward(packet: Buffer, to: Socket): void {
    const fault = this.#fault;
    switch (fault?.kind) {
      case 'swallow':
        return;
      case 'delay':
        setTimeout(() => to.write(packet), fault.milliseconds);
        return;
      case 'rewrite':
        to.write(Buffer.from(packet.toString('latin1').replaceAll(fault.from, fault.to), 'latin1'));
        return;
      default:
        to.write(packet);
    }
  }
}

async function meet(
  fault: WireFault & { readonly text: string },
  { packet, client, server }: { readonly packet: Buffer; readonly client: Socket; readonly server: Socket },
): Promise<void> {
  switch (fault.kind) {
    case 'cut-before':
      server.destroy();
      break;
    case 'cut-after':
      server.removeAllListeners('data');
      server.write(packet);
      await once(server, 'data');
      break;
    case 'hold-answer':
      server.removeAllListeners('data');
      client.removeAllListeners('data');
      server.write(packet);
      return;
    case 'late':
      client.destroy();
      await fault.until;
      server.write(packet);
      await once(server, 'data');
      server.destroy();
  }
  client.destroy();
}
