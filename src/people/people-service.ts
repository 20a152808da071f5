import { randomBytes } from 'node:crypto';
import { SERVER_PERSON } from '../auth/principal.ts';
import { InvalidInputError } from '../errors/input-errors.ts';
import { NoSuchError, NotAllowedError } from '../errors/people-errors.ts';
import { CONSOLE } from './audit-log.ts';
import { secretDigest } from '../util/secret-string.ts';
import { visibleJson } from '../util/visible-text.ts';
import {
  type AuditPage,
  type AuditQuery,
  type Person,
  type Space,
  TOKEN_SCOPES,
  type TokenFacts,
} from './people-store.ts';
import { newInvitation, newToken } from './personal-tokens.ts';
import { checkName, notAmong, SpaceService, type SpaceServiceParts, taken } from './space-service.ts';

/** Accounts with which people sign in at this program itself. The id of an account is that of its person. */
export interface PersonAccounts {
  /** False = people sign in elsewhere, or have tokens only. */
  readonly inUse: boolean;
  /** @throws UsageError when no account of this name can be made */
  requireFree(person: string): Promise<void>;
  /** Makes the account if there is none. @returns the address at which the person chooses a password, once */
  invite(person: string, hours: number): Promise<string>;
  /** Ends all sign-ins. Does nothing without an account. */
  remove(person: string): Promise<void>;
  /** By id. */
  states(): Promise<ReadonlyMap<string, SignInState>>;
}

/** `invited` = the person has not chosen a password yet. */
export type SignInState = 'yes' | 'invited';

/** How a person gets in: an address at which to choose a password, or a code that makes a token. */
export type Invitation = { readonly link: string } | { readonly code: string };

export interface PeopleServiceParts extends SpaceServiceParts {
  /** Absent = this process makes and ends no accounts. */
  readonly accounts?: PersonAccounts | undefined;
}

export interface CreatedToken {
  /** Shown now and never again. */
  readonly token: string;
  readonly facts: TokenFacts;
}

export interface Erasure {
  readonly person: string;
  /** Stands for the person in the audit log. */
  readonly pseudonym: string;
  readonly spaces: number;
  readonly tokens: number;
  readonly auditLines: number;
  /** Shared spaces in which the person could write: their memories belong to the space, and stay. */
  readonly sharedSpaces: readonly string[];
}

const DAY_MS = 86_400_000;
const HOUR_MS = 3_600_000;
const PERSON_ID = /^[\p{L}\p{N}][\p{L}\p{N}@._:|+-]{0,199}$/u;
const RESERVED_PEOPLE: readonly string[] = [SERVER_PERSON, CONSOLE];
export const ALLOWED_PERSON_IDS = 'allowed are up to 200 letters, digits and @._:|+-';

/** False for ids that an identity provider may give a person, and this program cannot take. */
export function isPersonId(id: string): boolean {
  return PERSON_ID.test(id) && !RESERVED_PEOPLE.includes(id);
}

/**
 * Keeps people and spaces, and notes each change in the audit log. It does not ask who calls: a command on the machine of
 * the server may do everything, and the HTTP API asks `spaces.requireRole` first.
 */
export class PeopleService {
  readonly spaces: SpaceService;
  readonly #parts: PeopleServiceParts;

  constructor(parts: PeopleServiceParts) {
    this.spaces = new SpaceService(parts);
    this.#parts = parts;
  }

  /** True when people sign in at this program itself. */
  get hasAccounts(): boolean {
    return this.#parts.accounts?.inUse === true;
  }

  /** Adds a person with a personal space. @throws InvalidInputError when the id is taken or not allowed */
  async addPerson(
    id: string,
    { name = '', by }: { readonly name?: string; readonly by: string },
  ): Promise<Person> {
    const { store, folders, accounts, now } = this.#parts;
    if (!isPersonId(id)) {
      throw new InvalidInputError('person', `is ${visibleJson(id)}`, ALLOWED_PERSON_IDS);
    }
    if ((await store.person(id)) !== null) throw taken('person', id);
    // An account that is left has no person any more, and must not open the new person's memories.
    await accounts?.remove(id);
    if (accounts?.inUse === true) await accounts.requireFree(id);
    const space = await this.spaces.freeId(id);
    const shown = checkName(name === '' ? id : name);
    const person = { id, name: shown, space, created: now() };
    await folders.create(space);
    const own: Space = { id: space, name: shown, kind: 'personal', created: now(), removed: null };
    if (!(await store.addPerson(person, own))) throw taken('person', id);
    this.#note(by, 'person.add', { about: id, space });
    return person;
  }

  /** Ends all rights of a person; the personal space moves to the trash. @throws NotAllowedError for the only owner of a space */
  async removePerson(id: string, by: string): Promise<Person> {
    const { store, accounts } = this.#parts;
    const person = await this.person(id);
    await this.spaces.requireOtherOwners(id);
    await store.removePerson(id);
    await accounts?.remove(id);
    await this.spaces.moveToTrash(person.space);
    this.#note(by, 'person.remove', { about: id });
    return person;
  }

