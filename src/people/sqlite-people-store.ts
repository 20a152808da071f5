import { chmodSync, closeSync, existsSync, openSync } from 'node:fs';
import { dirname } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { StoreTooNewError } from '../errors/store-errors.ts';
import { Connection, Query } from '../store/sqlite/connection.ts';
import { isBusy, toStoreError } from '../store/sqlite/sqlite-errors.ts';
import { createFolders } from '../util/durable-file.ts';
import type {
  AuditLine,
  AuditPage,
  AuditQuery,
  ErasedIds,
  Membership,
  PeopleStore,
  Person,
  Role,
  Space,
  TokenFacts,
} from './people-store.ts';

/** Inside the data folder. */
export const TEAM_DATABASE = 'team.db';
const SCHEMA_VERSION = 1;
/** In lines that were written after their person was removed or erased. */
const REMOVED = 'removed';
/** In lines that are by no person. */
const PROGRAMS = ['server', 'console'];
const APPLICATION_ID = 0x666d_7465;
/** How long a call waits for a command that writes at the same time. */
const BUSY_LIMIT_MS = 10_000;
const PAUSE_MS = 5;

const SCHEMA = `
  CREATE TABLE person (id TEXT PRIMARY KEY, name TEXT NOT NULL, space TEXT NOT NULL, created INTEGER NOT NULL) STRICT;
  CREATE TABLE space (
    id TEXT PRIMARY KEY, name TEXT NOT NULL, kind TEXT NOT NULL, created INTEGER NOT NULL, removed INTEGER
  ) STRICT;
  CREATE TABLE member (
    space TEXT NOT NULL, person TEXT NOT NULL, role TEXT NOT NULL, PRIMARY KEY (space, person)
  ) STRICT, WITHOUT ROWID;
  CREATE INDEX member_person ON member (person);
  CREATE TABLE token (
    id TEXT PRIMARY KEY, person TEXT NOT NULL, name TEXT NOT NULL, hash BLOB NOT NULL, scope TEXT NOT NULL,
    created INTEGER NOT NULL, expires INTEGER, last_used TEXT
  ) STRICT;
  CREATE INDEX token_person ON token (person);
  CREATE TABLE invitation (hash BLOB PRIMARY KEY, person TEXT NOT NULL, expires INTEGER NOT NULL) STRICT;
  CREATE TABLE audit (
    number INTEGER PRIMARY KEY AUTOINCREMENT, at INTEGER NOT NULL, person TEXT NOT NULL, space TEXT NOT NULL,
    action TEXT NOT NULL, count INTEGER NOT NULL, refused TEXT NOT NULL, about TEXT NOT NULL
  ) STRICT;
  CREATE INDEX audit_space ON audit (space, number);
  CREATE INDEX audit_person ON audit (person, number);
  CREATE INDEX audit_at ON audit (at);
  INSERT INTO space VALUES ('default', 'default', 'shared', 0, NULL);
  INSERT INTO member VALUES ('default', 'server', 'owner');
`;

