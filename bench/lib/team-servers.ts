import { mkdtempSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import pg from 'pg';
import type { PostgresServer } from '../../tests/helpers/servers/postgres.ts';
import { cpuMsOf, HttpProcess } from './http-process.ts';

const HEADERS = { 'Content-Type': 'application/json' };
const LOOK_MS = 25;

/** Folders of one run, all removed by `clean`. */
export class Folders {
  readonly #root = mkdtempSync(join(tmpdir(), 'faiss-memory-bench-team-'));
  #count = 0;

  next(): string {
    this.#count += 1;
    return join(this.#root, String(this.#count));
  }

  clean(): void {
    rmSync(this.#root, { recursive: true, force: true, maxRetries: 5 });
  }
}

export function onDatabase(url: string, space = 'bench'): Record<string, string> {
  return { MEMORY_STORE: 'postgres', MEMORY_DATABASE_URL: url, MEMORY_DATABASE_SPACE: space };
}

export interface Answer {
  readonly status: number;
  readonly data: Record<string, unknown>;
}

/** @throws Error for any status from 400 on */
export async function send(
  { address }: Pick<HttpProcess, 'address'>,
  path: string,
  { body, token = '' }: { readonly body?: unknown; readonly token?: string } = {},
): Promise<Answer> {
  const headers = token === '' ? HEADERS : { ...HEADERS, Authorization: `Bearer ${token}` };
  const post = { method: 'POST', body: JSON.stringify(body) };
  const response = await fetch(`${address}${path}`, { headers, ...(body === undefined ? {} : post) });
  const data = (await response.json()) as Record<string, unknown>;
  if (!response.ok) throw new Error(`${path} answered ${response.status}: ${JSON.stringify(data)}`);
  return { status: response.status, data };
}

export interface Reading {
  /** Milliseconds from the start of the process until a search by words found among all memories. */
  readonly wordsMs: number;
  /** Until everything was there, vectors included. */
  readonly wholeMs: number;
  /** Processor time of the server until then. */
  readonly cpuMs: number;
  readonly server: HttpProcess;
}

/** Starts a server, whose index may be lost or old, and searches until it has read its space. */
export async function startReading(
  dataDir: string,
  env: Readonly<Record<string, string>>,
  memories: number,
): Promise<Reading> {
  const start = performance.now();
  const server = await HttpProcess.start(dataDir, '.', env);
  let wordsMs = 0;
  for (;;) {
    const { data } = await send(server, '/search', { body: { query: 'w100 w2000', mode: 'keyword' } });
    const note = typeof data['note'] === 'string' ? data['note'] : '';
    if (wordsMs === 0 && !note.includes('missing here')) wordsMs = performance.now() - start;
    if (!note.includes('shared database')) break;
    await delay(LOOK_MS);
  }
  const wholeMs = performance.now() - start;
  const { data } = await send(server, '/stats');
  const { live } = data;
  if (live !== memories) throw new Error(`the server has ${JSON.stringify(data)}, not ${memories} memories`);
  return { wordsMs, wholeMs, cpuMs: server.cpuMs, server };
}

/** Facts of a database, by SQL. */
export class DatabaseFacts {
  readonly #client: pg.Client;
  readonly #server: PostgresServer;
  readonly #url: string;

  private constructor(server: PostgresServer, url: string, client: pg.Client) {
    this.#server = server;
    this.#url = url;
    this.#client = client;
  }

  static async open(server: PostgresServer, url: string): Promise<DatabaseFacts> {
    const client = new pg.Client({ connectionString: url });
    client.on('error', () => undefined);
    await client.connect();
    return new DatabaseFacts(server, url, client);
  }

  async number(sql: string): Promise<number> {
    const { rows } = await this.#client.query<Record<string, unknown>>(sql);
    return Number(Object.values(rows[0] ?? {})[0] ?? NaN);
  }

  /** Bytes of all tables and indexes. */
  async bytes(): Promise<number> {
    await this.#server.sql('VACUUM', this.#url);
    return this.number(
      `SELECT sum(pg_total_relation_size(oid)) FROM pg_class
       WHERE relnamespace = 'faiss_memory'::regnamespace AND relkind = 'r'`,
    );
  }

  /** Bytes of the write-ahead log so far. */
  wal(): Promise<number> {
    return this.number(`SELECT pg_wal_lsn_diff(pg_current_wal_lsn(), '0/0')`);
  }

  connections(): Promise<number> {
    return this.number(`SELECT count(*) FROM pg_stat_activity WHERE application_name = 'faiss-memory'`);
  }

  /** Processor time of the connections that are there. */
  async cpuMs(): Promise<number> {
    const { rows } = await this.#client.query<{ pid: number }>('SELECT pid FROM pg_stat_activity');
    return rows.reduce((sum, { pid }) => sum + cpuMsOf(pid), 0);
  }

  /** Durations of inserts of one row of so many bytes, each a commit on the disk. */
  async commits(count: number, bytes: number): Promise<number[]> {
    await this.#client.query('CREATE TABLE IF NOT EXISTS public.one_row (number bigserial, text text)');
    const durations: number[] = [];
    for (let round = 0; round < count; round += 1) {
      const start = performance.now();
      await this.#client.query('INSERT INTO public.one_row (text) VALUES ($1)', ['x'.repeat(bytes)]);
      durations.push(performance.now() - start);
    }
    return durations;
  }

  /** Gives spaces everything that another one has. */
  async copySpace(from: string, to: readonly string[]): Promise<void> {
    for (const table of ['space', 'entry', 'memory_state', 'version', 'embedding']) {
      const key = table === 'space' ? 'id' : 'space';
      const { rows } = await this.#client.query<{ name: string }>(
        `SELECT column_name AS name FROM information_schema.columns
         WHERE table_schema = 'faiss_memory' AND table_name = $1 AND column_name <> $2`,
        [table, key],
      );
      const columns = rows.map(({ name }) => name).join(', ');
      await this.#client.query(`DELETE FROM faiss_memory.${table} WHERE ${key} = ANY($1)`, [to]);
      await this.#client.query(
        `INSERT INTO faiss_memory.${table} (${key}, ${columns})
         SELECT n, ${columns} FROM faiss_memory.${table}, unnest($2::text[]) n WHERE ${key} = $1`,
        [from, to],
      );
    }
  }

  close(): Promise<void> {
    return this.#client.end();
  }
}

/** Bytes of an index on the disk, without its write-ahead log. */
export function indexBytes(dataDir: string): number {
  return statSync(join(dataDir, 'index.sqlite')).size;
}
