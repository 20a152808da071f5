import * as z from 'zod/mini';
import { described, filled, text } from '../../api/fields.ts';
import type { Workspace } from '../../api/services.ts';
import type { Principal } from '../../auth/principal.ts';
import { ConfirmationNeededError } from '../../errors/input-errors.ts';
import { NotAllowedError } from '../../errors/people-errors.ts';
import type { PeopleService } from '../../people/people-service.ts';
import type { RemovalPlan } from '../../people/space-service.ts';
import {
  type AuditLine,
  type Membership,
  ROLES,
  TOKEN_SCOPES,
  type TokenFacts,
} from '../../people/people-store.ts';
import { defineRoute, type Route, type RouteData } from '../route.ts';
import { confirmation, confirmed } from './confirmation.ts';
import { time } from './shapes.ts';

/** The services of the routes about people and spaces. */
export interface TeamCall {
  readonly people: PeopleService;
  readonly caller: Principal;
  /** See `WorkspaceFinder`. */
  readonly find: (space: string | undefined) => Promise<Workspace>;
}

const role = z.enum(ROLES);
const spaceShape = z.object({
  id: z.string(),
  name: z.string(),
  kind: z.enum(['personal', 'shared']),
  role,
  created: time,
});
const memberShape = z.object({ person: z.string(), role });
const tokenShape = z.object({
  id: z.string(),
  name: text(),
  scope: z.enum(TOKEN_SCOPES),
  created: time,
  expires: z.optional(time),
  last_used: z.optional(z.string().check(z.meta({ format: 'date' }))),
});
const createdToken = z.object({
  token: described(z.string(), 'shown now and never again'),
  ...tokenShape.shape,
});
const days = described(
  z.optional(z.int().check(z.minimum(1), z.maximum(36_500))),
  'until it expires; absent = never',
);

const me = defineRoute({
  name: 'me',
  method: 'GET',
  path: '/me',
  group: 'Team',
  summary: 'Who calls, with which scopes, and the own space',
  access: 'read',
  input: z.strictObject({}),
  output: z.object({ person: z.string(), name: z.string(), space: text(), scopes: z.array(z.string()) }),
  async handle({ people, caller }: TeamCall) {
    const person = await people.findPerson(caller.person);
    return {
      person: caller.person,
      name: person?.name ?? caller.name,
      ...(person === null ? {} : { space: person.space }),
      scopes: [...caller.scopes],
    };
  },
});

const listSpaces = defineRoute({
  name: 'listSpaces',
  method: 'GET',
  path: '/spaces',
  group: 'Team',
  summary: 'The spaces of the caller, with the role in each',
  details:
    'Every route of the memories, backups and of sync is there for each space too, below /spaces/{space}; MCP is at /mcp/{space}. Paths without a space are about the own one.',
  access: 'read',
  input: z.strictObject({}),
  output: z.object({ spaces: z.array(spaceShape) }),
  async handle({ people, caller }: TeamCall) {
    const spaces = await people.spaces.spacesOf(caller.person);
    return {
      spaces: spaces.map(({ space: { id, name, kind, created }, role: own }) => ({
        ...{ id, name, kind, role: own },
        created: isoTime(created),
      })),
    };
  },
});

const createSpace = defineRoute({
  name: 'createSpace',
  method: 'POST',
  path: '/spaces',
  group: 'Team',
  summary: 'Create a shared space, which the caller owns',
  access: 'read',
  input: z.strictObject({ id: described(z.string(), 'a-z, 0-9 and -; part of addresses'), name: text() }),
  output: z.object({ id: z.string(), name: z.string() }),
  status: 201,
  problems: [403, 507],
  async handle({ people, caller }: TeamCall, { id, name }) {
    requireAdmin(caller);
    const made = await people.spaces.createSpace(id, {
      name: name ?? '',
      owner: caller.person,
      by: caller.person,
    });
    return { id: made.id, name: made.name };
  },
});

