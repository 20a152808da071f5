import { randomBytes } from 'node:crypto';
import { UsageError } from '../../errors/input-errors.ts';
import { visibleLine } from '../../util/visible-text.ts';
import { type Scope, withIncluded } from '../principal.ts';
import { secretDigest } from '../../util/secret-string.ts';
import type { AuthStore } from './auth-store.ts';
import { hashPassword, isPassword, needsNewHash, passwordProblem } from './passwords.ts';

/** How long an invitation counts. */
const INVITED_MS = 3 * 86_400_000;
const LONGEST_NAME = 64;
const MOST_ACCOUNTS = 10_000;

/** Somebody who can sign in at the authorization server in this program. */
export interface Account {
  /** Stable; the person of the principal. Random, or the id of a person of a team. */
  readonly id: string;
  readonly name: string;
  /** The most that the person may allow a client. */
  readonly scope: Scope;
  /** False = invited, and no password is chosen yet. */
  readonly hasPassword: boolean;
  /** Milliseconds. */
  readonly createdAt: number;
  /** Tokens that were issued before do not count, in seconds. */
  readonly validFrom: number;
}

interface AccountRow {
  readonly id: string;
  readonly name: string;
  readonly scope: Scope;
  readonly password: string | null;
  readonly created_at: number;
  readonly valid_from: number;
}

const COLUMNS = 'id, name, scope, password, created_at, valid_from';

export class Accounts {
  readonly #store: AuthStore;

  constructor(store: AuthStore) {
    this.#store = store;
  }

  list(): Account[] {
    const rows = this.#store.statement(`SELECT ${COLUMNS} FROM account ORDER BY folded_name`).all();
    return (rows as unknown as AccountRow[]).map(toAccount);
  }

  find(id: string): Account | undefined {
    const row = this.#store.statement(`SELECT ${COLUMNS} FROM account WHERE id = ?`).get(id) as
      AccountRow | undefined;
    return row === undefined ? undefined : toAccount(row);
  }

  /** @throws UsageError when the name is taken or not allowed, or the password is */
  async add(name: string, { password, scope }: { password: string; scope: Scope }): Promise<Account> {
    const hash = await hashPassword(checkedPassword(password));
    return this.#insert(name, { scope, hash });
  }

  /** @returns the account, and the secret part of the invitation's address */
  invite(name: string, scope: Scope): { readonly account: Account; readonly invitation: string } {
    const account = this.#insert(name, { scope, hash: null });
    return { account, invitation: this.#createInvitation(account.id) };
  }

  /** A new invitation for somebody who has an account, also when the password is forgotten. */
  inviteAgain(name: string): { readonly account: Account; readonly invitation: string } {
    const account = this.named(name);
    return { account, invitation: this.#createInvitation(account.id) };
  }

  /**
   * An invitation for a person of a team, whose account is made if there is none: its id is the person's id, and so is
   * the name that the person types.
   * @returns the secret part of the invitation's address
   * @throws UsageError when another account has the name
   */
  invitePerson(id: string, lastingMs: number): string {
    if (this.find(id) === undefined) this.#insert(id, { id, scope: 'memory:admin', hash: null });
    return this.#createInvitation(id, lastingMs);
  }

  /** @throws UsageError when an account has the name, or it is not allowed */
  requireFree(name: string): void {
    if (this.#rowNamed(checkedName(name)) !== undefined) {
      throw new UsageError(
        `${JSON.stringify(name)} has an account already`,
        'Choose another name, or remove that account with "faiss-memory account remove".',
      );
    }
  }

  /** True when somebody signs in with the name, however it is written. */
  has(name: string): boolean {
    return this.#rowNamed(name) !== undefined;
  }

  /** @throws UsageError when nobody has the name */
  named(name: string): Account {
    const row = this.#rowNamed(name);
    if (row !== undefined) return toAccount(row);
    throw new UsageError(
      `Nobody is called ${JSON.stringify(visibleLine(name))}`,
      '"faiss-memory account list" shows the names.',
    );
  }

  /** Ends all sign-ins of the person. @throws UsageError when the password is not allowed */
  async setPassword(id: string, password: string): Promise<void> {
    const hash = await hashPassword(checkedPassword(password));
    this.#store.transaction(() => {
      this.#store
        .statement(
          'UPDATE account SET password = ?, invitation = NULL, invited_until = NULL, valid_from = ? WHERE id = ?',
        )
        .run(hash, Math.ceil(Date.now() / 1_000), id);
      this.#forgetSignIns(id);
    });
  }

