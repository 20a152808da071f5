import { chmodSync, closeSync, existsSync, openSync } from 'node:fs';
import { dirname } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { StoreTooNewError } from '../errors/store-errors.ts';
import { Connection } from '../store/sqlite/connection.ts';
import { isBusy, toStoreError } from '../store/sqlite/sqlite-errors.ts';
import { createFolders } from '../util/durable-file.ts';
import type {
  AuditLine,
  AuditPage,
  AuditQuery,
  ErasedIds,
  Membership,
  PeopleFacts,
  PeopleStore,
  Person,
  RemovedSpace,
  Role,
  Space,
  TokenFacts,
} from './people-store.ts';
import { PEOPLE_SCHEMA, queries } from './sqlite-people-queries.ts';

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

  setRemoved(space: string, removed: number | null, before: number | null): Promise<boolean> {
    return this.#write(
      (connection) => queries.setRemoved.run(connection, removed, space, before).changes > 0,
    );
  }

  dropSpace({ id, removed }: RemovedSpace): Promise<void> {
    return this.#write((connection) => {
      if (queries.deleteSpace.run(connection, id, removed).changes > 0)
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

  addToken(facts: TokenFacts, hash: Uint8Array): Promise<void> {
    return this.#write((connection) => {
      insertToken(connection, { ...facts, lastUsed: null }, hash);
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
        lines: rows.map(lineOf),
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

  facts(): Promise<PeopleFacts> {
    return this.#read((connection) => ({
      people: queries.people.all(connection).map(plain),
      spaces: queries.spaces.all(connection).map(plain),
      members: queries.allMembers.all(connection).map(plain),
      tokens: queries.allTokens.all(connection).map(plain),
      invitations: queries.allInvitations.all(connection).map(plain),
    }));
  }

  load({ people, spaces, members, tokens, invitations }: PeopleFacts): Promise<boolean> {
    return this.#write((connection) => {
      if (queries.people.all(connection).length > 0 || queries.spaces.all(connection).length > 1)
        return false;
      connection.exec('DELETE FROM space; DELETE FROM member;');
      for (const { id, name, space, created } of people)
        queries.insertPerson.run(connection, id, name, space, created);
      for (const { id, name, kind, created, removed } of spaces) {
        queries.insertSpace.run(connection, id, name, kind, created);
        queries.setRemoved.run(connection, removed, id, null);
      }
      for (const { space, person, role } of members) queries.setRole.run(connection, space, person, role);
      for (const { hash, ...facts } of tokens) insertToken(connection, facts, Buffer.from(hash, 'hex'));
      for (const { hash, person, expires } of invitations)
        queries.insertInvitation.run(connection, Buffer.from(hash, 'hex'), person, expires);
      return true;
    });
  }

  auditFrom(after: number, limit: number): Promise<{ lines: AuditLine[]; last: number }> {
    return this.#read((connection) => {
      const rows = queries.auditFrom.all(connection, after, limit);
      return { lines: rows.map(lineOf), last: rows.at(-1)?.number ?? after };
    });
  }

  loadAudit(lines: readonly AuditLine[]): Promise<void> {
    return this.#write((connection) => {
      for (const { at, person, space, action, count, refused, about } of lines)
        queries.insertAudit.run(connection, at, person, space, action, count, refused, about);
    });
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

function insertToken(connection: Connection, token: TokenFacts, hash: Uint8Array): void {
  const { id, person, name, scope, created, expires, lastUsed } = token;
  queries.insertToken.run(connection, id, person, name, hash, scope, created, expires);
  if (lastUsed !== null) queries.noteUse.run(connection, lastUsed, id);
}

/** Without its number. */
function lineOf({ at, person, space, action, count, refused, about }: AuditLine): AuditLine {
  return { at, person, space, action, count, refused, about };
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
          `${PEOPLE_SCHEMA} PRAGMA application_id = ${APPLICATION_ID}; PRAGMA user_version = ${SCHEMA_VERSION};`,
        );
    });
    return connection;
  } catch (error) {
    connection.close();
    throw error;
  }
}