const tokenColumns = 'id, person, name, scope, created, expires, last_used AS lastUsed';
const queries = {
  insertPerson: new Query<[string, string, string, number]>('INSERT INTO person VALUES (?, ?, ?, ?)'),
  person: new Query<[string], Person>('SELECT * FROM person WHERE id = ?'),
  people: new Query<[], Person>('SELECT * FROM person ORDER BY id'),
  deletePerson: new Query<[string]>('DELETE FROM person WHERE id = ?'),
  insertSpace: new Query<[string, string, string, number]>('INSERT INTO space VALUES (?, ?, ?, ?, NULL)'),
  space: new Query<[string], Space>('SELECT * FROM space WHERE id = ?'),
  spaces: new Query<[], Space>('SELECT * FROM space ORDER BY id'),
  setRemoved: new Query<[number | null, string]>('UPDATE space SET removed = ? WHERE id = ?'),
  deleteSpace: new Query<[string]>('DELETE FROM space WHERE id = ?'),
  role: new Query<[string, string], { role: Role }>('SELECT role FROM member WHERE space = ? AND person = ?'),
  memberships: new Query<[string | null, string | null], Membership>(
    `SELECT member.* FROM member JOIN space ON space.id = member.space
     WHERE removed IS NULL AND space = coalesce(?1, space) AND person = coalesce(?2, person) ORDER BY space, person`,
  ),
  otherOwners: new Query<[string, string], { count: number }>(
    "SELECT count(*) AS count FROM member WHERE space = ? AND person <> ? AND role = 'owner'",
  ),
  setRole: new Query<[string, string, string]>('INSERT OR REPLACE INTO member VALUES (?, ?, ?)'),
  deleteRole: new Query<[string, string]>('DELETE FROM member WHERE space = ? AND person = ?'),
  deleteRolesOf: new Query<[string]>(
    "DELETE FROM member WHERE person = ? AND space IN (SELECT id FROM space WHERE kind = 'shared')",
  ),
  personalSpaces: new Query<[string], Space>(
    `SELECT space.* FROM space JOIN member ON member.space = space.id AND person = ? WHERE kind = 'personal'`,
  ),
  deleteMembers: new Query<[string]>('DELETE FROM member WHERE space = ?'),
  insertToken: new Query<[string, string, string, Uint8Array, string, number, number | null]>(
    'INSERT INTO token VALUES (?, ?, ?, ?, ?, ?, ?, NULL)',
  ),
  token: new Query<[string], TokenFacts & { hash: Uint8Array }>(
    `SELECT ${tokenColumns}, hash FROM token WHERE id = ?`,
  ),
  tokens: new Query<[string], TokenFacts>(
    `SELECT ${tokenColumns} FROM token WHERE person = ? ORDER BY created, id`,
  ),
  deleteToken: new Query<[string, string]>('DELETE FROM token WHERE person = ? AND id = ?'),
  deleteTokensOf: new Query<[string]>('DELETE FROM token WHERE person = ?'),
  noteUse: new Query<[string, string]>('UPDATE token SET last_used = ? WHERE id = ?'),
  insertInvitation: new Query<[Uint8Array, string, number]>('INSERT INTO invitation VALUES (?, ?, ?)'),
  invitation: new Query<[Uint8Array, number], { person: string }>(
    'SELECT person FROM invitation WHERE hash = ? AND expires > ?',
  ),
  deleteInvitation: new Query<[Uint8Array, number]>('DELETE FROM invitation WHERE hash = ? OR expires <= ?'),
  deleteInvitationsOf: new Query<[string]>('DELETE FROM invitation WHERE person = ?'),
  insertAudit: new Query<[number, string, string, string, number, string, string]>(
    'INSERT INTO audit (at, person, space, action, count, refused, about) VALUES (?, ?, ?, ?, ?, ?, ?)',
  ),
  deleteAudit: new Query<[number]>('DELETE FROM audit WHERE at < ?'),
  renamePerson: new Query<[string, string]>('UPDATE audit SET person = ? WHERE person = ?'),
  renameAbout: new Query<[string, string]>('UPDATE audit SET about = ? WHERE about = ?'),
  renameTokens: new Query<[string, string]>(
    "UPDATE audit SET about = ? WHERE person = ? AND action LIKE 'token.%'",
  ),
  renameSpace: new Query<[string, string]>('UPDATE audit SET space = ? WHERE space = ?'),
  audit: new Query<[number, string | null, string | null, number], AuditLine & { number: number }>(
    `SELECT * FROM audit WHERE number < ?1 AND space = coalesce(?2, space) AND person = coalesce(?3, person)
     ORDER BY number DESC LIMIT ?4`,
  ),
  auditOfSpace: new Query<[number, string, number], AuditLine & { number: number }>(
    'SELECT * FROM audit WHERE number < ? AND space = ? ORDER BY number DESC LIMIT ?',
  ),
};

/**
 * One SQLite file, read and written on the thread of the caller: a read takes some microseconds, and writes are rare
 * or, as those of the audit log, gathered. The file is opened, and made when it is not there, by the first call.
 */
export class SqlitePeopleStore implements PeopleStore {
  readonly #path: string;
  #open: Connection | undefined;

  constructor(path: string) {
    this.#path = path;
  }