  async person(id: string): Promise<Person> {
    const person = await this.#parts.store.person(id);
    if (person === null) throw new NoSuchError('person', id);
    return person;
  }

  findPerson(id: string): Promise<Person | null> {
    return this.#parts.store.person(id);
  }

  people(): Promise<Person[]> {
    return this.#parts.store.people();
  }

  /** The people who can sign in at this program itself, by id; undefined where they do not. */
  async signIns(): Promise<ReadonlyMap<string, SignInState> | undefined> {
    const { accounts } = this.#parts;
    return accounts?.inUse === true ? accounts.states() : undefined;
  }

  /** The returned code or link counts once, and is shown now and never again. */
  async invite(
    person: string,
    { hours, by }: { readonly hours: number; readonly by: string },
  ): Promise<Invitation> {
    await this.person(person);
    const { accounts } = this.#parts;
    if (accounts?.inUse === true) {
      const link = await accounts.invite(person, hours);
      this.#note(by, 'person.invite', { about: person });
      return { link };
    }
    const { text, hash } = newInvitation();
    await this.#parts.store.addInvitation(hash, { person, expires: this.#parts.now() + hours * HOUR_MS });
    this.#note(by, 'person.invite', { about: person });
    return { code: text };
  }

  /** @throws NotAllowedError when the code is wrong, used, or too old */
  async acceptInvitation(code: string, name: string): Promise<CreatedToken> {
    const person = await this.#parts.store.takeInvitation(secretDigest(code), this.#parts.now());
    if (person === null) {
      throw new NotAllowedError(
        'This invitation is not known, was used, or has expired',
        'Ask for another one.',
      );
    }
    return this.createToken(person, { name, scope: 'admin', by: person });
  }

  async createToken(
    person: string,
    options: {
      readonly name: string;
      readonly scope: string;
      readonly days?: number | undefined;
      readonly by: string;
    },
  ): Promise<CreatedToken> {
    const { store, now } = this.#parts;
    await this.person(person);
    const scope = TOKEN_SCOPES.find((one) => one === options.scope);
    if (scope === undefined) throw notAmong('scope', options.scope, TOKEN_SCOPES);
    const expires = options.days === undefined ? null : now() + options.days * DAY_MS;
    const { id, text, hash } = newToken();
    const name = checkName(options.name);
    const facts: TokenFacts = { id, person, name, scope, created: now(), expires, lastUsed: null };
    await store.addToken(facts, hash);
    this.#note(options.by, 'token.create', { about: id });
    return { token: text, facts };
  }

  async tokens(person: string): Promise<TokenFacts[]> {
    await this.person(person);
    return this.#parts.store.tokens(person);
  }

  async revokeToken(person: string, token: { readonly id: string; readonly by: string }): Promise<void> {
    if (!(await this.#parts.store.removeToken(person, token.id))) throw new NoSuchError('token', token.id);
    this.#note(token.by, 'token.revoke', { about: token.id });
  }

  audit(query: AuditQuery): Promise<AuditPage> {
    return this.#parts.audit.read(query);
  }

  /**
   * Erases a person: personal spaces with their backups, tokens, invitations and roles. In the audit log a pseudonym
   * takes the place of the person. Also possible after `removePerson`. @throws NotAllowedError for the only owner of a space
   */
  async erasePerson(id: string, by: string): Promise<Erasure> {
    const { store, audit, accounts } = this.#parts;
    const spaces = (await store.personalSpaces(id)).map((space) => space.id);
    if ((await store.person(id)) === null && spaces.length === 0) throw new NoSuchError('person', id);
    await this.spaces.requireOtherOwners(id);
    const shared = (await this.spaces.spacesOf(id)).filter(
      ({ space, role }) => space.kind === 'shared' && role !== 'reader',
    );
    const tokens = await store.tokens(id);
    await store.removePerson(id);
    await accounts?.remove(id);
    for (const space of spaces) {
      await this.spaces.moveToTrash(space);
      const removed = (await store.space(space))?.removed ?? null;
      if (removed !== null) await this.spaces.erase({ id: space, removed });
    }
    await audit.flush();
    const pseudonym = `erased-${randomBytes(6).toString('hex')}`;
    const auditLines = await store.renameInAudit(
      { person: id, spaces, tokens: tokens.map((token) => token.id) },
      pseudonym,
    );
    this.#note(by, 'person.erase', { about: pseudonym });
    return {
      ...{ person: id, pseudonym, auditLines },
      spaces: spaces.length,
      tokens: tokens.length,
      sharedSpaces: shared.map(({ space }) => space.id),
    };
  }

  #note(person: string, action: string, more: { space?: string; about?: string; count?: number }): void {
    this.#parts.audit.note({ person, action, ...more });
  }
}
