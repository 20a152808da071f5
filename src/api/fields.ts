import * as z from 'zod/mini';
import type { FilterInput, StatedAttributes } from '../memory/memory-api.ts';
import type { Metadata } from '../memory/version.ts';
import { LEAST_MAX_TOKENS, MOST_MAX_TOKENS } from './answer-size.ts';
import { isObject } from '../util/json.ts';

/** Schema parts that several tools share. */
export const texts = z.array(z.string());
export const tags = z.optional(texts);
export const flag = z.optional(z.boolean());
/** An object with free members, whatever their names: `z.record` would silently drop one named `__proto__`. */
const members = z.custom<Metadata>(isObject).check(z.meta({ type: 'object' }));
export const metadata = z.optional(members);

/** With a hint for the agent. */
export function described<Schema extends z.ZodMiniType>(schema: Schema, description: string): Schema {
  return schema.check(z.describe(description));
}

/** An optional text with a hint for the agent. */
export function text(description?: string): z.ZodMiniOptional<z.ZodMiniString<string>> {
  return description === undefined ? z.optional(z.string()) : described(z.optional(z.string()), description);
}

/** How many at most. */
export function limit(most: number, usual: number): z.ZodMiniOptional<z.ZodMiniNumberFormat> {
  return described(z.optional(z.int().check(z.minimum(1), z.maximum(most))), `default ${usual}`);
}

/** How long the answer may be. @param description told once in a list of tools */
export function maxTokens(description?: string): z.ZodMiniOptional<z.ZodMiniNumberFormat> {
  const field = z.optional(z.int().check(z.minimum(LEAST_MAX_TOKENS), z.maximum(MOST_MAX_TOKENS)));
  return description === undefined ? field : described(field, description);
}

/** The conditions of a filter, as members of a tool's own arguments. */
export const filterFields = {
  tags: described(z.optional(texts), 'any of these'),
  all_tags: tags,
  source: text('prefix'),
  project: text('* = all alike'),
  metadata: described(z.optional(members), 'equal members'),
  after: text("created since: ISO date (user's day), time, or age (12h, 7d)"),
  before: text(),
};

export const kind = z.optional(z.enum(['fact', 'conversation']));

/** Well-known members of the metadata, as fields of their own. */
export const statedFields = {
  occurred_at: text('when it was true or happened: date, time, or age (3d)'),
  expires: text('until when it holds: date, time, or age from now (30d); then search leaves it out'),
  pinned: flag.check(z.describe('always in the brief of a session; at most 20')),
  supersedes: text('id of the fact that it replaces'),
};

interface StatedArguments {
  readonly occurred_at?: string | undefined;
  readonly expires?: string | undefined;
  readonly pinned?: boolean | undefined;
  readonly supersedes?: string | undefined;
}

/** The well-known members among a call's arguments, and the other arguments. */
export function withStated<Given extends StatedArguments>(
  given: Given,
): Omit<Given, 'occurred_at'> & StatedAttributes {
  const { occurred_at: occurredAt, ...same } = given;
  return { ...same, occurredAt };
}

/** The state at a time. */
export const asOf = text('as it was then: date (its end), time, or age');

/** Conditions on a memory itself, for REST; agents have those of `filterFields`. */
export const attributeFields = {
  kind: described(kind, 'facts, or turns of conversations'),
  session: text('turns of the conversation of this name'),
  client: text('turns of conversations with this program'),
  occurred_after: text('true or happened since, in the forms of after'),
  occurred_before: text('true or happened until'),
  expired: described(
    z.optional(z.enum(['any', 'only', 'none'])),
    'memories whose time is over; none in a search, any elsewhere',
  ),
  pinned: flag,
};

/** The same conditions without the hints, which an agent needs once in the list of tools, not in each. */
export const filterFieldsInBrief = {
  tags,
  all_tags: tags,
  source: text(),
  project: text(),
  metadata,
  after: text(),
  before: text(),
};

interface FilterArguments {
  readonly tags?: string[] | undefined;
  readonly all_tags?: string[] | undefined;
  readonly source?: string | undefined;
  readonly project?: string | undefined;
  readonly metadata?: Metadata | undefined;
  readonly after?: string | undefined;
  readonly before?: string | undefined;
  readonly kind?: FilterInput['kind'];
  readonly session?: string | undefined;
  readonly client?: string | undefined;
  readonly occurred_after?: string | undefined;
  readonly occurred_before?: string | undefined;
  readonly expired?: FilterInput['expired'];
  readonly pinned?: boolean | undefined;
}

/**
 * The filter among a tool's arguments; undefined when no condition is given. Agents fill the fields that they do not
 * need with empty values, so an empty condition is none.
 */
export function toFilter(given: FilterArguments): FilterInput | undefined {
  const {
    all_tags: allTags,
    occurred_after: occurredAfter,
    occurred_before: occurredBefore,
    ...same
  } = given;
  const metadata = withoutEmptyProject(given.metadata);
  const filter = { ...same, metadata, allTags, occurredAfter, occurredBefore };
  const conditions = Object.entries(filter).filter(([, value]) => value !== undefined && !isEmpty(value));
  return conditions.length === 0 ? undefined : Object.fromEntries(conditions);
}

/**
 * The schemas of tools name `project` as a member of metadata, for some models take no object without members. Those
 * that must fill every field write it even when they have nothing to say.
 * @param empty values that say nothing
 */
export function withoutEmptyProject(
  given: Metadata | undefined,
  empty: readonly unknown[] = ['', null],
): Metadata | undefined {
  if (given === undefined || !Object.hasOwn(given, 'project') || !empty.includes(given['project']))
    return given;
  return Object.fromEntries(Object.entries(given).filter(([name]) => name !== 'project'));
}

function isEmpty(value: string | object | boolean): boolean {
  return typeof value !== 'boolean' && Object.keys(value).length === 0;
}

/** An optional text; an empty one is none. */
export function filled(value: string | undefined): string | undefined {
  return value === '' ? undefined : value;
}

/** A memory in an answer, as far as every tool has it; see `memoryData` for the rest. */
export const memoryShape = z.looseObject({ id: z.string(), text: z.string() });