  addPerson(person: Person, space: Space): Promise<boolean> {
    return this.#write((connection) => {
      if (queries.person.get(connection, person.id) !== undefined) return false;
      if (queries.space.get(connection, space.id) !== undefined) return false;
      queries.insertPerson.run(connection, person.id, person.name, person.space, person.created);
      insertSpace(connection, space, person.id);
      return true;
    });
  }

  person(id: string): Promise<Person | null> {
    return this.#read((connection) => plain(queries.person.get(connection, id)) ?? null);
  }

  people(): Promise<Person[]> {
    return this.#read((connection) => queries.people.all(connection).map(plain));
  }

  removePerson(id: string): Promise<void> {
    return this.#write((connection) => {
      for (const remove of [
        queries.deletePerson,
        queries.deleteTokensOf,
        queries.deleteInvitationsOf,
        queries.deleteRolesOf,
      ])
        remove.run(connection, id);
    });
  }

  personalSpaces(person: string): Promise<Space[]> {
    return this.#read((connection) => queries.personalSpaces.all(connection, person).map(plain));
  }

  addSpace(space: Space, owner: string): Promise<boolean> {
    return this.#write((connection) => {
      if (queries.space.get(connection, space.id) !== undefined) return false;
      insertSpace(connection, space, owner);
      return true;
    });
  }

  space(id: string): Promise<Space | null> {
    return this.#read((connection) => plain(queries.space.get(connection, id)) ?? null);
  }

  spaces(): Promise<Space[]> {
    return this.#read((connection) => queries.spaces.all(connection).map(plain));
  }

  setRemoved(space: string, removed: number | null): Promise<void> {
    return this.#write((connection) => {
      queries.setRemoved.run(connection, removed, space);
    });
  }

  dropSpace(id: string): Promise<void> {
    return this.#write((connection) => {
      queries.deleteSpace.run(connection, id);
      queries.deleteMembers.run(connection, id);
    });
  }

  role(space: string, person: string): Promise<Role | null> {
    return this.#read((connection) => queries.role.get(connection, space, person)?.role ?? null);
  }

  memberships({ space, person }: { space?: string; person?: string }): Promise<Membership[]> {
    return this.#read((connection) =>
      queries.memberships.all(connection, space ?? null, person ?? null).map(plain),
    );
  }

  setRole({ space, person }: Omit<Membership, 'role'>, role: Role | null): Promise<boolean> {
    return this.#write((connection) => {
      const before = queries.role.get(connection, space, person)?.role;
      const others = queries.otherOwners.get(connection, space, person)?.count ?? 0;
      if (before === 'owner' && role !== 'owner' && others === 0) return false;
      if (role === null) queries.deleteRole.run(connection, space, person);
      else queries.setRole.run(connection, space, person, role);
      return true;
    });
  }

  addToken({ id, person, name, scope, created, expires }: TokenFacts, hash: Uint8Array): Promise<void> {
    return this.#write((connection) => {
      queries.insertToken.run(connection, id, person, name, hash, scope, created, expires);
    });
  }

  token(id: string): Promise<{ facts: TokenFacts; hash: Uint8Array } | null> {
    return this.#read((connection) => {
      const found = queries.token.get(connection, id);
      if (found === undefined) return null;
      const { hash, ...facts } = found;
      return { facts, hash };
    });
  }

  tokens(person: string): Promise<TokenFacts[]> {
    return this.#read((connection) => queries.tokens.all(connection, person).map(plain));
  }

  removeToken(person: string, id: string): Promise<boolean> {
    return this.#write((connection) => queries.deleteToken.run(connection, person, id).changes > 0);
  }

  noteUse(token: string, day: string): Promise<void> {
    return this.#write((connection) => {
      queries.noteUse.run(connection, day, token);
    });
  }

  addInvitation(hash: Uint8Array, invitation: { person: string; expires: number }): Promise<void> {
    return this.#write((connection) => {
      queries.insertInvitation.run(connection, hash, invitation.person, invitation.expires);
    });
  }

  takeInvitation(hash: Uint8Array, now: number): Promise<string | null> {
    return this.#write((connection) => {
      const found = queries.invitation.get(connection, hash, now);
      queries.deleteInvitation.run(connection, hash, now);
      return found?.person ?? null;
    });
  }

  appendAudit(lines: readonly AuditLine[]): Promise<void> {
    return this.#write((connection) => {
      for (const { at, person, space, action, count, refused, about } of lines) {
        const who = isThere(connection, person) ? person : REMOVED;
        const where = queries.space.get(connection, space) === undefined ? '' : space;
        const whom = action.startsWith('member.') && !isThere(connection, about) ? REMOVED : about;
        queries.insertAudit.run(connection, at, who, where, action, count, refused, whom);
      }
    });
  }

  audit({ space, person, before = Number.MAX_SAFE_INTEGER, limit }: AuditQuery): Promise<AuditPage> {
    return this.#read((connection) => {
      const rows =
        space !== undefined && person === undefined
          ? queries.auditOfSpace.all(connection, before, space, limit)
          : queries.audit.all(connection, before, space ?? null, person ?? null, limit);
      const last = rows.length === limit ? rows.at(-1) : undefined;
      return {
        lines: rows.map(({ at, person: by, space: where, action, count, refused, about }) => ({
          ...{ at, person: by, space: where, action, count, refused, about },
        })),
        next: last?.number ?? null,
      };
    });
  }

  dropAudit(before: number): Promise<number> {
    return this.#write((connection) => queries.deleteAudit.run(connection, before).changes);
  }

  async renameInAudit({ person, spaces, tokens }: ErasedIds, pseudonym: string): Promise<number> {
    const count = await this.#write((connection) => {
      for (const id of [person, ...spaces, ...tokens]) queries.renameAbout.run(connection, pseudonym, id);
      queries.renameTokens.run(connection, pseudonym, person);
      for (const space of spaces) queries.renameSpace.run(connection, pseudonym, space);
      return queries.renamePerson.run(connection, pseudonym, person).changes;
    });
    this.#open?.emptyLog();
    return count;
  }

  close(): Promise<void> {
    this.#open?.close();
    this.#open = undefined;
    return Promise.resolve();
  }

  #read<Result>(work: (connection: Connection) => Result): Promise<Result> {
    return this.#retrying(work);
  }

  #write<Result>(work: (connection: Connection) => Result): Promise<Result> {
    return this.#retrying((connection) => connection.transaction('IMMEDIATE', () => work(connection)));
  }

  /** Another process may write at the moment. */
  async #retrying<Result>(work: (connection: Connection) => Result): Promise<Result> {
    const start = performance.now();
    for (;;) {
      try {
        this.#open ??= openFile(this.#path);
        return work(this.#open);
      } catch (error) {
        const waited = Math.round(performance.now() - start);
        if (!isBusy(error) || waited > BUSY_LIMIT_MS) throw toStoreError(error, this.#path, waited);
        await delay(Math.random() * PAUSE_MS);
      }
    }
  }
}

