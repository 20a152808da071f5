import { findBinary } from './find-binary.ts';
import { freePort } from './free-port.ts';
import { answersHttp, startServer } from './server-process.ts';

/** A fault on the level of TCP; see the toxics of toxiproxy. */
export interface Toxic {
  readonly type: 'latency' | 'bandwidth' | 'slow_close' | 'timeout' | 'reset_peer' | 'slicer' | 'limit_data';
  readonly stream: 'upstream' | 'downstream';
  readonly attributes: Readonly<Record<string, number>>;
}

export interface ToxicProxy {
  readonly port: number;
  /** Replaces the toxics before; open connections feel it too. */
  poison(toxics: readonly Toxic[]): Promise<void>;
  stop(): Promise<void>;
}

/** The program, or null when it is not installed. */
export function findToxiproxy(): Promise<string | null> {
  return findBinary({ variable: 'TOXIPROXY_BIN', command: 'toxiproxy-server' });
}

/** Starts a proxy before a server on loopback. */
export async function startToxiproxy(
  program: string,
  target: { readonly host: string; readonly port: number },
): Promise<ToxicProxy> {
  const [apiPort, port] = [await freePort(), await freePort()];
  const api = `http://127.0.0.1:${apiPort}`;
  const server = await startServer({
    program,
    arguments: ['-host', '127.0.0.1', '-port', String(apiPort)],
    isReady: answersHttp(`${api}/version`),
  });
  await call(`${api}/proxies`, {
    name: 'store',
    listen: `127.0.0.1:${port}`,
    upstream: `${target.host}:${target.port}`,
  });
  return {
    port,
    poison: async (toxics) => {
      await call(`${api}/reset`, {});
      for (const toxic of toxics) await call(`${api}/proxies/store/toxics`, toxic);
    },
    stop: () => server.stop(),
  };
}

async function call(url: string, body: object): Promise<void> {
  const response = await fetch(url, { method: 'POST', body: JSON.stringify(body) });
  if (!response.ok) throw new Error(`${url} answered ${response.status} ${await response.text()}`);
  await response.arrayBuffer();
}
