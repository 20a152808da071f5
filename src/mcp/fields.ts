import * as z from 'zod/mini';
import type { FilterInput } from '../memory/memory-api.ts';
import type { Metadata } from '../memory/version.ts';

/** Schema parts that several tools share. */
export const tags = z.optional(z.array(z.string()));
export const texts = z.array(z.string());
export const metadata = z.optional(z.record(z.string(), z.json()));

function described<Schema extends z.ZodMiniType>(schema: Schema, description: string): Schema {
  return schema.check(z.describe(description));
}

/** An optional text with a hint for the agent. */
export function text(description?: string): z.ZodMiniOptional<z.ZodMiniString<string>> {
  return description === undefined ? z.optional(z.string()) : described(z.optional(z.string()), description);
}

export function limit(most: number, usual: number): z.ZodMiniOptional<z.ZodMiniNumberFormat> {
  return described(z.optional(z.int().check(z.minimum(1), z.maximum(most))), `default ${usual}`);
}

/** The conditions of a filter, as members of a tool's own arguments. */
export const filterFields = {
  tags: described(tags, 'any of these'),
  all_tags: tags,
  source: text('prefix'),
  project: text(),
  metadata,
  after: text('ISO date, or age such as 7d'),
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
  const { tags: anyTags, all_tags: allTags, source, project, after, before } = given;
  const filter = {
    tags: anyTags,
    allTags,
    source,
    project,
    metadata: toMetadata(given.metadata),
    after,
    before,
  };
  return Object.values(filter).some((value) => value !== undefined) ? filter : undefined;
}

/** What the schema let through as JSON is JSON. */
export function toMetadata(given: Record<string, unknown> | undefined): Metadata | undefined {
  return given as Metadata | undefined;
}
