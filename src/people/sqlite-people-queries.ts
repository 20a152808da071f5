import { Query } from '../store/sqlite/connection.ts';
import type { AuditLine, Membership, Person, Role, Space, TokenFacts } from './people-store.ts';

/** Version 1. */
export const PEOPLE_SCHEMA = `
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
export const queries = {
  insertPerson: new Query<[string, string, string, number]>('INSERT INTO person VALUES (?, ?, ?, ?)'),
  person: new Query<[string], Person>('SELECT * FROM person WHERE id = ?'),
  people: new Query<[], Person>('SELECT * FROM person ORDER BY id'),
  deletePerson: new Query<[string]>('DELETE FROM person WHERE id = ?'),
  insertSpace: new Query<[string, string, string, number]>('INSERT INTO space VALUES (?, ?, ?, ?, NULL)'),
  space: new Query<[string], Space>('SELECT * FROM space WHERE id = ?'),
  spaces: new Query<[], Space>('SELECT * FROM space ORDER BY id'),
  setRemoved: new Query<[number | null, string, number | null]>(
    'UPDATE space SET removed = ? WHERE id = ? AND removed IS ?',
  ),
  deleteSpace: new Query<[string, number]>('DELETE FROM space WHERE id = ? AND removed = ?'),
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
  allMembers: new Query<[], Membership>('SELECT * FROM member ORDER BY space, person'),
  allTokens: new Query<[], TokenFacts & { hash: string }>(
    `SELECT ${tokenColumns}, lower(hex(hash)) AS hash FROM token ORDER BY id`,
  ),
  allInvitations: new Query<[], { hash: string; person: string; expires: number }>(
    'SELECT lower(hex(hash)) AS hash, person, expires FROM invitation ORDER BY hash',
  ),
  auditFrom: new Query<[number, number], AuditLine & { number: number }>(
    'SELECT * FROM audit WHERE number > ? ORDER BY number LIMIT ?',
  ),
  auditOfSpace: new Query<[number, string, number], AuditLine & { number: number }>(
    'SELECT * FROM audit WHERE number < ? AND space = ? ORDER BY number DESC LIMIT ?',
  ),
};
