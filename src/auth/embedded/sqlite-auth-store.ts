import { chmodSync, closeSync, openSync } from 'node:fs';
import { join } from 'node:path';
import type { DatabaseSyncInstance, StatementSyncInstance } from '@photostructure/sqlite';
import { StoreUnavailableError } from '../../errors/store-errors.ts';
import { openDatabase } from '../../store/sqlite/engine.ts';
import { createFolders } from '../../util/durable-file.ts';
import type { Scope } from '../principal.ts';
import { LocalAttemptLimit } from './attempt-limit.ts';
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

/** Inside the data folder. */
export const AUTH_DATABASE = 'auth.db';
const VERSION = 1;
/** How long a process waits for another one that writes, at most. */
const BUSY_MS = 2_000;
/** Once an hour is enough to know which clients come back. */
const NOTE_USE_MS = 3_600_000;

const SCHEMA = `
  CREATE TABLE account (
    id TEXT PRIMARY KEY,
    name TEXT NOT NULL,
    folded_name TEXT NOT NULL UNIQUE,
    scope TEXT NOT NULL,
    password TEXT,
    invitation TEXT UNIQUE,
    invited_until INTEGER,
    created_at INTEGER NOT NULL,
    -- Tokens that were issued before do not count, in seconds.
    valid_from INTEGER NOT NULL
  ) STRICT;
  CREATE TABLE entry (
    kind TEXT NOT NULL,
    id TEXT NOT NULL,
    content TEXT NOT NULL,
    grant_id TEXT,
    uid TEXT,
    used_at INTEGER NOT NULL,
    expires_at INTEGER,
    PRIMARY KEY (kind, id)
  ) STRICT, WITHOUT ROWID;
  CREATE INDEX entry_grant ON entry (grant_id) WHERE grant_id IS NOT NULL;
  CREATE INDEX entry_uid ON entry (uid) WHERE uid IS NOT NULL;
  CREATE INDEX entry_expiry ON entry (expires_at) WHERE expires_at IS NOT NULL;
  CREATE INDEX entry_use ON entry (kind, used_at);
  CREATE TABLE secret (
    id TEXT PRIMARY KEY,
    kind TEXT NOT NULL,
    content TEXT NOT NULL,
    created_at INTEGER NOT NULL
  ) STRICT;
`;

const ACCOUNT = `SELECT id, name, scope, password, created_at AS createdAt, valid_from AS validFrom FROM account`;
const WHERE: Readonly<Record<AccountKey, string>> = {
  id: 'id = ?1',
  foldedName: 'folded_name = ?1',
  invitation: 'invitation = ?1 AND invited_until > ?2',
};

interface EntryRow {
  readonly content: string;
  readonly used_at: number;
}

/**
 * `auth.db` in the data folder. Only the user of this process may read it. The server and the command line may use it at
 * the same time. Attempts are counted by each process for itself.
 */
export class SqliteAuthStore implements AuthStore {
  readonly #database: DatabaseSyncInstance;
  readonly #statements = new Map<string, StatementSyncInstance>();