  /** Ends all sign-ins of the person. */
  remove(id: string): void {
    this.#store.transaction(() => {
      this.#store.statement('DELETE FROM account WHERE id = ?').run(id);
      this.#forgetSignIns(id);
    });
  }

  /** @returns undefined for a wrong name or password, after the same time */
  async check(name: string, password: string): Promise<Account | undefined> {
    const row = this.#rowNamed(name);
    if (!(await isPassword(password, row?.password ?? null))) return undefined;
    if (row?.password == null) return undefined;
    if (needsNewHash(row.password)) {
      const hash = await hashPassword(password);
      this.#store
        .statement('UPDATE account SET password = ? WHERE id = ? AND password = ?')
        .run(hash, row.id, row.password);
    }
    return toAccount(row);
  }

  /** Whose invitation it is; undefined when it does not count, or not any more. */
  invited(invitation: string): Account | undefined {
    const row = this.#store
      .statement(`SELECT ${COLUMNS} FROM account WHERE invitation = ? AND invited_until > ?`)
      .get(secretDigest(invitation).toString('base64url'), Date.now()) as AccountRow | undefined;
    return row === undefined ? undefined : toAccount(row);
  }

  #rowNamed(name: string): AccountRow | undefined {
    const row = this.#store
      .statement(`SELECT ${COLUMNS} FROM account WHERE folded_name = ?`)
      .get(folded(name)) as AccountRow | undefined;
    return row;
  }

  #insert(
    name: string,
    { scope, hash, id = randomBytes(16).toString('hex') }: { scope: Scope; hash: string | null; id?: string },
  ): Account {
    const checked = checkedName(name);
    const now = Date.now();
    const validFrom = hash === null ? Math.ceil(now / 1_000) : Math.floor(now / 1_000);
    this.#store.transaction(() => {
      const { count } = this.#store.statement('SELECT count(*) AS count FROM account').get() as {
        count: number;
      };
      if (count >= MOST_ACCOUNTS) {
        throw new UsageError(`There are ${count} accounts, the most possible`, 'Use an identity provider.');
      }
      this.requireFree(checked);
      // The id may have been that of somebody who was removed: nothing of then counts.
      this.#forgetSignIns(id);
      this.#store
        .statement(
          'INSERT INTO account (id, name, folded_name, scope, password, created_at, valid_from) VALUES (?, ?, ?, ?, ?, ?, ?)',
        )
        .run(id, checked, folded(checked), scope, hash, now, validFrom);
    });
    return this.named(checked);
  }

  #createInvitation(id: string, lastingMs = INVITED_MS): string {
    const invitation = randomBytes(24).toString('base64url');
    this.#store
      .statement('UPDATE account SET invitation = ?, invited_until = ? WHERE id = ?')
      .run(secretDigest(invitation).toString('base64url'), Date.now() + lastingMs, id);
    return invitation;
  }

  #forgetSignIns(id: string): void {
    this.#store.statement(`DELETE FROM entry WHERE content ->> '$.accountId' = ?`).run(id);
  }
}

/** What the account allows of the scopes that a client asks for. */
export function allowedScopes(account: Account, wanted: Iterable<Scope>): Scope[] {
  const allowed = withIncluded([account.scope]);
  return [...wanted].filter((scope) => allowed.has(scope));
}

function toAccount(row: AccountRow): Account {
  return {
    id: row.id,
    name: row.name,
    scope: row.scope,
    hasPassword: row.password !== null,
    createdAt: row.created_at,
    validFrom: row.valid_from,
  };
}

function checkedName(name: string): string {
  const plain = name.normalize('NFC').trim();
  if (plain.length <= LONGEST_NAME && /^[\p{L}\p{N}][\p{L}\p{N}\p{M}._@+-]*$/u.test(plain)) return plain;
  throw new UsageError(
    `${JSON.stringify(visibleLine(name.slice(0, 100)))} cannot be a name`,
    `Use up to ${LONGEST_NAME} letters, digits and . _ @ + -, beginning with a letter or a digit.`,
  );
}

function checkedPassword(password: string): string {
  const problem = passwordProblem(password);
  if (problem === undefined) return password;
  throw new UsageError(
    `The password ${problem}`,
    'Choose another one; several words are easy to keep in mind.',
  );
}

function folded(name: string): string {
  return name.normalize('NFKC').trim().toLowerCase();
}
