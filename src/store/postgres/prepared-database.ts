import { StoreUnavailableError } from '../../errors/store-errors.ts';
import { SerialQueue } from '../../util/concurrency.ts';
import { Database, OutcomeUnknown } from './database.ts';
import { parseDatabaseUrl } from './database-url.ts';
import { migrate } from './migrations.ts';

/** Time for one statement. */
const WITHIN = { withinMs: 5_000 };
/** How long a database that cannot be reached is not asked again: a crowd of callers would wait for each other. */
const REST_MS = 1_000;

type Row = Readonly<Record<string, unknown>>;

/** What may be done when the answer of a statement is missing. */
export type Repeat =
  /** It may run twice. */
  'harmless' | 'never';

/** The tables of this program in a database, for statements that are one transaction each. Connects with the first one. */
export class PreparedDatabase {
  readonly location: string;
  readonly #database: Database;
  readonly #schema: string;
  readonly #turns = new SerialQueue();
  #ready: Promise<void> | null = null;
  #failure: { readonly error: StoreUnavailableError; readonly at: number } | undefined;

  constructor({ url, schema }: { readonly url: string; readonly schema: string }) {
    this.#database = new Database(parseDatabaseUrl(url));
    this.#schema = schema;
    this.location = this.#database.location;
  }

  /** @throws StoreUnavailableError when the database cannot be reached, or the outcome is not known */
  run(sql: string, parameters: readonly unknown[], repeat: Repeat): Promise<readonly Row[]> {
    return this.#turns.run(async () => {
      const last = this.#failure;
      if (last !== undefined && performance.now() - last.at < REST_MS) throw last.error;
      try {
        const rows = await this.#run(sql, parameters, repeat);
        this.#failure = undefined;
        return rows;
      } catch (caught) {
        const error = caught instanceof OutcomeUnknown ? this.#unreachable(caught) : caught;
        if (error instanceof StoreUnavailableError && error.retryable)
          this.#failure = { error, at: performance.now() };
        throw error;
      }
    });
  }

  close(): Promise<void> {
    return this.#database.close();
  }

  async #run(sql: string, parameters: readonly unknown[], repeat: Repeat): Promise<readonly Row[]> {
    await this.#prepared();
    try {
      return await this.#database.run(sql, parameters, WITHIN);
    } catch (error) {
      if (!(error instanceof OutcomeUnknown) || repeat === 'never') throw error;
      // A connection that was idle may have been cut off long ago.
      return this.#database.run(sql, parameters, WITHIN);
    }
  }

  #prepared(): Promise<void> {
    this.#ready ??= migrate(this.#database, this.#schema).catch((error: unknown) => {
      this.#ready = null;
      throw error;
    });
    return this.#ready;
  }

  #unreachable(cause: Error): StoreUnavailableError {
    return new StoreUnavailableError(
      `The database ${this.location} does not answer: ${cause.message}; a change may have been stored or not`,
      {
        fix: 'Try again in a moment. If it stays so, check that PostgreSQL runs and is not overloaded.',
        retryable: true,
        cause,
      },
    );
  }
}
