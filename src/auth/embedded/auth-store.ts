import { randomBytes } from 'node:crypto';
import { chmodSync, closeSync, openSync } from 'node:fs';
import { join } from 'node:path';
import type { DatabaseSyncInstance, StatementSyncInstance } from '@photostructure/sqlite';
import { StoreUnavailableError } from '../../errors/store-errors.ts';
import { openDatabase } from '../../store/sqlite/engine.ts';
import { createFolders } from '../../util/durable-file.ts';

/** Inside the data folder. */
export const AUTH_DATABASE = 'auth.db';
const VERSION = 1;
/** How long a process waits for another one that writes, at most. */
const BUSY_MS = 2_000;

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

/**
 * The database of the authorization server, `auth.db` in the data folder: accounts, grants and signing keys. Only the
 * user of this process may read it. The server and the command line may use it at the same time.
 */
export class AuthStore {
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
      this.transaction(() => {
        this.#migrate(path);
      });
    } catch (cause) {
      this.#database.close();
      throw cause instanceof StoreUnavailableError ? cause : unavailable(path, cause);
    }
  }

  #migrate(path: string): void {
    const { user_version: version } = this.statement('PRAGMA user_version').get() as { user_version: number };
    if (version > VERSION) throw unavailable(path, new Error('a newer version of faiss-memory wrote it'));
    if (version === 0) this.#database.exec(`${SCHEMA} PRAGMA user_version = ${VERSION};`);
  }

  statement(sql: string): StatementSyncInstance {
    const known = this.#statements.get(sql) ?? this.#database.prepare(sql);
    this.#statements.set(sql, known);
    return known;
  }

  transaction<Result>(work: () => Result): Result {
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

  /** Secrets of a kind, the newest first. */
  secrets(kind: string): readonly StoredSecret[] {
    const rows = this.statement(
      'SELECT id, content, created_at FROM secret WHERE kind = ? ORDER BY created_at DESC, id',
    );
    return (rows.all(kind) as unknown as SecretRow[]).map(({ id, content, created_at: createdAt }) => ({
      id,
      content,
      createdAt,
    }));
  }

  addSecret(kind: string, { id, content, createdAt }: StoredSecret): void {
    this.statement('INSERT INTO secret (id, kind, content, created_at) VALUES (?, ?, ?, ?)').run(
      id,
      kind,
      content,
      createdAt,
    );
  }

  removeSecret(id: string): void {
    this.statement('DELETE FROM secret WHERE id = ?').run(id);
  }

  close(): void {
    this.#database.close();
  }
}

export interface StoredSecret {
  readonly id: string;
  readonly content: string;
  /** Milliseconds. */
  readonly createdAt: number;
}

interface SecretRow {
  readonly id: string;
  readonly content: string;
  readonly created_at: number;
}

/** A secret that signs the cookies of the pages, made at the first use. */
export function cookieSecrets(store: AuthStore): readonly string[] {
  return store.transaction(() => {
    const known = store.secrets('cookie').map(({ content }) => content);
    if (known.length > 0) return known;
    const content = randomBytes(32).toString('base64url');
    store.addSecret('cookie', { id: randomBytes(8).toString('hex'), content, createdAt: Date.now() });
    return [content];
  });
}

function unavailable(path: string, cause: unknown): StoreUnavailableError {
  const reason = cause instanceof Error ? cause.message : String(cause);
  return new StoreUnavailableError(`${path} cannot be opened: ${reason}`, {
    fix: 'Check the permissions and the free space of the data folder, and that this is the newest version.',
    cause,
  });
}
