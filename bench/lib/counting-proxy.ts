import { connect, createServer, type AddressInfo, type Socket } from 'node:net';

const REQUEST_LINE = /^(?:GET|PUT|HEAD|POST|DELETE) \//;

export interface Traffic {
  readonly requests: number;
  readonly bytesUp: number;
  readonly bytesDown: number;
}

/** Counts requests and bytes between a client and an HTTP server on loopback. Changes nothing. */
export class CountingProxy {
  readonly #server = createServer((client) => {
    this.#join(client);
  });
  readonly #target: { readonly host: string; readonly port: number };
  #requests = 0;
  #bytesUp = 0;
  #bytesDown = 0;

  private constructor(target: { readonly host: string; readonly port: number }) {
    this.#target = target;
  }

  static async start(target: { readonly host: string; readonly port: number }): Promise<CountingProxy> {
    const proxy = new CountingProxy(target);
    await new Promise<void>((resolve) => proxy.#server.listen(0, '127.0.0.1', resolve));
    return proxy;
  }

  get endpoint(): string {
    // The address of a listening TCP server is an object.
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  /** @returns the counts since the last call */
  take(): Traffic {
    const traffic = { requests: this.#requests, bytesUp: this.#bytesUp, bytesDown: this.#bytesDown };
    this.#requests = this.#bytesUp = this.#bytesDown = 0;
    return traffic;
  }

  close(): void {
    this.#server.close();
  }

  #join(client: Socket): void {
    const server = connect(this.#target);
    client.on('data', (bytes) => {
      this.#bytesUp += bytes.length;
      // A client sends the head of a request in one piece, after the whole answer to the previous request.
      if (REQUEST_LINE.test(bytes.toString('latin1', 0, 16))) this.#requests += 1;
    });
    server.on('data', (bytes) => {
      this.#bytesDown += bytes.length;
    });
    client.pipe(server).pipe(client);
    client.on('error', () => server.destroy());
    server.on('error', () => client.destroy());
  }
}
