import type { Scope } from '../principal.ts';

/** An account as it is kept. */
export interface StoredAccount {
  readonly id: string;
  readonly name: string;
  readonly scope: Scope;
  /** The hash; null = none is chosen yet. */
  readonly password: string | null;
  /** Milliseconds. */
  readonly createdAt: number;
  /** Seconds; rises with each new password. */
  readonly validFrom: number;
}

export interface NewAccount {
  readonly id: string;
  readonly name: string;
  /** Names that differ only in their case are one. */
  readonly foldedName: string;
  readonly scope: Scope;
  readonly password: string | null;
}

/** How an account is looked for: an invitation by its digest, and only while it counts. */
export type AccountKey = 'id' | 'foldedName' | 'invitation';

export interface NewPassword {
  readonly hash: string;
  /** Digest of the invitation that it is chosen with, which then counts no more. Absent = none is needed. */
  readonly invitation?: string;
}

/** An entry that the library of the authorization server keeps. */
export interface NewEntry {
  readonly kind: string;
  readonly key: string;
  /** JSON. */
  readonly content: string;
  readonly accountId: string | undefined;
  readonly grantId: string | undefined;
  readonly uid: string | undefined;
  /** Undefined = without an end. */
  readonly lifeMs: number | undefined;
}

export interface StoredEntry {
  /** JSON. */
  readonly content: string;
  /** Seconds since 1970; undefined = not used, or the content says it. */
  readonly consumedAt?: number | undefined;
  /** Undefined = without an end, or the end in the content is by the clock of this machine. */
  readonly leftMs?: number | undefined;
}

/** A secret of the authorization server itself. */
export interface StoredSecret {
  readonly id: string;
  readonly content: string;
  /** Milliseconds. */
  readonly createdAt: number;
}

export interface AttemptRule {
  /** Keeps apart the attempts of several rules. */
  readonly name: string;
  readonly most: number;
  readonly windowMs: number;
}

/** Counts attempts by a key, such as a name or an address, in a window of time. */
export interface AttemptLimit {
  /** Counts one more, if it may be made. @returns seconds to wait; 0 = it was counted */
  take(key: string): Promise<number>;
  /** Takes one attempt back, which has succeeded. */
  takeBack(key: string): Promise<void>;
}

/**
 * The data of the authorization server: accounts, grants and keys. Several processes may use it at the same time. Each
 * method is one transaction. @throws StoreUnavailableError when it cannot be reached; then nothing has changed, or all
 */
export interface AuthStore {
  /** By name. */
  accounts(): Promise<readonly StoredAccount[]>;
  account(key: AccountKey, value: string): Promise<StoredAccount | undefined>;
  /** Nothing that was left of the id counts for the new account. @param most accounts that there may be */
  addAccount(account: NewAccount, most: number): Promise<'added' | 'taken' | 'full'>;
  /** Ends all sign-ins of the account. @returns false when there is no such account, or the invitation does not count */
  setPassword(id: string, password: NewPassword): Promise<boolean>;
  /** The same password with another hash. */
  replaceHash(id: string, hashes: { readonly from: string; readonly to: string }): Promise<void>;
  /** Takes the place of an older invitation. */
  invite(id: string, invitation: { readonly digest: string; readonly lifeMs: number }): Promise<void>;
  /** Ends all sign-ins too. */
  removeAccount(id: string): Promise<void>;

  putEntry(entry: NewEntry): Promise<void>;
  /** @returns undefined also for one that has ended */
  entry(kind: string, key: string): Promise<StoredEntry | undefined>;
  entryByUid(kind: string, uid: string): Promise<StoredEntry | undefined>;
  /** Marks an entry as used. @returns false when it was used already or is gone: of several at once, one gets true */
  consumeEntry(kind: string, key: string): Promise<boolean>;
  removeEntry(kind: string, key: string): Promise<void>;
  /** Everything that came from a grant, and the grant. */
  removeGrant(grantId: string): Promise<void>;
  /** Removes entries that have ended, and the least recently used ones of the kind above `most`; some at a time. */
  sweep(kind: string, most: number): Promise<void>;

  /** Those of a kind, the newest first. */
  secrets(kind: string): Promise<readonly StoredSecret[]>;
  /** Adds a secret as the newest one. @param when `none` = only if there is none of the kind */
  addSecret(
    kind: string,
    secret: { readonly id: string; readonly content: string },
    when: 'none' | 'always',
  ): Promise<void>;
  replaceSecret(id: string, contents: { readonly from: string; readonly to: string }): Promise<void>;
  removeSecret(id: string): Promise<void>;

  attemptLimit(rule: AttemptRule): AttemptLimit;
  close(): Promise<void>;
}
