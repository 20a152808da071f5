import { execFile, execFileSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { chownSync, readdirSync, realpathSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { promisify } from 'node:util';
import pg from 'pg';
import { findBinary } from './find-binary.ts';
import { freePort } from './free-port.ts';
import { startServer, type ServerProcess } from './server-process.ts';

const run = promisify(execFile);
/** PostgreSQL refuses to run as root. */
const asRoot = process.getuid?.() === 0;

/** A PostgreSQL server of its own on a loopback port, with an empty data folder. */
export class PostgresServer {
  readonly port: number;
  readonly folder: string;
  readonly #programs: string;
  readonly #options: readonly string[];
  #process: ServerProcess | null = null;

  private constructor(
    programs: string,
    { folder, port, options }: { folder: string; port: number; options: readonly string[] },
  ) {
    this.#programs = programs;
    this.folder = folder;
    this.port = port;
    this.#options = options;
  }

  /** @param options of the server, for example `fsync=off` */
  static async start(programs: string, options: readonly string[] = ['fsync=off']): Promise<PostgresServer> {
    const folder = await mkdtemp(join(tmpdir(), 'faiss-memory-postgres-'));
    const server = new PostgresServer(programs, { folder, port: await freePort(), options });
    if (asRoot) chownSync(folder, ...ownerOf());
    await server.#run('initdb', [
      '--pgdata',
      server.data,
      '--username',
      'owner',
      '--auth',
      'trust',
      '--encoding',
      'UTF8',
      '--no-sync',
      '--locale',
      'C.UTF-8',
    ]);
    await server.begin();
    return server;
  }

  /** A copy of this server that follows it by streaming replication under the name `standby`. */
  async startStandby(): Promise<PostgresServer> {
    const folder = await mkdtemp(join(tmpdir(), 'faiss-memory-standby-'));
    const made = { folder, port: await freePort(), options: this.#options };
    const standby = new PostgresServer(this.#programs, made);
    if (asRoot) chownSync(folder, ...ownerOf());
    const from = `host=127.0.0.1 port=${this.port} user=owner application_name=standby`;
    await standby.#run('pg_basebackup', ['-d', from, '-D', standby.data, '-R', '-c', 'fast', '--no-sync']);
    await standby.begin();
    return standby;
  }

  /** Makes a primary of a standby. */
  async promote(): Promise<void> {
    await this.#run('pg_ctl', ['promote', '-D', this.data, '-w']);
  }

  /** Ends the server as `kill -9` does. */
  async kill(): Promise<void> {
    await this.#process?.stop();
  }

  /** Stops all processes of the server, or lets them go on: it accepts connections and answers nothing. */
  freeze(on: boolean): void {
    const id = this.#process?.process.pid;
    if (id === undefined) throw new Error('The server does not run');
    const children = execFileSync('pgrep', ['-P', String(id)], { encoding: 'utf8' })
      .trim()
      .split('\n');
    for (const one of [id, ...children.map(Number)]) process.kill(one, on ? 'SIGSTOP' : 'SIGCONT');
  }

  get data(): string {
    return join(this.folder, 'data');
  }

  /** Address of a database, which `owner` owns. */
  url(database = 'postgres', user = 'owner'): string {
    return `postgres://${user}@127.0.0.1:${this.port}/${database}`;
  }

  /** Starts the server again after `crash`. */
  async begin(): Promise<void> {
    const settings = [
      'listen_addresses=127.0.0.1',
      `unix_socket_directories=${this.folder}`,
      // In its own folder: other programs may empty the one of the system.
      'dynamic_shared_memory_type=mmap',
      ...this.#options,
    ];
    const [program = '', ...rest] = this.#command('postgres', [
      ...['-D', this.data, '-p', String(this.port)],
      ...settings.flatMap((setting) => ['-c', setting]),
    ]);
    this.#process = await startServer({
      program,
      arguments: rest,
      isReady: async () => {
        await this.sql('SELECT 1');
        return true;
      },
    });
  }

  /** Makes an empty database. @returns its address */
  async createDatabase(more = ''): Promise<string> {
    const name = `test_${randomBytes(6).toString('hex')}`;
    await this.sql(`CREATE DATABASE ${name} OWNER owner ${more}`);
    return this.url(name);
  }

  /** Rows of a statement as the owner of everything. */
  async sql(text: string, url = this.url()): Promise<Record<string, unknown>[]> {
    const client = new pg.Client({ connectionString: url, connectionTimeoutMillis: 5_000 });
    client.on('error', () => undefined);
    await client.connect();
    try {
      return (await client.query<Record<string, unknown>>(text)).rows;
    } finally {
      await client.end();
    }
  }

  /** Before PostgreSQL 15 a view shows rows by the rights of its owner: docs/team.md. */
  async hasViewsOfReaders(): Promise<boolean> {
    const [row] = await this.sql(`SELECT current_setting('server_version_num')::integer >= 150000 AS has`);
    return row?.['has'] === true;
  }

  /** Ends the sessions of other programs in a database, and waits until they are gone. */
  async endSessions(url: string): Promise<void> {
    const others = `FROM pg_stat_activity WHERE datname = '${url.split('/').at(-1)}' AND pid <> pg_backend_pid()`;
    const running = async (): Promise<boolean> => {
      const [row] = await this.sql(`SELECT count(pg_terminate_backend(pid))::integer AS count ${others}`);
      return row?.['count'] !== 0;
    };
    while (await running()) await delay(10);
  }

  /** Ends the server as a power cut would: without a checkpoint, and without a word to its clients. */
  async crash(): Promise<void> {
    await this.#run('pg_ctl', ['stop', '-D', this.data, '-m', 'immediate']).catch(() => undefined);
    await this.#process?.stop();
  }

  async stop(): Promise<void> {
    await this.crash();
    await rm(this.folder, { recursive: true, force: true, maxRetries: 5 });
  }

  async #run(program: string, parameters: readonly string[]): Promise<void> {
    const [command = '', ...rest] = this.#command(program, parameters);
    await run(command, rest, { cwd: this.folder });
  }

  #command(program: string, parameters: readonly string[]): string[] {
    const command = [join(this.#programs, program), ...parameters];
    if (!asRoot) return command;
    const [uid, gid] = ownerOf();
    return ['setpriv', `--reuid=${uid}`, `--regid=${gid}`, '--clear-groups', ...command];
  }
}

