/** The roles of a person in a space; each includes the ones before it. */
export const ROLES = ['reader', 'writer', 'owner'] as const;
export type Role = (typeof ROLES)[number];

export interface Person {
  /** Chosen when the person is added, or given by the identity provider. */
  readonly id: string;
  readonly name: string;
  /** Id of the space that belongs to this person alone. */
  readonly space: string;
  /** Milliseconds since the epoch. */
  readonly created: number;
}

/** The id of a space, which is also a part of addresses and the name of a folder. */
export const SPACE_ID = /^[a-z0-9][a-z0-9-]{0,62}$/;

/** The memories of one folder. */
export interface Space {
  readonly id: string;
  readonly name: string;
  readonly kind: 'personal' | 'shared';
  readonly created: number;
  /** When it was removed; null = it is in use. Its folder is kept for a while. */
  readonly removed: number | null;
}

export interface Membership {
  readonly space: string;
  readonly person: string;
  readonly role: Role;
}

export const TOKEN_SCOPES = ['read', 'write', 'admin'] as const;
/** `admin` manages tokens, spaces and members, besides all that `write` may do. */
export type TokenScope = (typeof TOKEN_SCOPES)[number];

/** All that is known of a personal token; the token itself is not. */
export interface TokenFacts {
  /** Its beginning, which says whose it is and is no secret: `fm_` and ten letters. */
  readonly id: string;
  readonly person: string;
  /** For its person, for example the client that uses it. */
  readonly name: string;
  readonly scope: TokenScope;
  readonly created: number;
  /** Null = it does not expire. */
  readonly expires: number | null;
  /** Day of the last use in UTC, for example `2026-01-31`; null = never. */
  readonly lastUsed: string | null;
}

/** One line of the audit log. It has no text of a memory. */
export interface AuditLine {
  readonly at: number;
  /** Id of the person; `server` for the shared tokens, `console` for a command on the machine. */
  readonly person: string;
  /** Empty = no single space. */
  readonly space: string;
  /** For example `memory.add`, `token.create`, `member.grant`. */
  readonly action: string;
  /** How many memories, or 1. */
  readonly count: number;
  /** Code of the error that refused it; empty = it was done. */
  readonly refused: string;
  /** The objects of the action: ids of people, tokens or spaces; empty = nothing else. */
  readonly about: string;
}

/** A space in the trash, as a process saw it. Another one may take it back or erase it, and its id be given to a new space. */
export interface RemovedSpace {
  readonly id: string;
  /** When it was removed: no other space of this id has the same. */
  readonly removed: number;
}

export interface AuditQuery {
  readonly space?: string | undefined;
  readonly person?: string | undefined;
  /** Lines before this one, as the page before said. */
  readonly before?: number | undefined;
  readonly limit: number;
}

export interface AuditPage {
  /** Newest first. */
  readonly lines: readonly AuditLine[];
  /** `before` of the next page; null = this was the last. */
  readonly next: number | null;
}

export interface ErasedIds {
  readonly person: string;
  readonly spaces: readonly string[];
  readonly tokens: readonly string[];
}

/** All that a store has, without the audit log. Lists are in the order of their ids. */
export interface PeopleFacts {
  readonly people: readonly Person[];
  readonly spaces: readonly Space[];
  /** Of removed spaces too. */
  readonly members: readonly Membership[];
  /** The hash in hexadecimal digits. */
  readonly tokens: readonly (TokenFacts & { readonly hash: string })[];
  readonly invitations: readonly {
    readonly hash: string;
    readonly person: string;
    readonly expires: number;
  }[];
}

/**
 * Keeps people, spaces, roles, tokens and the audit log, for all processes of a server's data folder. A write is durable
 * when its promise resolves, and each method is one transaction. Reads see every write that was acknowledged before. A new
 * store has the shared space `default`, which `server` owns.
 */
export interface PeopleStore {
  /** Adds the person together with the personal space. @returns false when the id of either is taken; nothing was changed */
  addPerson(person: Person, space: Space): Promise<boolean>;
  person(id: string): Promise<Person | null>;
  people(): Promise<Person[]>;
  /** Removes the person with all tokens, invitations and roles in shared spaces. Spaces stay. */
  removePerson(id: string): Promise<void>;
  /** Also those that were removed, and of a person who was removed. */
  personalSpaces(person: string): Promise<Space[]>;
  /** @returns false when the id is taken; nothing was changed */
  addSpace(space: Space, owner: string): Promise<boolean>;
  /** Also one that was removed. */
  space(id: string): Promise<Space | null>;
  /** Also those that were removed. */
  spaces(): Promise<Space[]>;
  /**
   * Moves a space to the trash or back.
   * @param removed milliseconds since the epoch; null brings it back
   * @param before its state until now. @returns false when it is another one; nothing was changed
   */
  setRemoved(space: string, removed: number | null, before: number | null): Promise<boolean>;
  /** Forgets a space and the roles in it; its id is free. Does nothing when it is another space now, or was taken back. */
  dropSpace(space: RemovedSpace): Promise<void>;
  role(space: string, person: string): Promise<Role | null>;
  /** Of all spaces that are in use, of one space, or of one person. */
  memberships(of: { readonly space?: string; readonly person?: string }): Promise<Membership[]>;
  /**
   * Gives, changes or takes a role.
   * @param role null = none
   * @returns false when a shared space would be left without an owner; nothing was changed
   */
  setRole(membership: Omit<Membership, 'role'>, role: Role | null): Promise<boolean>;
  addToken(token: TokenFacts, hash: Uint8Array): Promise<void>;
  token(id: string): Promise<{ readonly facts: TokenFacts; readonly hash: Uint8Array } | null>;
  tokens(person: string): Promise<TokenFacts[]>;
  /** @returns false when the person has no such token */
  removeToken(person: string, id: string): Promise<boolean>;
  noteUse(token: string, day: string): Promise<void>;
  addInvitation(
    hash: Uint8Array,
    invitation: { readonly person: string; readonly expires: number },
  ): Promise<void>;
  /** Ends the invitation. @returns the person; null when there is none, it was used, or it expired before `now` */
  takeInvitation(hash: Uint8Array, now: number): Promise<string | null>;
  /** Lines of a person or a space that is not there any more do not name it. */
  appendAudit(lines: readonly AuditLine[]): Promise<void>;
  audit(query: AuditQuery): Promise<AuditPage>;
  /** @returns how many lines were removed */
  dropAudit(before: number): Promise<number>;
  /**
   * Writes a pseudonym for the ids of a person, of personal spaces and of tokens into all lines, and leaves no copy of
   * the old ones in the files.
   * @returns how many lines are by the person
   */
  renameInAudit(ids: ErasedIds, pseudonym: string): Promise<number>;
  facts(): Promise<PeopleFacts>;
  /**
   * Takes all that another store has, in the place of the content of a new store.
   * @returns false when there are people or spaces already; nothing was changed
   */
  load(facts: PeopleFacts): Promise<boolean>;
  /** Lines from old to new. @param after `last` of the page before; 0 = from the first on */
  auditFrom(
    after: number,
    limit: number,
  ): Promise<{ readonly lines: readonly AuditLine[]; readonly last: number }>;
  /** Appends lines of another store as they are. */
  loadAudit(lines: readonly AuditLine[]): Promise<void>;
  close(): Promise<void>;
}
