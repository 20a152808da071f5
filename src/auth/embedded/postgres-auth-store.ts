import { randomUUID } from 'node:crypto';
import { StoreUnavailableError } from '../../errors/store-errors.ts';
import { OutcomeUnknown } from '../../store/postgres/database.ts';
import { type DatabasePlace, PreparedDatabase } from '../../store/postgres/prepared-database.ts';
import { SerialQueue } from '../../util/concurrency.ts';
import { secretDigest } from '../../util/secret-string.ts';
import { isScope } from '../principal.ts';
import type {
  AccountKey,
  AttemptLimit,
  AttemptRule,
  AuthStore,
  NewAccount,
  NewEntry,
  NewPassword,
  StoredAccount,
  StoredEntry,
  StoredSecret,
} from './auth-store.ts';
import { type SignInStatements, signInStatements } from './postgres-auth-statements.ts';

type Row = Readonly<Record<string, unknown>>;

/** Longer keys are kept as digests: an index of PostgreSQL takes a third of a page. */
const LONGEST_KEY = 500;
/** How long a database that cannot be reached is not asked again. */
const REST_MS = 1_000;

/**
 * Tables of a database that several servers share. Every time is of the database's clock, so that the clocks of the
 * servers may differ.
 */
export class PostgresAuthStore implements AuthStore {
  readonly #database: PreparedDatabase;
  readonly #statements: SignInStatements;
  readonly #turns = new SerialQueue();
  #failure: { readonly error: StoreUnavailableError; readonly at: number } | undefined;

  constructor(place: DatabasePlace) {
    this.#database = new PreparedDatabase(place);
    this.#statements = signInStatements(place.schema);
  }

