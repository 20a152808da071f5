import { visibleLine } from '../util/visible-text.ts';
import { isScope, type Principal, type Scope, SERVER_PERSON, withIncluded } from './principal.ts';

/** The claims of a provider that identify a person. A name with dots leads into objects: `realm_access.roles`. */
export interface ClaimRules {
  readonly scopes: string;
  readonly person: string;
  readonly name: string;
  readonly groups: string;
  /** Scopes of the members of a group; `*` = of everybody. Empty: the tokens say the scopes. */
  readonly groupScopes: ReadonlyMap<string, Scope>;
}

export type Claims = Readonly<Record<string, unknown>>;

const LONGEST_PERSON = 255;
const LONGEST_NAME = 200;
const MOST_GROUPS = 500;
const NAMES = ['name', 'preferred_username', 'username', 'email'];

/** @returns undefined when the claims name no person */
export function principalOf(claims: Claims, rules: ClaimRules): Principal | undefined {
  const person = claimAt(claims, rules.person);
  if (typeof person !== 'string' || !isUsableId(person)) return undefined;
  const groups = wordsAt(claims, rules.groups).slice(0, MOST_GROUPS);
  return {
    person,
    name: nameOf(claims, rules.name) ?? person,
    scopes: scopesOf(claims, rules, groups),
    groups,
  };
}

function isUsableId(person: string): boolean {
  return (
    person !== '' &&
    person.length <= LONGEST_PERSON &&
    person !== SERVER_PERSON &&
    visibleLine(person) === person
  );
}

function nameOf(claims: Claims, claim: string): string | undefined {
  for (const name of [claim, ...NAMES]) {
    const value = claimAt(claims, name);
    if (typeof value === 'string' && value.trim() !== '') return visibleLine(value).slice(0, LONGEST_NAME);
  }
  return undefined;
}

/** Scopes of the token. Where groups decide, the token may name fewer: then both must allow it. */
function scopesOf(claims: Claims, rules: ClaimRules, groups: readonly string[]): ReadonlySet<Scope> {
  const named = wordsAt(claims, rules.scopes).filter(isScope);
  if (rules.groupScopes.size === 0) return withIncluded(named);
  const granted = ['*', ...groups].flatMap((group) => rules.groupScopes.get(group) ?? []);
  const allowed = withIncluded(granted);
  if (named.length === 0) return allowed;
  return new Set([...withIncluded(named)].filter((scope) => allowed.has(scope)));
}

function wordsAt(claims: Claims, name: string): string[] {
  const value = claimAt(claims, name);
  const words: unknown[] = Array.isArray(value) ? value : typeof value === 'string' ? value.split(' ') : [];
  return words.filter((word) => typeof word === 'string' && word !== '') as string[];
}

/** A claim may have dots in its name, as those that are addresses. */
function claimAt(claims: Claims, name: string): unknown {
  if (Object.hasOwn(claims, name)) return claims[name];
  let value: unknown = claims;
  for (const part of name.split('.')) {
    if (typeof value !== 'object' || value === null || !Object.hasOwn(value, part)) return undefined;
    value = (value as Claims)[part];
  }
  return value;
}