  /** @throws StoreUnavailableError when a newer version wrote it, or it cannot be opened */
  constructor(dataDir: string) {
    const path = join(dataDir, AUTH_DATABASE);
    try {
      createFolders(dataDir);
      // SQLite gives its other files the permissions of this one.
      closeSync(openSync(path, 'a', 0o600));
      chmodSync(path, 0o600);
      this.#database = openDatabase(path, { timeout: BUSY_MS, defensive: true });
    } catch (cause) {
      throw unavailable(path, cause);
    }
    try {
      this.#database.exec(
        'PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA secure_delete = ON; PRAGMA trusted_schema = OFF;',
      );
      this.#transaction(() => {
        this.#migrate(path);
      });
    } catch (cause) {
      this.#database.close();
      throw cause instanceof StoreUnavailableError ? cause : unavailable(path, cause);
    }
  }

  #migrate(path: string): void {
    const version = Number(this.#get('PRAGMA user_version')?.['user_version']);
    if (version > VERSION) throw unavailable(path, new Error('a newer version of faiss-memory wrote it'));
    if (version === 0) this.#database.exec(`${SCHEMA} PRAGMA user_version = ${VERSION};`);
  }

  accounts(): Promise<readonly StoredAccount[]> {
    return later(() => this.#all<StoredAccount>(`${ACCOUNT} ORDER BY folded_name`));
  }

  account(key: AccountKey, value: string): Promise<StoredAccount | undefined> {
    const parameters = key === 'invitation' ? [value, Date.now()] : [value];
    return later(() => this.#all<StoredAccount>(`${ACCOUNT} WHERE ${WHERE[key]}`, ...parameters)[0]);
  }

  addAccount(account: NewAccount, most: number): Promise<'added' | 'taken' | 'full'> {
    const { id, name, foldedName, scope, password } = account;
    return this.#later(() => {
      if (Number(this.#get('SELECT count(*) AS count FROM account')?.['count']) >= most) return 'full';
      const known = this.#get('SELECT 1 FROM account WHERE id = ? OR folded_name = ?', id, foldedName);
      if (known !== undefined) return 'taken';
      this.#forgetSignIns(id);
      const now = Date.now();
      this.#run(
        `INSERT INTO account (id, name, folded_name, scope, password, created_at, valid_from)
         VALUES (?, ?, ?, ?, ?, ?, ?)`,
        ...[id, name, foldedName, scope satisfies Scope, password, now, Math.ceil(now / 1_000)],
      );
      return 'added';
    });
  }

  setPassword(id: string, { hash, invitation }: NewPassword): Promise<boolean> {
    return this.#later(() => {
      const now = Date.now();
      const changed = this.#run(
        `UPDATE account SET password = ?1, invitation = NULL, invited_until = NULL, valid_from = max(valid_from + 1, ?2)
         WHERE id = ?3 AND (?4 IS NULL OR (invitation = ?4 AND invited_until > ?5))`,
        ...[hash, Math.ceil(now / 1_000), id, invitation ?? null, now],
      );
      if (changed) this.#forgetSignIns(id);
      return changed;
    });
  }

  replaceHash(id: string, { from, to }: { from: string; to: string }): Promise<void> {
    return later(() => {
      this.#run('UPDATE account SET password = ? WHERE id = ? AND password = ?', to, id, from);
    });
  }

  invite(id: string, { digest, lifeMs }: { digest: string; lifeMs: number }): Promise<void> {
    return later(() => {
      const until = Date.now() + lifeMs;
      this.#run('UPDATE account SET invitation = ?, invited_until = ? WHERE id = ?', digest, until, id);
    });
  }

  removeAccount(id: string): Promise<void> {
    return this.#later(() => {
      this.#run('DELETE FROM account WHERE id = ?', id);
      this.#forgetSignIns(id);
    });
  }

  #forgetSignIns(id: string): void {
    this.#run(`DELETE FROM entry WHERE content ->> '$.accountId' = ?`, id);
  }

  putEntry({ kind, key, content, grantId, uid, lifeMs }: NewEntry): Promise<void> {
    return later(() => {
      const now = Date.now();
      this.#run(
        `INSERT INTO entry (kind, id, content, grant_id, uid, used_at, expires_at) VALUES (?, ?, ?, ?, ?, ?, ?)
         ON CONFLICT (kind, id) DO UPDATE SET content = excluded.content, grant_id = excluded.grant_id,
           uid = excluded.uid, used_at = excluded.used_at, expires_at = excluded.expires_at`,
        ...[kind, key, content, grantId ?? null, uid ?? null, now],
        lifeMs === undefined ? null : now + lifeMs,
      );
    });
  }

  entry(kind: string, key: string): Promise<StoredEntry | undefined> {
    return later(() => {
      const now = Date.now();
      const [row] = this.#all<EntryRow>(
        'SELECT content, used_at FROM entry WHERE kind = ? AND id = ? AND (expires_at IS NULL OR expires_at > ?)',
        ...[kind, key, now],
      );
      if (row === undefined) return undefined;
      if (kind === 'Client' && now - row.used_at >= NOTE_USE_MS)
        this.#run('UPDATE entry SET used_at = ? WHERE kind = ? AND id = ?', now, kind, key);
      return { content: row.content };
    });
  }

  entryByUid(kind: string, uid: string): Promise<StoredEntry | undefined> {
    return later(
      () =>
        this.#all<StoredEntry>(
          'SELECT content FROM entry WHERE kind = ? AND uid = ? AND (expires_at IS NULL OR expires_at > ?)',
          ...[kind, uid, Date.now()],
        )[0],
    );
  }

  consumeEntry(kind: string, key: string): Promise<boolean> {
    return later(() =>
      this.#run(
        `UPDATE entry SET content = json_set(content, '$.consumed', ?)
         WHERE kind = ? AND id = ? AND content ->> '$.consumed' IS NULL`,
        ...[Math.floor(Date.now() / 1_000), kind, key],
      ),
    );
  }

  removeEntry(kind: string, key: string): Promise<void> {
    return later(() => {
      this.#run('DELETE FROM entry WHERE kind = ? AND id = ?', kind, key);
    });
  }

  removeGrant(grantId: string): Promise<void> {
    return later(() => {
      this.#run(`DELETE FROM entry WHERE grant_id = ?1 OR (kind = 'Grant' AND id = ?1)`, grantId);
    });
  }

  sweep(kind: string, most: number): Promise<void> {
    return this.#later(() => {
      this.#run('DELETE FROM entry WHERE expires_at <= ?', Date.now());
      this.#run(
        `DELETE FROM entry WHERE kind = ?1 AND id IN
           (SELECT id FROM entry WHERE kind = ?1 ORDER BY used_at DESC, id LIMIT -1 OFFSET ?2)`,
        ...[kind, most],
      );
    });
  }

  secrets(kind: string): Promise<readonly StoredSecret[]> {
    return later(() => this.#secrets(kind));
  }

  #secrets(kind: string): readonly StoredSecret[] {
    return this.#all<StoredSecret>(
      'SELECT id, content, created_at AS createdAt FROM secret WHERE kind = ? ORDER BY created_at DESC, id',
      kind,
    );
  }

  addSecret(
    kind: string,
    { id, content }: { id: string; content: string },
    when: 'none' | 'always',
  ): Promise<void> {
    return this.#later(() => {
      const [newest] = this.#secrets(kind);
      if (when === 'none' && newest !== undefined) return;
      // Never at the same time as another one, so that the order is certain.
      const createdAt = Math.max(Date.now(), (newest?.createdAt ?? 0) + 1);
      this.#run(
        'INSERT INTO secret (id, kind, content, created_at) VALUES (?, ?, ?, ?)',
        ...[id, kind, content, createdAt],
      );
    });
  }

  replaceSecret(id: string, { from, to }: { from: string; to: string }): Promise<void> {
    return later(() => {
      this.#run('UPDATE secret SET content = ? WHERE id = ? AND content = ?', to, id, from);
    });
  }

  removeSecret(id: string): Promise<void> {
    return later(() => {
      this.#run('DELETE FROM secret WHERE id = ?', id);
    });
  }

  attemptLimit(rule: AttemptRule): AttemptLimit {
    return new LocalAttemptLimit(rule);
  }

  close(): Promise<void> {
    return later(() => {
      this.#database.close();
    });
  }

  #later<Result>(work: () => Result): Promise<Result> {
    return later(() => this.#transaction(work));
  }

  #transaction<Result>(work: () => Result): Result {
    this.#database.exec('BEGIN IMMEDIATE');
    try {
      const result = work();
      this.#database.exec('COMMIT');
      return result;
    } catch (error) {
      if (this.#database.isTransaction) this.#database.exec('ROLLBACK');
      throw error;
    }
  }

  #statement(sql: string): StatementSyncInstance {
    const known = this.#statements.get(sql) ?? this.#database.prepare(sql);
    this.#statements.set(sql, known);
    return known;
  }

  /** The columns are those of the statement. */
  #all<Row>(sql: string, ...parameters: (string | number | null)[]): Row[] {
    return this.#statement(sql).all(...parameters) as Row[];
  }

  #get(sql: string, ...parameters: (string | number)[]): Readonly<Record<string, unknown>> | undefined {
    return this.#all<Record<string, unknown>>(sql, ...parameters)[0];
  }

  /** @returns whether a row was changed */
  #run(sql: string, ...parameters: (string | number | null)[]): boolean {
    return this.#statement(sql).run(...parameters).changes > 0;
  }
}

/** Runs it now; an error that it throws rejects. */
async function later<Result>(work: () => Result): Promise<Result> {
  return Promise.resolve(work());
}

function unavailable(path: string, cause: unknown): StoreUnavailableError {
  const reason = cause instanceof Error ? cause.message : String(cause);
  return new StoreUnavailableError(`${path} cannot be opened: ${reason}`, {
    fix: 'Check the permissions and the free space of the data folder, and that this is the newest version.',
    cause,
  });
}
