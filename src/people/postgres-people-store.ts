import type { QueryResultRow } from 'pg';
import { StoreUnavailableError } from '../errors/store-errors.ts';
import { OutcomeUnknown } from '../store/postgres/database.ts';
import { type PreparedDatabase, QUICK } from '../store/postgres/prepared-database.ts';
import { KnownCallers, toPerson, toSpace, toToken } from './known-callers.ts';
import { type PeopleStatements, peopleStatements, storable } from './people-statements.ts';
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

const LONG = { withinMs: 30_000 };

type Row = QueryResultRow;
type Statement = (sql: string, parameters?: readonly unknown[]) => Promise<Row[]>;

/**
 * People and spaces in PostgreSQL, for all servers of a team. Questions of a request (`person`, `space`, `role`,
 * `token`) are asked together, in one round trip, and their answers count for a second: see `KnownCallers`. All other
 * reads see every write that was acknowledged before, and so do the reads of the process that wrote.
 */
export class PostgresPeopleStore implements PeopleStore {
  readonly #database: PreparedDatabase;
  readonly #statements: PeopleStatements;
  readonly #known: KnownCallers;

  /** @param database closed with the store */
  constructor(database: PreparedDatabase) {
    this.#database = database;
    this.#statements = peopleStatements(database.schema);
    this.#known = new KnownCallers((sql, parameters) => database.run(sql, parameters), this.#statements);
  }

