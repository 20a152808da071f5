import type { Client, QueryResultRow } from 'pg';
import { StoreUnavailableError } from '../../errors/store-errors.ts';
import { reasonOf } from '../../util/caught.ts';
import { SerialQueue, settleWithin } from '../../util/concurrency.ts';
import { connect, destroy } from './connect.ts';
import type { DatabaseAddress } from './database-url.ts';
import { isAnswer, isReadOnlyAnswer, toDatabaseError } from './postgres-errors.ts';

/** A connection that nobody used for so long is closed. */
const IDLE_MS = 60_000;
const GOODBYE_MS = 500;

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
    // A server that hangs says no goodbye.
    await line?.then(
      (client) =>
        settleWithin(client.end(), GOODBYE_MS).finally(() => {
          destroy(client);
        }),
      () => undefined,
    );
  }

  #dropIf(line: Promise<Client>): void {
    if (this.#client === line) this.#client = null;
    line.then(destroy, () => undefined);
  }

  async #connect(): Promise<Client> {
    const client = await connect(this.#address, (made) => {
      made.on('error', () => {
        if (this.#open === made) this.drop();
      });
      made.on('notice', ({ routine }) => {
        if (routine === 'SyncRepWaitForLSN') this.#unconfirmed.add(made);
      });
    });
    this.#open = client;
    return client;
  }
}
