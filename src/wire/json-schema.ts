import * as z from 'zod/mini';

export type JsonSchema = Readonly<Record<string, unknown>>;

/** JSON Schema of what a caller writes, without what only costs tokens: clients know the dialect and integers. */
export function toJsonSchema(schema: z.ZodMiniObject): JsonSchema {
  const json = z.toJSONSchema(schema, {
    io: 'input',
    // Says itself what it is, by `z.meta`.
    unrepresentable: 'any',
    override: ({ jsonSchema }) => {
      tighten(jsonSchema);
    },
  });
  return Object.fromEntries(Object.entries(json).filter(([key]) => key !== '$schema'));
}

/** Made at the first use, for not every schema is needed in every process. */
export function lazySchema(schema: z.ZodMiniObject): () => JsonSchema {
  let made: JsonSchema | undefined;
  return () => (made ??= toJsonSchema(schema));
}

/**
 * The same schema in the words that all clients pass on to their models. Gemini's function declarations know no
 * `additionalProperties`, and take no object without properties; so free objects name one member that they may have.
 */
export function toPortable(schema: JsonSchema): JsonSchema {
  const rest = Object.entries(schema).filter(([keyword]) => keyword !== 'additionalProperties');
  const properties = Object.entries(propertiesOf(schema)).map(([name, member]) => {
    const own = toPortable(toSchema(member));
    return [name, isFree(own) ? { ...own, properties: FREE_MEMBERS } : own] as const;
  });
  return {
    ...Object.fromEntries(rest),
    ...(properties.length === 0 ? {} : { properties: Object.fromEntries(properties) }),
    ...(schema['items'] === undefined ? {} : { items: toPortable(toSchema(schema['items'])) }),
  };
}

/** Members of metadata beside those that nobody can know. */
const FREE_MEMBERS: JsonSchema = { project: { type: 'string' } };

function tighten(json: z.core.JSONSchema.BaseSchema): void {
  delete json.propertyNames;
  if (json.minimum === Number.MIN_SAFE_INTEGER) delete json.minimum;
  if (json.maximum === Number.MAX_SAFE_INTEGER) delete json.maximum;
  const additional = json.additionalProperties;
  if (typeof additional === 'object' && Object.keys(additional).length === 0)
    delete json.additionalProperties;
}

/** Schema of a member or an item; empty when there is none. */
export function schemaOf(schema: JsonSchema, key: PropertyKey): JsonSchema {
  return typeof key === 'number' ? toSchema(schema['items']) : toSchema(propertiesOf(schema)[String(key)]);
}

/** Schemas of the known members; empty for an object with free members. */
export function propertiesOf(schema: JsonSchema): JsonSchema {
  return toSchema(schema['properties']);
}

/** Names of the members that may not be absent. */
export function requiredOf(schema: JsonSchema): readonly unknown[] {
  return Array.isArray(schema['required']) ? schema['required'] : [];
}

/** True for an object whose members are the caller's own. */
export function isFree(schema: JsonSchema): boolean {
  return (
    schema['type'] === 'object' &&
    schema['additionalProperties'] !== false &&
    Object.keys(propertiesOf(schema)).length === 0
  );
}

function toSchema(value: unknown): JsonSchema {
  // Parts of a JSON Schema that we made ourselves.
  return value !== null && typeof value === 'object' ? (value as JsonSchema) : {};
}