  addPerson({ id, name, space, created }: Person, own: Space): Promise<boolean> {
    const { lockIds, findIds, addPerson } = this.#statements;
    return this.#together(async (statement) => {
      await statement(lockIds);
      if ((await statement(findIds, [id, own.id])).length > 0) return false;
      await statement(addPerson, [id, name, space, created]);
      return this.#insertSpace(statement, own, id);
    });
  }

  async person(id: string): Promise<Person | null> {
    return (await this.#known.person(id)).person;
  }

  async people(): Promise<Person[]> {
    return (await this.#database.run(this.#statements.people, [])).map(toPerson);
  }

  async removePerson(id: string): Promise<void> {
    await this.#write(this.#statements.removePerson, [id]);
  }

  async personalSpaces(person: string): Promise<Space[]> {
    return (await this.#read(this.#statements.personalSpaces, [person])).map(toSpace);
  }

  addSpace(space: Space, owner: string): Promise<boolean> {
    return this.#together(async (statement) => {
      await statement(this.#statements.lockIds);
      return this.#insertSpace(statement, space, owner);
    });
  }

  async #insertSpace(statement: Statement, space: Space, owner: string): Promise<boolean> {
    const { id, name, kind, created } = space;
    return (await statement(this.#statements.addSpace, [id, name, kind, created, owner])).length === 1;
  }

  space(id: string): Promise<Space | null> {
    return this.#known.space(id);
  }

  async spaces(): Promise<Space[]> {
    return (await this.#database.run(this.#statements.spaces, [])).map(toSpace);
  }

  async setRemoved(space: string, removed: number | null, before: number | null): Promise<boolean> {
    return (await this.#write(this.#statements.setRemoved, [space, removed, before])).length === 1;
  }

  async dropSpace({ id, removed }: RemovedSpace): Promise<void> {
    await this.#write(this.#statements.dropSpace, [id, removed]);
  }

  async role(space: string, person: string): Promise<Role | null> {
    return this.#known.role(space, person);
  }

  async memberships({ space, person }: { space?: string; person?: string }): Promise<Membership[]> {
    const rows = await this.#read(this.#statements.memberships, [space ?? null, person ?? null]);
    return rows.map(toMembership);
  }

  /** Two servers that take a role each must not leave a space without an owner, so they take turns. */
  setRole({ space, person }: Omit<Membership, 'role'>, role: Role | null): Promise<boolean> {
    const { lockSpace, lacksOwner, setRole, deleteRole } = this.#statements;
    return this.#together(async (statement) => {
      await statement(lockSpace, [space]);
      if (role !== 'owner' && (await statement(lacksOwner, [space, person])).length > 0) return false;
      if (role === null) await statement(deleteRole, [space, person]);
      else await statement(setRole, [space, person, role]);
      return true;
    });
  }

  async addToken({ id, person, name, scope, created, expires }: TokenFacts, hash: Uint8Array): Promise<void> {
    const { addToken } = this.#statements;
    await this.#write(addToken, [id, person, name, Buffer.from(hash), scope, created, expires]);
  }

  token(id: string): Promise<{ facts: TokenFacts; hash: Uint8Array } | null> {
    return this.#known.token(id);
  }

  async tokens(person: string): Promise<TokenFacts[]> {
    return (await this.#read(this.#statements.tokens, [person])).map(toToken);
  }

  async removeToken(person: string, id: string): Promise<boolean> {
    return (await this.#write(this.#statements.removeToken, [person, id])).length === 1;
  }

  async noteUse(token: string, day: string): Promise<void> {
    this.#known.noteUse(token, day);
    await this.#database.run(this.#statements.noteUse, [token, day]);
  }

  async addInvitation(hash: Uint8Array, invitation: { person: string; expires: number }): Promise<void> {
    const { addInvitation } = this.#statements;
    await this.#write(addInvitation, [Buffer.from(hash), invitation.person, invitation.expires]);
  }

  async takeInvitation(hash: Uint8Array, now: number): Promise<string | null> {
    const rows = await this.#write(this.#statements.takeInvitation, [Buffer.from(hash), now]);
    const taken = rows.find((row) => row['asked'] === true && row['valid'] === true);
    return taken === undefined ? null : String(taken['person']);
  }

  appendAudit(lines: readonly AuditLine[]): Promise<void> {
    return this.#append(this.#statements.appendAudit, lines);
  }

  async audit({ space, person, before, limit }: AuditQuery): Promise<AuditPage> {
    const rows = await this.#read(this.#statements.audit, [
      ...[before ?? Number.MAX_SAFE_INTEGER, space ?? null, person ?? null, limit],
    ]);
    const last = rows.length === limit ? rows.at(-1) : undefined;
    return { lines: rows.map(toLine), next: last === undefined ? null : Number(last['number']) };
  }

  async dropAudit(before: number): Promise<number> {
    const rows = await this.#database.run(this.#statements.dropAudit, [before], LONG);
    return Number(rows[0]?.['count'] ?? 0);
  }

  /** Old copies of the rows leave the files of the database with its next `VACUUM`. */
  renameInAudit({ person, spaces, tokens }: ErasedIds, pseudonym: string): Promise<number> {
    const { renameAbout, renameTokens, renameSpaces, renamePerson } = this.#statements;
    return this.#together(async (statement) => {
      await statement(renameAbout, [pseudonym, [person, ...spaces, ...tokens]]);
      await statement(renameTokens, [pseudonym, person]);
      await statement(renameSpaces, [pseudonym, spaces]);
      return Number((await statement(renamePerson, [pseudonym, person]))[0]?.['count'] ?? 0);
    });
  }

  async facts(): Promise<PeopleFacts> {
    const [row] = await this.#database.run(this.#statements.facts, [], LONG);
    const list = (name: string): Row[] => (row?.[name] ?? []) as Row[];
    return {
      people: list('person').map(toPerson),
      spaces: list('space').map(toSpace),
      members: list('member').map(toMembership),
      tokens: list('token').map((token) => ({ ...toToken(token), hash: String(token['hash']) })),
      invitations: list('invitation').map(({ hash, person, expires }) => ({
        ...{ hash: String(hash), person: String(person), expires: Number(expires) },
      })),
    };
  }

  load({ people, spaces, members, tokens, invitations }: PeopleFacts): Promise<boolean> {
    const lists = [people, spaces, members, tokens, invitations].map((list) => JSON.stringify(list));
    const { lockAll, people: selectPeople, spaces: selectSpaces, clear, load } = this.#statements;
    return this.#together(async (statement) => {
      await statement(lockAll);
      const there = [await statement(selectPeople), await statement(selectSpaces)];
      if ((there[0]?.length ?? 0) > 0 || (there[1]?.length ?? 0) > 1) return false;
      await statement(clear);
      await statement(load, lists);
      return true;
    });
  }

  async auditFrom(after: number, limit: number): Promise<{ lines: AuditLine[]; last: number }> {
    const rows = await this.#database.run(this.#statements.auditFrom, [after, limit], LONG);
    return { lines: rows.map(toLine), last: Number(rows.at(-1)?.['number'] ?? after) };
  }

  loadAudit(lines: readonly AuditLine[]): Promise<void> {
    return this.#append(this.#statements.loadAudit, lines);
  }

  close(): Promise<void> {
    return this.#database.close();
  }

  async #append(sql: string, lines: readonly AuditLine[]): Promise<void> {
    const numbered = JSON.stringify(lines.map((line, place) => ({ ...line, place })));
    const stored = numbered.replaceAll('\\u0000', '\\ufffd');
    // Nothing that is known of callers changes.
    await this.#once(() => this.#database.change(sql, [stored], LONG));
  }

  async #read(sql: string, parameters: readonly unknown[]): Promise<Row[]> {
    return this.#database.run(sql, parameters.map(storable));
  }

  #write(sql: string, parameters: readonly unknown[]): Promise<Row[]> {
    return this.#changing(() => this.#database.change(sql, parameters.map(storable)));
  }

  #together<Result>(work: (statement: Statement) => Promise<Result>): Promise<Result> {
    return this.#changing(() => this.#database.transaction(work, QUICK));
  }

  async #changing<Result>(work: () => Promise<Result>): Promise<Result> {
    this.#known.forget();
    try {
      return await this.#once(work);
    } finally {
      this.#known.forget();
    }
  }

  async #once<Result>(work: () => Promise<Result>): Promise<Result> {
    try {
      return await work();
    } catch (error) {
      if (!(error instanceof OutcomeUnknown)) throw error;
      throw new StoreUnavailableError(
        `The connection to the database ${this.#database.location} was lost while a change was being stored`,
        { fix: 'Check whether the change was stored before you repeat it.', retryable: true, cause: error },
      );
    }
  }
}

function toMembership({ space, person, role }: Row): Membership {
  // The table allows no other roles.
  return { space: String(space), person: String(person), role: role as Role };
}

function toLine({ at, person, space, action, count, refused, about }: Row): AuditLine {
  return {
    ...{ at: Number(at), person: String(person), space: String(space), action: String(action) },
    ...{ count: Number(count), refused: String(refused), about: String(about) },
  };
}
