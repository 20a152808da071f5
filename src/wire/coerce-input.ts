import { isFree, type JsonSchema, requiredOf, schemaOf } from './json-schema.ts';

/**
 * Arguments as they are meant. Agents write numbers and booleans as texts, lists as one text with commas, and
 * lists and objects as JSON texts; optional members that are null or empty count as absent. What is not understood
 * stays as it is.
 */
export function coerceInput(value: unknown, schema: JsonSchema): unknown {
  switch (schema['type']) {
    case 'integer':
    case 'number':
      return typeof value === 'string' ? toNumber(value) : value;
    case 'boolean':
      return typeof value === 'string' ? toBoolean(value) : value;
    case 'array':
      return toList(value, schema);
    case 'object':
      return toObject(value, schema);
    default:
      return value;
  }
}

function toNumber(text: string): number | string {
  const number = Number(text);
  return text.trim() !== '' && Number.isFinite(number) ? number : text;
}

function toBoolean(text: string): boolean | string {
  const word = text.trim().toLowerCase();
  return word === 'true' ? true : word === 'false' ? false : text;
}

function toList(value: unknown, schema: JsonSchema): unknown {
  const items = schemaOf(schema, 0);
  const parsed = typeof value === 'string' ? parseJson(value, '[') : value;
  if (typeof parsed === 'string' && items['type'] === 'string') return splitAtCommas(parsed);
  return Array.isArray(parsed) ? parsed.map((item: unknown) => coerceInput(item, items)) : parsed;
}

function splitAtCommas(text: string): string[] {
  return text
    .split(',')
    .map((part) => part.trim())
    .filter((part) => part !== '');
}

function toObject(value: unknown, schema: JsonSchema): unknown {
  const parsed = typeof value === 'string' ? parseJson(value, '{') : value;
  // Languages with one kind of collection write an empty object as an empty list.
  if (Array.isArray(parsed) && parsed.length === 0) return {};
  if (parsed === null || typeof parsed !== 'object' || Array.isArray(parsed)) return parsed;
  // Members of a free object are the caller's own data: there null is a value.
  if (isFree(schema)) return parsed;
  const required = requiredOf(schema);
  const members = Object.entries(parsed).filter(
    ([key, member]) => member !== null && (required.includes(key) || !isEmpty(member, schemaOf(schema, key))),
  );
  return Object.fromEntries(
    members.map(([key, member]) => [key, coerceInput(member, schemaOf(schema, key))]),
  );
}

/** Forms are filled with empty texts. One that means something says in its schema that it may have no character. */
function isEmpty(value: unknown, schema: JsonSchema): boolean {
  if (typeof value !== 'string') return false;
  if (schema['type'] === 'string' && schema['enum'] === undefined) {
    return value === '' && schema['minLength'] !== 0;
  }
  return value.trim() === '' && schema['type'] !== undefined;
}

function parseJson(text: string, opening: '[' | '{'): unknown {
  if (!text.trimStart().startsWith(opening)) return text;
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}
