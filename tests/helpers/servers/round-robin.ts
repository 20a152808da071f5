import { once } from 'node:events';
import { createServer, request } from 'node:http';
import type { AddressInfo } from 'node:net';

export interface RoundRobin {
  readonly address: string;
  /** Servers, as `http://127.0.0.1:port`, that get one request after the other, each in turn. */
  servers: readonly string[];
  /** Requests so far, by server. */
  readonly counts: ReadonlyMap<string, number>;
  close(): Promise<void>;
}

/** A load balancer that sends each request to another server than the one before. */
export async function startRoundRobin(port: number): Promise<RoundRobin> {
  const counts = new Map<string, number>();
  let turn = 0;
  const balancer: { servers: readonly string[] } = { servers: [] };
  const server = createServer((incoming, outgoing) => {
    incoming.on('error', () => undefined);
    outgoing.on('error', () => undefined);
    const target = balancer.servers[turn++ % balancer.servers.length];
    if (target === undefined) {
      outgoing.writeHead(502).end();
      return;
    }
    counts.set(target, (counts.get(target) ?? 0) + 1);
    const { method, url, headers } = incoming;
    const onward = request(new URL(url ?? '/', target), { method, headers, agent: false }, (answer) => {
      outgoing.writeHead(answer.statusCode ?? 502, answer.rawHeaders);
      answer.pipe(outgoing);
    });
    onward.on('error', () => {
      if (outgoing.headersSent) outgoing.destroy();
      else outgoing.writeHead(502).end();
    });
    incoming.pipe(onward);
  }).listen(port, '127.0.0.1');
  await once(server, 'listening');
  return Object.assign(balancer, {
    address: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    counts,
    close: async () => {
      server.close();
      server.closeAllConnections();
      await once(server, 'close');
    },
  });
}
