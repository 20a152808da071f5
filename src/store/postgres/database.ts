import type * as pg from 'pg';
import type { Client, ClientConfig, QueryResultRow } from 'pg';
import { StoreUnavailableError } from '../../errors/store-errors.ts';
import { reasonOf } from '../../util/caught.ts';
import { SerialQueue, settleWithin } from '../../util/concurrency.ts';
import { loadOptionalPackage } from '../../util/load-optional-package.ts';
import type { DatabaseAddress, DatabaseHost } from './database-url.ts';
import { isAnswer, isReadOnlyAnswer, toDatabaseError, unreachable } from './postgres-errors.ts';

/** A connection that nobody used for so long is closed. */
const IDLE_MS = 60_000;

type Statement = (sql: string, parameters?: readonly unknown[]) => Promise<QueryResultRow[]>;

export interface StatementOptions {
  /** Time for the statement. The connection is given up after it. */
  readonly withinMs: number;
}

/** The connection was lost, or too slow, after a statement was sent: it may have taken effect. */
export class OutcomeUnknown extends Error {}

/**
 * Connections to one database, made when they are needed and made again after a failure. Statements are of single
 * transactions and leave no state in a session, so that a pooler can stand between.
 */
export class Database {
  readonly location: string;
  readonly #address: DatabaseAddress;
  readonly #usual: Line;
  /** For transactions of several statements, which must not be mixed with others. */
  readonly #own: Line;
  readonly #turns = new SerialQueue();

  constructor(address: DatabaseAddress) {
    this.#address = address;
    this.location = address.location;
    this.#usual = new Line(address);
    this.#own = new Line(address);
  }

  /**
   * Runs one statement as a transaction.
   * @throws OutcomeUnknown; the product's errors for everything else
   */
  async run(
    sql: string,
    parameters: readonly unknown[],
    { withinMs }: StatementOptions,
  ): Promise<QueryResultRow[]> {
    return this.#guarded(() => this.#usual.run(sql, parameters, withinMs));
  }