  async accounts(): Promise<readonly StoredAccount[]> {
    return (await this.#read(this.#statements.accounts, [])).map(toAccount);
  }

  async account(key: AccountKey, value: string): Promise<StoredAccount | undefined> {
    // PostgreSQL has no such text.
    if (value.includes('\0')) return undefined;
    const [row] = await this.#read(this.#statements.account[key], [value]);
    return row === undefined ? undefined : toAccount(row);
  }

  async addAccount(account: NewAccount, most: number): Promise<'added' | 'taken' | 'full'> {
    const { id, name, foldedName, scope, password } = account;
    const [row] = await this.#change(this.#statements.addAccount, [
      ...[id, name, foldedName, scope, password, most],
    ]);
    if (row?.['room'] !== true) return 'full';
    return row['added'] === true ? 'added' : 'taken';
  }

  async setPassword(id: string, { hash, invitation }: NewPassword): Promise<boolean> {
    return (await this.#change(this.#statements.setPassword, [id, hash, invitation ?? null])).length === 1;
  }

  async replaceHash(id: string, { from, to }: { from: string; to: string }): Promise<void> {
    await this.#read(this.#statements.replaceHash, [id, from, to]);
  }

  async invite(id: string, { digest, lifeMs }: { digest: string; lifeMs: number }): Promise<void> {
    await this.#read(this.#statements.invite, [id, digest, lifeMs]);
  }

  async removeAccount(id: string): Promise<void> {
    await this.#read(this.#statements.removeAccount, [id]);
  }

  async putEntry({ kind, key, content, accountId, grantId, uid, lifeMs }: NewEntry): Promise<void> {
    const references = [accountId ?? null, grantId ?? null, uid ?? null];
    await this.#read(this.#statements.putEntry, [kind, keyOf(key), content, ...references, lifeMs ?? null]);
  }

  async entry(kind: string, key: string): Promise<StoredEntry | undefined> {
    const [row] = await this.#read(this.#statements.entry, [kind, keyOf(key)]);
    if (row === undefined) return undefined;
    if (row['forgotten'] === true) await this.#read(this.#statements.noteUse, [kind, keyOf(key)]);
    return toEntry(row);
  }

  async entryByUid(kind: string, uid: string): Promise<StoredEntry | undefined> {
    if (uid.includes('\0')) return undefined;
    const [row] = await this.#read(this.#statements.entryByUid, [kind, uid]);
    return row === undefined ? undefined : toEntry(row);
  }

  /** The caller has a name of its own, so that the same call may run twice when its answer is lost. */
  async consumeEntry(kind: string, key: string): Promise<boolean> {
    const rows = await this.#read(this.#statements.consumeEntry, [kind, keyOf(key), randomUUID()]);
    return rows.length === 1;
  }

  async removeEntry(kind: string, key: string): Promise<void> {
    await this.#read(this.#statements.removeEntry, [kind, keyOf(key)]);
  }

  async removeGrant(grantId: string): Promise<void> {
    await this.#read(this.#statements.removeGrant, [grantId]);
  }

  async sweep(kind: string, most: number): Promise<void> {
    await this.#read(this.#statements.sweep, [kind, most]);
  }

  async secrets(kind: string): Promise<readonly StoredSecret[]> {
    return (await this.#read(this.#statements.secrets, [kind])).map((row) => ({
      id: String(row['id']),
      content: String(row['content']),
      createdAt: Number(row['created_at']),
    }));
  }

  async addSecret(
    kind: string,
    { id, content }: { id: string; content: string },
    when: 'none' | 'always',
  ): Promise<void> {
    await this.#read(this.#statements.addSecret, [kind, id, content, when === 'always']);
  }

  async replaceSecret(id: string, { from, to }: { from: string; to: string }): Promise<void> {
    await this.#read(this.#statements.replaceSecret, [id, from, to]);
  }

  async removeSecret(id: string): Promise<void> {
    await this.#read(this.#statements.removeSecret, [id]);
  }

  attemptLimit({ name, most, windowMs }: AttemptRule): AttemptLimit {
    // Names may be anything that was typed, and say who tried.
    const digest = (key: string): string => secretDigest(`${name} ${key}`).toString('base64url');
    return {
      take: async (key) => {
        const [row] = await this.#read(this.#statements.takeAttempt, [digest(key), most, windowMs]);
        return Number(row?.['wait']);
      },
      takeBack: async (key) => {
        await this.#read(this.#statements.takeBackAttempt, [digest(key)]);
      },
    };
  }

  close(): Promise<void> {
    return this.#database.close();
  }

  /** A statement that has the same effect when it runs twice. */
  #read(sql: string, parameters: readonly unknown[]): Promise<readonly Row[]> {
    return this.#reached(() => this.#database.run(sql, parameters));
  }

  #change(sql: string, parameters: readonly unknown[]): Promise<readonly Row[]> {
    return this.#reached(() => this.#database.change(sql, parameters));
  }

  /** One after the other: a crowd of callers must not wait, each in turn, for a database that cannot be reached. */
  #reached(work: () => Promise<readonly Row[]>): Promise<readonly Row[]> {
    return this.#turns.run(async () => {
      const last = this.#failure;
      if (last !== undefined && performance.now() - last.at < REST_MS) throw last.error;
      try {
        const rows = await work();
        this.#failure = undefined;
        return rows;
      } catch (caught) {
        const error = caught instanceof OutcomeUnknown ? this.#database.unreachable(caught) : caught;
        if (error instanceof StoreUnavailableError && error.retryable)
          this.#failure = { error, at: performance.now() };
        throw error;
      }
    });
  }
}

function keyOf(key: string): string {
  if (key.length <= LONGEST_KEY && !key.includes('\0')) return key;
  return `sha256 ${secretDigest(key).toString('base64url')}`;
}

function toAccount(row: Row): StoredAccount {
  const { password } = row;
  const scope = String(row['scope']);
  return {
    id: String(row['id']),
    name: String(row['name']),
    // A word that a newer program wrote allows the least.
    scope: isScope(scope) ? scope : 'memory:read',
    password: typeof password === 'string' ? password : null,
    createdAt: Number(row['created_at']),
    validFrom: Number(row['valid_from']),
  };
}

function toEntry(row: Row): StoredEntry {
  const { consumed_at: consumed, left_ms: left } = row;
  return {
    content: String(row['content']),
    consumedAt: consumed === null ? undefined : Number(consumed),
    leftMs: left === null ? undefined : Number(left),
  };
}