/** The user that servers run as which refuse to run as root; null = the user of the tests. */
export function nobody(): [uid: number, gid: number] | null {
  return asRoot ? ownerOf() : null;
}

/** The user that PostgreSQL runs as when the tests run as root. */
function ownerOf(): [uid: number, gid: number] {
  const id = (flag: string): number => Number(execFileSync('id', [flag, 'nobody'], { encoding: 'utf8' }));
  return [id('-u'), id('-g')];
}

/** The folder of PostgreSQL's programs: `POSTGRES_BIN`, in PATH, or where Debian keeps them; null = there are none. */
export async function findPostgres(): Promise<string | null> {
  const named = process.env['POSTGRES_BIN'] ?? '';
  if (named !== '') return named;
  const initdb = await findBinary({ variable: 'INITDB_BIN', command: 'initdb' });
  if (initdb !== null) return join(realpathSync(initdb), '..');
  const folder = '/usr/lib/postgresql';
  const versions = (() => {
    try {
      return readdirSync(folder).filter((name) => Number(name) >= 14);
    } catch {
      return [];
    }
  })();
  const newest = versions.sort((a, b) => Number(b) - Number(a))[0];
  return newest === undefined ? null : join(folder, newest, 'bin');
}

/** True when CI insists on PostgreSQL: a missing one fails instead of being left out. */
export function isPostgresRequired(): boolean {
  const names = (process.env['REQUIRE_SERVERS'] ?? '').split(',').map((name) => name.trim());
  return process.env['REQUIRE_POSTGRES'] === '1' || names.includes('postgres') || names.includes('all');
}