function isThere(connection: Connection, person: string): boolean {
  return PROGRAMS.includes(person) || queries.person.get(connection, person) !== undefined;
}

function insertSpace(connection: Connection, { id, name, kind, created }: Space, owner: string): void {
  queries.insertSpace.run(connection, id, name, kind, created);
  queries.setRole.run(connection, id, owner, 'owner');
}

/** Rows of SQLite have no prototype. */
function plain<Row extends object | undefined>(row: Row): Row {
  return row === undefined ? row : { ...row };
}

function openFile(path: string): Connection {
  createFolders(dirname(path));
  // SQLite gives the files beside it the mode of this one.
  if (!existsSync(path)) closeSync(openSync(path, 'a', 0o600));
  else chmodSync(path, 0o600);
  const connection = new Connection(path);
  try {
    connection.exec('PRAGMA journal_mode = WAL');
    connection.transaction('IMMEDIATE', () => {
      const found = connection.integerPragma('user_version');
      if (found > SCHEMA_VERSION) throw new StoreTooNewError(path, found, SCHEMA_VERSION);
      if (found === 0)
        connection.exec(
          `${SCHEMA} PRAGMA application_id = ${APPLICATION_ID}; PRAGMA user_version = ${SCHEMA_VERSION};`,
        );
    });
    return connection;
  } catch (error) {
    connection.close();
    throw error;
  }
}
