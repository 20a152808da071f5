import { describe, expect, test } from 'vitest';
import { type ClaimRules, type Claims, principalOf } from '../../../src/auth/claims.ts';

const USUAL: ClaimRules = {
  scopes: 'scope',
  person: 'sub',
  name: 'name',
  groups: 'groups',
  groupScopes: new Map(),
};
const scopesOf = (claims: Claims, rules: Partial<ClaimRules> = {}): string[] => [
  ...(principalOf({ sub: 'ada', ...claims }, { ...USUAL, ...rules })?.scopes ?? ['nobody']),
];

describe('scopes', () => {
  test('include those before them, whatever else the token names', () => {
    expect(scopesOf({ scope: 'openid memory:write email' })).toEqual(['memory:read', 'memory:write']);
    expect(scopesOf({ scope: ['memory:admin'] })).toEqual(['memory:read', 'memory:write', 'memory:admin']);
    expect(scopesOf({ scope: 'memory:everything Memory:write' })).toEqual([]);
    expect(scopesOf({ scope: 5 })).toEqual([]);
    expect(scopesOf({})).toEqual([]);
  });

  test('may come from groups, and never exceed what the token names', () => {
    const groupScopes = new Map([
      ['*', 'memory:read'],
      ['team', 'memory:write'],
    ] as const);
    expect(scopesOf({}, { groupScopes })).toEqual(['memory:read']);
    expect(scopesOf({ groups: ['team'] }, { groupScopes })).toEqual(['memory:read', 'memory:write']);
    expect(scopesOf({ groups: ['team'], scope: 'memory:read' }, { groupScopes })).toEqual(['memory:read']);
    expect(scopesOf({ scope: 'memory:admin' }, { groupScopes })).toEqual(['memory:read']);
    expect(scopesOf({ groups: ['toString'] }, { groupScopes: new Map() })).toEqual([]);
  });

  test('are found inside of objects, and under names with dots', () => {
    expect(scopesOf({ realm: { roles: ['memory:read'] } }, { scopes: 'realm.roles' })).toEqual([
      'memory:read',
    ]);
    const name = 'https://example.org/scopes';
    expect(scopesOf({ [name]: 'memory:read' }, { scopes: name })).toEqual(['memory:read']);
    expect(scopesOf({}, { scopes: 'constructor.name' })).toEqual([]);
  });
});

describe('the person', () => {
  test.each([
    [undefined],
    [''],
    [42],
    [['ada']],
    ['x'.repeat(256)],
    ['ada\u202e'],
    ['line\nfeed'],
    // The name of the callers with a shared token.
    ['server'],
  ])('is nobody for %j', (sub) => {
    expect(principalOf({ sub, scope: 'memory:read' }, USUAL)).toBeUndefined();
  });

  test('has a name to show, which hides nothing', () => {
    const nameOf = (claims: Claims) => principalOf({ sub: 'a1', ...claims }, USUAL)?.name;
    expect(nameOf({ name: 'Ada\u202e' })).toBe('Ada\\u202e');
    expect(nameOf({ preferred_username: 'ada' })).toBe('ada');
    expect(nameOf({ name: ' ', email: 'ada@example.org' })).toBe('ada@example.org');
    expect(nameOf({})).toBe('a1');
  });
});
