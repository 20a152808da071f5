import * as z from 'zod/mini';
import type { FilterInput } from '../memory/memory-api.ts';
import type { Metadata } from '../memory/version.ts';

/** Schema parts that several tools share. */
export const texts = z.array(z.string());
export const tags = z.optional(texts);
export const metadata = z.optional(z.record(z.string(), z.unknown()));
export const flag = z.optional(z.boolean());

function described<Schema extends z.ZodMiniType>(schema: Schema, description: string): Schema {
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

/** The conditions of a filter, as members of a tool's own arguments. */
export const filterFields = {
  tags: described(tags, 'any of'),
  all_tags: tags,
  source: text('prefix'),
  project: text(),
  metadata,
  after: text('created; ISO date or age (7d)'),
  before: text(),
};

interface FilterArguments {
  readonly tags?: string[] | undefined;
  readonly all_tags?: string[] | undefined;
  readonly source?: string | undefined;
  readonly project?: string | undefined;
  readonly metadata?: Record<string, unknown> | undefined;
  readonly after?: string | undefined;
  readonly before?: string | undefined;
}

/** The filter among a tool's arguments; undefined when no condition is given. */
export function toFilter(given: FilterArguments): FilterInput | undefined {
  const { all_tags: allTags, metadata: members, ...same } = given;
  const filter = { ...same, allTags, metadata: toMetadata(members) };
  return Object.values(filter).some((value) => value !== undefined) ? filter : undefined;
}

/** Arguments came as JSON, so their members are JSON. */
export function toMetadata(given: Record<string, unknown> | undefined): Metadata | undefined {
  return given as Metadata | undefined;
}

/** A memory in an answer, as far as every tool has it; see `toData` for the rest. */
export const memoryShape = z.looseObject({ id: z.string(), text: z.string() });
