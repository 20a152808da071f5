import type * as pg from 'pg';
import type { Client, ClientConfig, QueryResultRow } from 'pg';
import { StoreUnavailableError } from '../../errors/store-errors.ts';
import { reasonOf } from '../../util/caught.ts';
import { SerialQueue } from '../../util/concurrency.ts';
import { loadOptionalPackage } from '../../util/load-optional-package.ts';
import type { DatabaseAddress, DatabaseHost } from './database-url.ts';
import { isAnswer, toDatabaseError, unreachable } from './postgres-errors.ts';
import { nameSpace, type Scope, scopedStatement } from './scoped-statement.ts';

/** A connection that nobody used for so long is closed. */
const IDLE_MS = 60_000;

type Statement = (sql: string, parameters?: readonly unknown[]) => Promise<QueryResultRow[]>;

export interface StatementOptions extends Scope {
  /** Time for the statement. The connection is given up after it. */
  readonly withinMs: number;
}

/** The most connections at the same time; each is made when it is needed. */
export interface PoolSizes {
  readonly reads: number;
  /** For changes and for transactions, so that reads never wait for a commit. */
  readonly writes: number;
}

const ONE_EACH: PoolSizes = { reads: 1, writes: 1 };

/** The connection was lost, or too slow, after a statement was sent: it may have taken effect. */
export class OutcomeUnknown extends Error {}

/**
 * Connections to one database, made when they are needed and made again after a failure. Statements are of single
 * transactions and leave no state in a session, so that a pooler can stand between.
 */
export class Database {
  readonly location: string;
  readonly #address: DatabaseAddress;
  readonly #reads: LinePool;
  readonly #writes: LinePool;

  constructor(address: DatabaseAddress, sizes = ONE_EACH) {
    this.#address = address;
    this.location = address.location;
    this.#reads = new LinePool(address, sizes.reads);
    this.#writes = new LinePool(address, sizes.writes);
  }

  /** True when the address asks for a server that takes writes. */
  get wantsWritable(): boolean {
    return this.#address.writable;
  }

  /**
   * Runs one statement as a transaction.
   * @throws OutcomeUnknown; the product's errors for everything else
   */
  async run(
    sql: string,
    parameters: readonly unknown[],
    options: StatementOptions,
  ): Promise<QueryResultRow[]> {
    return this.#guarded(() => this.#reads.use((line) => line.run(sql, parameters, options)));
  }

  /** The same for a statement that changes something and may have to wait for the disk of the server. */
  async change(
    sql: string,
    parameters: readonly unknown[],
    options: StatementOptions,
  ): Promise<QueryResultRow[]> {
    return this.#guarded(() => this.#writes.use((line) => line.run(sql, parameters, options)));
  }

  /**
   * Runs several statements as one transaction on a connection of their own.
   * @throws OutcomeUnknown when the commit has no answer
   */
  transaction<Result>(
    work: (statement: Statement) => Promise<Result>,
    { withinMs, space }: StatementOptions,
  ): Promise<Result> {
    return this.#guarded(() =>
      this.#writes.use(async (line) => {
        const statement: Statement = (sql, parameters = []) => line.run(sql, parameters, { withinMs });
        try {
          // A store that hangs must not keep the space locked.
          await statement(
            `BEGIN; SET LOCAL idle_in_transaction_session_timeout = ${withinMs}; SET LOCAL lock_timeout = ${withinMs}${nameSpace({ space })}`,
          );
          const result = await work(statement);
          await statement('COMMIT');
          return result;
        } catch (error) {
          // The end of the connection ends the transaction too.
          line.drop();
          throw error;
        }
      }),
    );
  }

  async close(): Promise<void> {
    await Promise.all([this.#reads.close(), this.#writes.close()]);
  }

  async #guarded<Result>(work: () => Promise<Result>): Promise<Result> {
    try {
      return await work();
    } catch (error) {
      if (error instanceof OutcomeUnknown) throw error;
      throw toDatabaseError(error, this.location);
    }
  }
}

/** Connections that are used by one caller at a time; further callers wait in the order in which they came. */
class LinePool {
  readonly #address: DatabaseAddress;
  readonly #size: number;
  readonly #lines: Line[] = [];
  readonly #free: Line[] = [];
  readonly #waiting: ((line: Line) => void)[] = [];

  constructor(address: DatabaseAddress, size: number) {
    this.#address = address;
    this.#size = size;
  }

  async use<Result>(work: (line: Line) => Promise<Result>): Promise<Result> {
    // The one that was used last is the one that is open.
    const line = this.#free.pop() ?? this.#add() ?? (await this.#turn());
    try {
      return await work(line);
    } finally {
      const next = this.#waiting.shift();
      if (next === undefined) this.#free.push(line);
      else next(line);
    }
  }

