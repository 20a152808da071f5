import type { StandardSchemaWithJSON } from '@modelcontextprotocol/server';
import * as z from 'zod/mini';

type AdvertisedSchema = StandardSchemaWithJSON<Record<string, unknown>>;

/** JSON Schema of what a caller writes. */
export function toJsonSchema(schema: z.ZodMiniObject): Record<string, unknown> {
  const json = z.toJSONSchema(schema, { io: 'input' });
  // Clients know the dialect; naming it only costs tokens.
  return Object.fromEntries(Object.entries(json).filter(([key]) => key !== '$schema'));
}

/**
 * A schema that the SDK shows to clients and does not check: arguments may be written more freely than it says,
 * and errors shall be the same at every edge, so the receiver reads them itself.
 */
export function advertise(json: Record<string, unknown>): AdvertisedSchema {
  return {
    '~standard': {
      version: 1,
      vendor: 'faiss-memory',
      // Whatever came is handed on as it is.
      validate: (value) => ({ value: value as Record<string, unknown> }),
      jsonSchema: { input: () => json, output: () => json },
    },
  };
}
