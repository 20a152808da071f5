import { chownSync, existsSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import pg from 'pg';
import { findBinary } from './find-binary.ts';
import { freePort } from './free-port.ts';
import { nobody, type PostgresServer } from './postgres.ts';
import { dataFolder, type ServerProcess, startServer } from './server-process.ts';

/** PgBouncer in transaction mode before a server: a session of the server is one client's only for one transaction. */
export class PgBouncer {
  readonly port: number;
  readonly #program: string;
  readonly #folder: { readonly path: string; readonly remove: () => Promise<void> };
  #process: ServerProcess | null = null;

  private constructor(
    program: string,
    { port, folder }: { port: number; folder: { path: string; remove: () => Promise<void> } },
  ) {
    this.#program = program;
    this.port = port;
    this.#folder = folder;
  }

  static async start(program: string, server: PostgresServer): Promise<PgBouncer> {
    const bouncer = new PgBouncer(program, { port: await freePort(), folder: await dataFolder('pgbouncer') });
    const { path } = bouncer.#folder;
    const settings = [
      '[databases]',
      `* = host=127.0.0.1 port=${server.port} user=owner`,
      '[pgbouncer]',
      ...['listen_addr = 127.0.0.1', `listen_port = ${bouncer.port}`, 'unix_socket_dir ='],
      ...['auth_type = any', 'pool_mode = transaction', 'default_pool_size = 3', 'max_client_conn = 500'],
    ];
    await writeFile(join(path, 'pgbouncer.ini'), settings.join('\n'));
    const owner = nobody();
    if (owner !== null) chownSync(path, ...owner);
    await bouncer.begin();
    return bouncer;
  }

  /** The same address through this pooler. */
  url(address: string): string {
    return address.replace(/@[^/]*/, `@127.0.0.1:${this.port}`);
  }

  async begin(): Promise<void> {
    const owner = nobody();
    const user =
      owner === null ? [] : ['setpriv', `--reuid=${owner[0]}`, `--regid=${owner[1]}`, '--clear-groups'];
    const [program, ...rest] = [...user, this.#program, '-q', join(this.#folder.path, 'pgbouncer.ini')];
    this.#process = await startServer({ program, arguments: rest, isReady: () => this.#answers() });
  }

  /** Ends it as `kill -9` does, with all connections. */
  async kill(): Promise<void> {
    await this.#process?.stop();
  }

  async stop(): Promise<void> {
    await this.kill();
    await this.#folder.remove();
  }

  async #answers(): Promise<boolean> {
    const client = new pg.Client({ connectionString: this.url('postgres://owner@127.0.0.1/postgres') });
    client.on('error', () => undefined);
    await client.connect();
    await client.query('SELECT 1');
    await client.end();
    return true;
  }
}

const DEBIAN = '/usr/sbin/pgbouncer';

/** The program: `PGBOUNCER_BIN`, in PATH, or where Debian keeps it; null = there is none. */
export async function findPgBouncer(): Promise<string | null> {
  const found = await findBinary({ variable: 'PGBOUNCER_BIN', command: 'pgbouncer' });
  return found ?? (existsSync(DEBIAN) ? DEBIAN : null);
}

/** True when CI insists on it: a missing one fails instead of being left out. */
export function isPgBouncerRequired(): boolean {
  return process.env['REQUIRE_PGBOUNCER'] === '1';
}
