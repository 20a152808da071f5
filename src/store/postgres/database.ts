import type { Client, QueryResultRow } from 'pg';
import { StoreUnavailableError } from '../../errors/store-errors.ts';
import { reasonOf } from '../../util/caught.ts';
import { SerialQueue, settleWithin } from '../../util/concurrency.ts';
import { timed } from '../../util/tracer.ts';
import type { LogConnections } from '../shared-log.ts';
import { connect, destroy, loadDriver } from './connect.ts';
import type { DatabaseAddress } from './database-url.ts';
import { isAnswer, isReadOnlyAnswer, toDatabaseError, unreachable } from './postgres-errors.ts';
import { nameSpace, type Scope, scopedStatement } from './scoped-statement.ts';

/** A connection that was not used for so long is closed. */
const IDLE_MS = 60_000;
const GOODBYE_MS = 500;

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

  get connections(): LogConnections {
    const [reads, writes] = [this.#reads.connections, this.#writes.connections];
    return {
      open: reads.open + writes.open,
      opened: reads.opened + writes.opened,
      waiting: reads.waiting + writes.waiting,
    };
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
    return timed('postgresql statement', () =>
      this.#guarded(() => this.#reads.use(options, (line) => line.run(sql, parameters, options))),
    );
  }

  /** The same for a statement that changes something and may have to wait for the disk of the server. */
  async change(
    sql: string,
    parameters: readonly unknown[],
    options: StatementOptions,
  ): Promise<QueryResultRow[]> {
    return timed('postgresql statement', () =>
      this.#guarded(() => this.#writes.use(options, (line) => line.run(sql, parameters, options))),
    );
  }

  /**
   * Runs several statements as one transaction on a connection of their own.
   * @throws OutcomeUnknown when the commit has no answer
   */
  transaction<Result>(
    work: (statement: Statement) => Promise<Result>,
    { withinMs, space }: StatementOptions,
  ): Promise<Result> {
    const run = (): Promise<Result> =>
      this.#writes.use({ withinMs }, async (line) => {
        const onOne = line.onOneConnection();
        const statement: Statement = (sql, parameters = []) => onOne(sql, parameters, { withinMs });
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
      });
    return timed('postgresql transaction', () => this.#guarded(run));
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
  #closed = false;

  constructor(address: DatabaseAddress, size: number) {
    this.#address = address;
    this.#size = size;
  }

  get connections(): LogConnections {
    return {
      open: this.#lines.filter(({ isOpen }) => isOpen).length,
      opened: this.#lines.reduce((sum, { opened }) => sum + opened, 0),
      waiting: this.#waiting.length,
    };
  }

  /** @throws StoreUnavailableError when none is free in time, because those that are in use wait for the server */
  async use<Result>({ withinMs }: StatementOptions, work: (line: Line) => Promise<Result>): Promise<Result> {
    // A connection that is made now would stay open.
    if (this.#closed) throw closed(this.#address);
    // The one that was used last is the one that is open.
    const line = this.#free.pop() ?? this.#add() ?? (await this.#turn(withinMs));
    try {
      return await work(line);
    } finally {
      const next = this.#waiting.shift();
      if (next === undefined) this.#free.push(line);
      else next(line);
    }
  }

  async close(): Promise<void> {
    this.#closed = true;
    await Promise.all(this.#lines.map((line) => line.close()));
  }

  #add(): Line | undefined {
    if (this.#lines.length >= this.#size) return undefined;
    const line = new Line(this.#address);
    this.#lines.push(line);
    return line;
  }

  async #turn(withinMs: number): Promise<Line> {
    let take: (line: Line) => void = () => undefined;
    const turn = new Promise<Line>((resolve) => (take = resolve));
    this.#waiting.push(take);
    const line = await settleWithin(turn, withinMs);
    if (line !== undefined) return line;
    this.#waiting.splice(this.#waiting.indexOf(take), 1);
    throw unreachable(this.#address.location, `all connections were in use for ${withinMs} ms`);
  }
}

function closed({ location }: DatabaseAddress): StoreUnavailableError {
  return new StoreUnavailableError(`The connection to ${location} is closed`);
}

/** One connection. */
class Line {
  readonly #address: DatabaseAddress;
  #client: Promise<Client> | null = null;
  /** The client that `#client` resolved to. */
  #open: Client | null = null;
  #idle: NodeJS.Timeout | undefined;
  #closed = false;
  /** Their servers gave up waiting for a synchronous standby, and say all the same that the commit was done. */
  readonly #unconfirmed = new WeakSet<Client>();
  readonly #turns = new SerialQueue();
  #opened = 0;

  constructor(address: DatabaseAddress) {
    this.#address = address;
  }

  get isOpen(): boolean {
    return this.#client !== null;
  }

  /** How often it was opened. */
  get opened(): number {
    return this.#opened;
  }

  run(sql: string, parameters: readonly unknown[], options: StatementOptions): Promise<QueryResultRow[]> {
    return this.#turns.run(() => this.#run(sql, parameters, options));
  }

  /**
   * Runs statements on one connection. After its end they fail: on the next one, they would be no part of the transaction that
   * they belong to, and its commit would succeed with nothing to commit.
   */
  onOneConnection(): Line['run'] {
    let first: Promise<Client> | null = null;
    return (sql, parameters, options) =>
      this.#turns.run(() => {
        if (first !== null && this.#client !== first)
          return Promise.reject(new OutcomeUnknown('the connection ended within a transaction'));
        const answer = this.#run(sql, parameters, options);
        // It has begun to connect if it had to.
        first ??= this.#client;
        return answer;
      });
  }

  async #run(
    sql: string,
    parameters: readonly unknown[],
    { withinMs, space }: StatementOptions,
  ): Promise<QueryResultRow[]> {
    if (this.#closed) throw closed(this.#address);
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
      const rows = await Promise.race([answer, late]);
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
    if (this.#client === line) {
      this.#client = null;
      // Its end is told later, and concerns no connection that is made until then.
      this.#open = null;
    }
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
    this.#opened += 1;
    return client;
  }
}
