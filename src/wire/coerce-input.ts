import { type JsonSchema, propertiesOf, schemaOf } from './json-schema.ts';

/**
 * Arguments as they are meant. Agents write numbers and booleans as texts, lists as one text with commas, and
 * lists and objects as JSON texts; null members count as absent. What is not understood stays as it is.
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
  if (parsed === null || typeof parsed !== 'object' || Array.isArray(parsed)) return parsed;
  // Members of a free object are the caller's own data: there null is a value.
  if (Object.keys(propertiesOf(schema)).length === 0 && schema['additionalProperties'] !== false)
    return parsed;
  const members = Object.entries(parsed).filter(([, member]) => member !== null);
  return Object.fromEntries(
    members.map(([key, member]) => [key, coerceInput(member, schemaOf(schema, key))]),
  );
}

function parseJson(text: string, opening: '[' | '{'): unknown {
  if (!text.trimStart().startsWith(opening)) return text;
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}
