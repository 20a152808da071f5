import { once } from 'node:events';
import { createServer } from 'node:net';

const given = new Set<number>();

/** A loopback port that nothing listens on right now, and that no earlier call in this process returned. */
export async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('The listener has no port');
  // The system may give a port that was closed a moment ago again, to two servers that are about to start.
  const port = given.has(address.port) ? await freePort() : address.port;
  given.add(port);
  server.close();
  await once(server, 'close');
  return port;
}