  async close(): Promise<void> {
    await Promise.all(this.#lines.map((line) => line.close()));
  }

  #add(): Line | undefined {
    if (this.#lines.length >= this.#size) return undefined;
    const line = new Line(this.#address);
    this.#lines.push(line);
    return line;
  }

  #turn(): Promise<Line> {
    return new Promise((resolve) => this.#waiting.push(resolve));
  }
}

/** One connection. */
class Line {
  readonly #address: DatabaseAddress;
  #client: Promise<Client> | null = null;
  /** What `#client` became. */
  #open: Client | null = null;
  /** The place in the list of hosts that answered last. */
  #first = 0;
  #idle: NodeJS.Timeout | undefined;
  #closed = false;
  readonly #turns = new SerialQueue();

  constructor(address: DatabaseAddress) {
    this.#address = address;
  }

  run(sql: string, parameters: readonly unknown[], options: StatementOptions): Promise<QueryResultRow[]> {
    return this.#turns.run(() => this.#run(sql, parameters, options));
  }

  async #run(
    sql: string,
    parameters: readonly unknown[],
    { withinMs, space }: StatementOptions,
  ): Promise<QueryResultRow[]> {
    if (this.#closed)
      throw new StoreUnavailableError(`The connection to ${this.#address.location} is closed`);
    clearTimeout(this.#idle);
    this.#client ??= this.#connect();
    const line = this.#client;
    let client: Client;
    try {
      client = await line;
    } catch (error) {
      if (this.#client === line) this.#client = null;
      throw error;
    }
    const driver = await loadDriver(this.#address.location);
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<never>((_, reject) => {
      timer = setTimeout(() => {
        reject(new OutcomeUnknown(`no answer within ${withinMs} ms`));
      }, withinMs);
    });
    try {
      const answer = scopedStatement(driver, client, { sql, parameters, space });
      answer.catch(() => undefined);
      return await Promise.race([answer, late]);
    } catch (error) {
      if (isAnswer(error)) throw error;
      this.#dropIf(line);
      throw error instanceof OutcomeUnknown ? error : new OutcomeUnknown(reasonOf(error), { cause: error });
    } finally {
      clearTimeout(timer);
      this.#idle = setTimeout(() => {
        this.drop();
      }, IDLE_MS).unref();
    }
  }

  /** Closes the connection at once. The next statement makes a new one. */
  drop(): void {
    const line = this.#client;
    if (line !== null) this.#dropIf(line);
  }

  async close(): Promise<void> {
    this.#closed = true;
    clearTimeout(this.#idle);
    const line = this.#client;
    this.#client = null;
    await line?.then(
      (client) => client.end(),
      () => undefined,
    );
  }

  #dropIf(line: Promise<Client>): void {
    if (this.#client === line) this.#client = null;
    line.then(destroy, () => undefined);
  }

  async #connect(): Promise<Client> {
    const { hosts, location } = this.#address;
    const { Client: DriverClient } = await loadDriver(location);
    const reasons: string[] = [];
    for (let tries = 0; tries < hosts.length; tries += 1) {
      const place = (this.#first + tries) % hosts.length;
      const host = hosts[place];
      if (host === undefined) continue;
      const client = new DriverClient(configOf(this.#address, host));
      client.on('error', () => {
        if (this.#open === client) this.drop();
      });
      try {
        await client.connect();
        if (this.#address.writable && (await isReadOnly(client))) {
          reasons.push(`${host.host}:${host.port} is read-only`);
          destroy(client);
          continue;
        }
        this.#first = place;
        this.#open = client;
        return client;
      } catch (error) {
        destroy(client);
        // The server answered, and no other one would say anything else.
        if (isAnswer(error) || hosts.length === 1)
          throw isAnswer(error) ? error : unreachable(location, said(error), error);
        reasons.push(`${host.host}:${host.port}: ${said(error)}`);
      }
    }
    throw unreachable(location, reasons.join('; '));
  }
}

/** The reasons of all addresses of a name are one error without a message. */
function said(error: unknown): string {
  if (error instanceof AggregateError) return error.errors.map(reasonOf).join(', ');
  return reasonOf(error);
}

function configOf(address: DatabaseAddress, { host, port }: DatabaseHost): ClientConfig {
  const { user, password, database, tls, connectTimeoutMs } = address;
  return {
    ...{ host, port, user, database },
    // As a function, because the driver looks for an empty one in files of the user.
    password: () => password ?? '',
    ssl: tls === false ? false : { ...tls, ...(/^[\d.:]+$/.test(host) ? {} : { servername: host }) },
    connectionTimeoutMillis: connectTimeoutMs,
    application_name: 'faiss-memory',
    keepAlive: true,
  };
}

async function isReadOnly(client: Client): Promise<boolean> {
  const { rows } = await client.query<{ off: boolean }>(
    `SELECT pg_is_in_recovery() OR current_setting('transaction_read_only') = 'on' AS off`,
  );
  return rows[0]?.off !== false;
}

/** Without the goodbye of the protocol, which could wait for an answer. */
function destroy(client: Client): void {
  (client as unknown as { connection: { stream: { destroy(): void } } }).connection.stream.destroy();
}

function loadDriver(location: string): Promise<typeof pg> {
  return loadOptionalPackage({
    name: 'pg',
    major: 8,
    load: () => import('pg'),
    toError: ({ problem, fix, cause }) =>
      new StoreUnavailableError(`The database ${location} cannot be used: ${problem}`, { fix, cause }),
  });
}
