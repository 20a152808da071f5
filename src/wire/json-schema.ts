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

function toSchema(value: unknown): JsonSchema {
  // Parts of a JSON Schema that we made ourselves.
  return value !== null && typeof value === 'object' ? (value as JsonSchema) : {};
}