const removeSpace = defineRoute({
  name: 'removeSpace',
  method: 'DELETE',
  path: '/spaces/{space}',
  group: 'Team',
  summary: 'Move a shared space with all its memories to the trash; for owners',
  details:
    'Without confirm nothing happens, and the answer 409 says what would, with the token that confirms it.',
  access: 'read',
  input: z.strictObject({
    space: z.string(),
    confirm: confirmation('true, or the token of the answer without it'),
  }),
  output: z.looseObject({ space: z.string(), memories: z.int(), kept_days: z.number() }),
  problems: [404, 409],
  async handle({ people, caller }: TeamCall, { space, confirm }) {
    await requireOwner({ people, caller }, space);
    const word = confirmed(confirm);
    if (word === undefined) {
      const plan = await people.spaces.planRemoval(space);
      throw new ConfirmationNeededError(
        `The space ${space} with ${plan.memories} memories would move to the trash; nothing was changed`,
        { ...removalData(plan), confirm: plan.confirm },
      );
    }
    return removalData(await people.spaces.removeSpace(space, { confirm: word, by: caller.person }));
  },
});

const listMembers = defineRoute({
  name: 'listMembers',
  method: 'GET',
  path: '/spaces/{space}/members',
  group: 'Team',
  summary: 'The members of a space; for members',
  access: 'read',
  input: z.strictObject({ space: z.string() }),
  output: z.object({ members: z.array(memberShape) }),
  problems: [404],
  async handle({ people, caller }: TeamCall, { space }) {
    await people.spaces.requireRole(space, { person: caller.person, role: 'reader' });
    return { members: (await people.spaces.members(space)).map(memberData) };
  },
});

const grantRole = defineRoute({
  name: 'grantRole',
  method: 'POST',
  path: '/spaces/{space}/members',
  group: 'Team',
  summary: 'Give a person a role in a shared space, or change it; for owners',
  details:
    'reader: search and read. writer: change memories too. owner: members, the audit log and removal too.',
  access: 'read',
  input: z.strictObject({ space: z.string(), person: z.string(), role }),
  output: memberShape,
  problems: [404],
  async handle({ people, caller }: TeamCall, { space, person, role: given }) {
    await requireOwner({ people, caller }, space);
    return memberData(await people.spaces.grant(space, { person, role: given, by: caller.person }));
  },
});

const revokeRole = defineRoute({
  name: 'revokeRole',
  method: 'DELETE',
  path: '/spaces/{space}/members/{person}',
  group: 'Team',
  summary: 'Take the role in a shared space from a person; for owners, and for oneself',
  access: 'read',
  input: z.strictObject({ space: z.string(), person: z.string() }),
  output: z.object({ revoked: z.boolean() }),
  problems: [404],
  async handle({ people, caller }: TeamCall, { space, person }) {
    if (person === caller.person) {
      requireAdmin(caller);
      await people.spaces.requireRole(space, { person, role: 'reader' });
    } else await requireOwner({ people, caller }, space);
    await people.spaces.revoke(space, { person, by: caller.person });
    return { revoked: true };
  },
});

const readAudit = defineRoute({
  name: 'readAudit',
  method: 'GET',
  path: '/spaces/{space}/audit',
  group: 'Team',
  summary: 'Who did what in a space, newest first; for owners',
  access: 'read',
  input: z.strictObject({
    space: z.string(),
    person: text('only what this person did'),
    limit: described(z.optional(z.int().check(z.minimum(1), z.maximum(1_000))), 'default 100'),
    before: described(z.optional(z.int()), 'next of the page before'),
  }),
  output: z.object({
    lines: z.array(
      z.object({
        at: time,
        person: z.string(),
        action: z.string(),
        count: z.int(),
        about: text('the person, token or space that it was done to'),
        refused: text('code of the error that refused it'),
      }),
    ),
    next: z.optional(z.int()),
  }),
  problems: [404],
  async handle({ people, caller }: TeamCall, { space, person, limit = 100, before }) {
    await requireOwner({ people, caller }, space);
    const page = await people.audit({ space, person: filled(person), limit, before });
    return { lines: page.lines.map(auditData), ...(page.next === null ? {} : { next: page.next }) };
  },
});

