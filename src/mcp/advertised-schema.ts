import type { StandardSchemaWithJSON } from '@modelcontextprotocol/server';
import type { JsonSchema } from '../api/input.ts';

export type AdvertisedSchema = StandardSchemaWithJSON<Record<string, unknown>>;

/**
 * A schema that the SDK shows to clients and does not check: arguments may be written more freely than it says,
 * and errors shall read the same at every edge, so the receiver checks them itself.
 * @param json made when a client first asks for it
 */
export function advertise(json: () => JsonSchema): AdvertisedSchema {
  return {
    '~standard': {
      version: 1,
      vendor: 'faiss-memory',
      // Whatever came is handed on as it is.
      validate: (value) => ({ value: value as Record<string, unknown> }),
      jsonSchema: { input: () => ({ ...json() }), output: () => ({ ...json() }) },
    },
  };
}
