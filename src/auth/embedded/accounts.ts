import { randomBytes } from 'node:crypto';
import { UsageError } from '../../errors/input-errors.ts';
import { visibleLine } from '../../util/visible-text.ts';
import { type Scope, withIncluded } from '../principal.ts';
import { secretDigest } from '../../util/secret-string.ts';
import type { AuthStore, StoredAccount } from './auth-store.ts';
import { hashPassword, isPassword, needsNewHash, passwordProblem } from './passwords.ts';

/** How long an invitation counts. */
const INVITED_MS = 3 * 86_400_000;
const LONGEST_NAME = 64;
const MOST_ACCOUNTS = 10_000;

/** A person who can sign in at the authorization server in this program. */
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
  /** Another one after each new password: a token is of one version, so no two clocks are compared. */
  readonly version: string;
}

export class Accounts {
  readonly #store: AuthStore;

  constructor(store: AuthStore) {
    this.#store = store;
  }

  async list(): Promise<Account[]> {
    return (await this.#store.accounts()).map(toAccount);
  }

  async find(id: string): Promise<Account | undefined> {
    return toKnown(await this.#store.account('id', id));
  }

  /** @throws UsageError when the name is taken or not allowed, or the password is */
  async add(name: string, { password, scope }: { password: string; scope: Scope }): Promise<Account> {
    checkedName(name);
    const hash = await hashPassword(checkedPassword(password));
    return this.#insert(name, { scope, hash });
  }

  /** @returns the account, and the secret part of the invitation's address */
  async invite(name: string, scope: Scope): Promise<{ account: Account; invitation: string }> {
    const account = await this.#insert(name, { scope, hash: null });
    return { account, invitation: await this.#createInvitation(account.id) };
  }

  /** A new invitation for a person with an account, also when the password is forgotten. */
  async inviteAgain(name: string): Promise<{ account: Account; invitation: string }> {
    const account = await this.named(name);
    return { account, invitation: await this.#createInvitation(account.id) };
  }

  /**
   * An invitation for a person of a team, whose account is made if there is none: its id is the person's id, and so is
   * the name that the person types.
   * @returns the secret part of the invitation's address
   * @throws UsageError when another account has the name
   */
  async invitePerson(id: string, lastingMs: number): Promise<string> {
    if ((await this.find(id)) === undefined)
      await this.#insert(id, { id, scope: 'memory:admin', hash: null });
    return this.#createInvitation(id, lastingMs);
  }

  /** @throws UsageError when an account has the name, or it is not allowed */
  async requireFree(name: string): Promise<void> {
    if ((await this.#storedAs(checkedName(name))) !== undefined) throw nameTaken(name);
  }

  /** True when a person signs in with the name, however it is written. */
  async has(name: string): Promise<boolean> {
    return (await this.#storedAs(name)) !== undefined;
  }

  /** @throws UsageError when no person has the name */
  async named(name: string): Promise<Account> {
    const stored = await this.#storedAs(name);
    if (stored !== undefined) return toAccount(stored);
    throw new UsageError(
      `Nobody is called ${JSON.stringify(visibleLine(name))}`,
      '"faiss-memory account list" shows the names.',
    );
  }

  /** Ends all sign-ins of the person. @throws UsageError when the password is not allowed */
  async setPassword(id: string, password: string): Promise<void> {
    await this.#store.setPassword(id, { hash: await hashPassword(checkedPassword(password)) });
  }

  /** The same with an invitation, which counts once. @returns false when it does not count, or not any more */
  async setInvitedPassword(invitation: string, password: string): Promise<boolean> {
    const account = await this.invited(invitation);
    if (account === undefined) return false;
    const hash = await hashPassword(checkedPassword(password));
    return this.#store.setPassword(account.id, { hash, invitation: digestOf(invitation) });
  }

  /** Ends all sign-ins of the person. */
  remove(id: string): Promise<void> {
    return this.#store.removeAccount(id);
  }

  /** @returns undefined for a wrong name or password, after the same time */
  async check(name: string, password: string): Promise<Account | undefined> {
    const stored = await this.#storedAs(name);
    if (!(await isPassword(password, stored?.password ?? null))) return undefined;
    if (stored?.password == null) return undefined;
    if (needsNewHash(stored.password)) {
      const hash = await hashPassword(password);
      await this.#store.replaceHash(stored.id, { from: stored.password, to: hash });
    }
    return toAccount(stored);
  }

  /** Whose invitation it is; undefined when it does not count, or not any more. */
  async invited(invitation: string): Promise<Account | undefined> {
    return toKnown(await this.#store.account('invitation', digestOf(invitation)));
  }

  #storedAs(name: string): Promise<StoredAccount | undefined> {
    return this.#store.account('foldedName', folded(name));
  }

  async #insert(
    name: string,
    { scope, hash, id = randomBytes(16).toString('hex') }: { scope: Scope; hash: string | null; id?: string },
  ): Promise<Account> {
    const checked = checkedName(name);
    const account = { id, name: checked, foldedName: folded(checked), scope, password: hash };
    const outcome = await this.#store.addAccount(account, MOST_ACCOUNTS);
    if (outcome === 'taken') throw nameTaken(name);
    if (outcome === 'full') {
      throw new UsageError(
        `There are ${MOST_ACCOUNTS} accounts, the most possible`,
        'Use an identity provider.',
      );
    }
    return this.named(checked);
  }

  async #createInvitation(id: string, lifeMs = INVITED_MS): Promise<string> {
    const invitation = randomBytes(24).toString('base64url');
    await this.#store.invite(id, { digest: digestOf(invitation), lifeMs });
    return invitation;
  }
}

function digestOf(invitation: string): string {
  return secretDigest(invitation).toString('base64url');
}

function nameTaken(name: string): UsageError {
  return new UsageError(
    `${JSON.stringify(visibleLine(name))} has an account already`,
    'Choose another name, or remove that account with "faiss-memory account remove".',
  );
}

/** Of the scopes that a client asks for, those that the account allows. */
export function allowedScopes(account: Account, wanted: Iterable<Scope>): Scope[] {
  const allowed = withIncluded([account.scope]);
  return [...wanted].filter((scope) => allowed.has(scope));
}

function toAccount({ id, name, scope, password, createdAt, validFrom }: StoredAccount): Account {
  const version = `${createdAt.toString(36)}.${validFrom.toString(36)}`;
  return { id, name, scope, hasPassword: password !== null, createdAt, version };
}

function toKnown(stored: StoredAccount | undefined): Account | undefined {
  return stored === undefined ? undefined : toAccount(stored);
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
