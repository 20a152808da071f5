import { parse, YAMLError } from 'yaml';
import { type JsonObject } from '../head.ts';
import { isObject } from '../../util/json.ts';

/** The members of YAML front matter; undefined for text that is no YAML object. */
export function parseFrontMatter(yaml: string): JsonObject | undefined {
  try {
    const matter: unknown = parse(yaml, { schema: 'core', maxAliasCount: 20, logLevel: 'error' });
    if (matter === null) return {};
    return isObject(matter) ? matter : undefined;
  } catch (error) {
    // A ReferenceError is for too many aliases.
    if (error instanceof YAMLError || error instanceof ReferenceError) return undefined;
    throw error;
  }
}