  /**
   * Runs several statements as one transaction on a connection of their own.
   * @throws OutcomeUnknown when the commit has no answer
   */
  transaction<Result>(
    work: (statement: Statement) => Promise<Result>,
    { withinMs }: StatementOptions,
  ): Promise<Result> {
    return this.#turns.run(() =>
      this.#guarded(async () => {
        const statement: Statement = (sql, parameters = []) => this.#own.run(sql, parameters, withinMs);
        try {
          // A store that hangs must not keep the space locked.
          await statement(
            `BEGIN; SET LOCAL idle_in_transaction_session_timeout = ${withinMs}; SET LOCAL lock_timeout = ${withinMs}`,
          );
          const result = await work(statement);
          await statement('COMMIT');
          return result;
        } catch (error) {
          // The end of the connection ends the transaction too.
          this.#own.drop();
          throw error;
        }
      }),
    );
  }

  async close(): Promise<void> {
    await Promise.all([this.#usual.close(), this.#own.close()]);
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
  /** Their servers gave up waiting for a synchronous standby, and say all the same that the commit was done. */
  readonly #unconfirmed = new WeakSet<Client>();
  readonly #turns = new SerialQueue();

  constructor(address: DatabaseAddress) {
    this.#address = address;
  }

  run(sql: string, parameters: readonly unknown[], withinMs: number): Promise<QueryResultRow[]> {
    return this.#turns.run(() => this.#run(sql, parameters, withinMs));
  }

  async #run(sql: string, parameters: readonly unknown[], withinMs: number): Promise<QueryResultRow[]> {
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
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<never>((_, reject) => {
      timer = setTimeout(() => {
        reject(new OutcomeUnknown(`no answer within ${withinMs} ms`));
      }, withinMs);
    });
    try {
      // Without parameters, several statements are one text, as the simple protocol has it.
      const answer = client.query<QueryResultRow>(
        parameters.length === 0 ? sql : { text: sql, values: [...parameters] },
      );
      answer.catch(() => undefined);
      const { rows } = await Promise.race([answer, late]);
      if (this.#unconfirmed.has(client)) throw new OutcomeUnknown('the standby did not confirm the commit');
      return rows;
    } catch (error) {
      // After a failover, another server takes writes.
      if (!isAnswer(error) || isReadOnlyAnswer(error)) this.#dropIf(line);
      if (isAnswer(error)) throw error;
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

  #listen(client: Client, binding: { offered: boolean }): void {
    client.on('error', () => {
      if (this.#open === client) this.drop();
    });
    client.on('notice', ({ routine }) => {
      if (routine === 'SyncRepWaitForLSN') this.#unconfirmed.add(client);
    });
    connectionOf(client).on('authenticationSASL', ({ mechanisms }) => {
      binding.offered = mechanisms.includes('SCRAM-SHA-256-PLUS');
    });
  }

  async #connect(): Promise<Client> {
    const { hosts, location } = this.#address;
    const { Client: DriverClient } = await loadDriver(location);
    const reasons: string[] = [];
    let last: unknown;
    for (let tries = 0; tries < hosts.length; tries += 1) {
      const place = (this.#first + tries) % hosts.length;
      const host = hosts[place];
      if (host === undefined) continue;
      const binding = { offered: false };
      const client = new DriverClient(configOf(this.#address, host, binding));
      this.#listen(client, binding);
      try {
        await client.connect();
        if (this.#address.channelBinding === 'require' && !binding.offered) throw unbound();
        if (this.#address.writable && (await isReadOnly(client, this.#address.connectTimeoutMs))) {
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
        last = error;
        reasons.push(`${host.host}:${host.port}: ${said(error)}`);
      }
    }
    throw unreachable(location, reasons.join('; '), last);
  }
}

/** What the driver knows of a connection and has no type for. */
interface DriverConnection {
  on(
    event: 'authenticationSASL',
    listener: (message: { readonly mechanisms: readonly string[] }) => void,
  ): void;
  readonly stream: { destroy(): void };
}

function connectionOf(client: Client): DriverConnection {
  return (client as unknown as { connection: DriverConnection }).connection;
}

function unbound(): Error {
  return new Error('the server does not offer channel_binding, which the address requires');
}

/** The reasons of all addresses of a name are one error without a message. */
function said(error: unknown): string {
  if (error instanceof AggregateError) return error.errors.map(reasonOf).join(', ');
  return reasonOf(error);
}

function configOf(
  address: DatabaseAddress,
  { host, port }: DatabaseHost,
  binding: { readonly offered: boolean },
): ClientConfig {
  const { user, password, database, tls, applicationName, connectTimeoutMs } = address;
  return {
    ...{ host, port, user, database },
    // As a function, because the driver looks for an empty one in files of the user.
    password: () => {
      if (address.channelBinding === 'require' && !binding.offered) throw unbound();
      return password ?? '';
    },
    // The certificate of a server without a name is compared with its address.
    ssl: tls === false || host.startsWith('/') ? false : { ...tls, host },
    enableChannelBinding: address.channelBinding !== 'disable',
    connectionTimeoutMillis: connectTimeoutMs,
    application_name: applicationName,
    keepAlive: true,
  };
}

/** @throws Error when the server does not answer in time */
async function isReadOnly(client: Client, withinMs: number): Promise<boolean> {
  const asked = client.query<{ off: boolean }>(
    `SELECT pg_is_in_recovery() OR current_setting('transaction_read_only') = 'on' AS off`,
  );
  const answer = await settleWithin(asked, withinMs);
  if (answer === undefined) throw new Error('it accepts connections and does not answer');
  return answer.rows[0]?.off !== false;
}

/** Without the goodbye of the protocol, which could wait for an answer. */
function destroy(client: Client): void {
  connectionOf(client).stream.destroy();
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