const listTokens = defineRoute({
  name: 'listTokens',
  method: 'GET',
  path: '/tokens',
  group: 'Team',
  summary: 'The personal tokens of the caller; the tokens themselves are not kept',
  access: 'read',
  input: z.strictObject({}),
  output: z.object({ tokens: z.array(tokenShape) }),
  async handle({ people, caller }: TeamCall) {
    requireAdmin(caller);
    return { tokens: (await people.tokens(caller.person)).map(tokenData) };
  },
});

const createToken = defineRoute({
  name: 'createToken',
  method: 'POST',
  path: '/tokens',
  group: 'Team',
  summary: 'Make a personal token',
  access: 'read',
  input: z.strictObject({
    name: described(z.string(), 'what it is for, for example the client'),
    scope: described(
      z.optional(z.enum(TOKEN_SCOPES)),
      'default write; admin manages tokens, spaces and members',
    ),
    days,
  }),
  output: createdToken,
  status: 201,
  async handle({ people, caller }: TeamCall, { name, scope = 'write', days: until }) {
    requireAdmin(caller);
    const made = await people.createToken(caller.person, { name, scope, days: until, by: caller.person });
    return { token: made.token, ...tokenData(made.facts) };
  },
});

const revokeToken = defineRoute({
  name: 'revokeToken',
  method: 'DELETE',
  path: '/tokens/{id}',
  group: 'Team',
  summary: 'Revoke a personal token at once',
  access: 'read',
  input: z.strictObject({ id: z.string() }),
  output: z.object({ revoked: z.boolean() }),
  problems: [404],
  async handle({ people, caller }: TeamCall, { id }) {
    requireAdmin(caller);
    await people.revokeToken(caller.person, { id, by: caller.person });
    return { revoked: true };
  },
});

/** Needs no token. */
export const acceptInvitation: Route<TeamCall> = defineRoute({
  name: 'acceptInvitation',
  method: 'POST',
  path: '/invitations/accept',
  group: 'Team',
  summary: 'Turn the code of an invitation, once, into a first personal token',
  access: 'read',
  input: z.strictObject({ code: z.string(), name: text('what the token is for') }),
  output: createdToken,
  status: 201,
  async handle({ people }: Pick<TeamCall, 'people'>, { code, name }) {
    const made = await people.acceptInvitation(code, name ?? 'invitation');
    return { token: made.token, ...tokenData(made.facts) };
  },
});

/** About people and spaces, with the caller's credential. */
export const teamRoutes: readonly Route<TeamCall>[] = [
  me,
  ...[listSpaces, createSpace, removeSpace],
  ...[listMembers, grantRole, revokeRole, readAudit],
  ...[listTokens, createToken, revokeToken],
];

/** @throws NotAllowedError */
function requireAdmin({ scopes, person }: Principal): void {
  if (scopes.has('memory:admin') && person !== 'server') return;
  throw new NotAllowedError(
    person === 'server'
      ? 'The shared token of the server is no person'
      : 'This token may not manage tokens, spaces and members',
    'Use a token of a person with the scope admin.',
  );
}

async function requireOwner(
  { people, caller }: Pick<TeamCall, 'people' | 'caller'>,
  space: string,
): Promise<void> {
  // A stranger hears that there is no such space, whatever the token may do.
  await people.spaces.requireRole(space, { person: caller.person, role: 'owner' });
  if (caller.person !== 'server') requireAdmin(caller);
}

function isoTime(milliseconds: number): string {
  return new Date(milliseconds).toISOString();
}

function memberData({ person, role: given }: Membership): RouteData {
  return { person, role: given };
}

function tokenData({ id, name, scope, created, expires, lastUsed }: TokenFacts): RouteData {
  return {
    ...{ id, name, scope },
    created: isoTime(created),
    ...(expires === null ? {} : { expires: isoTime(expires) }),
    ...(lastUsed === null ? {} : { last_used: lastUsed }),
  };
}

function auditData({ at, person, action, count, about, refused }: AuditLine): RouteData {
  return {
    at: isoTime(at),
    ...{ person, action, count },
    ...(about === '' ? {} : { about }),
    ...(refused === '' ? {} : { refused }),
  };
}

function removalData({ space, memories, bytes, trashDays }: RemovalPlan): RouteData {
  return { space, memories, bytes, kept_days: trashDays };
}
