import type * as z from 'zod/mini';
import { InvalidInputError } from '../errors/invalid-input-error.ts';
import { nearestName } from '../util/nearest-name.ts';

type JsonSchema = Readonly<Record<string, unknown>>;

/**
 * Arguments as the tool uses them. Agents write numbers and booleans as texts, lists as one text and objects as
 * JSON texts: what is meant is clear, so it is accepted. Null members count as absent.
 * @throws InvalidInputError naming the field, the value and what is allowed
 */
export function readInput<Input extends z.ZodMiniObject>(
  schema: Input,
  json: JsonSchema,
  raw: unknown,
): z.infer<Input> {
  const result = schema.safeParse(meant(raw ?? {}, json));
  if (result.success) return result.data;
  // A misspelt field explains a missing one, so it is reported first.
  const { issues } = result.error;
  throw toInputError(issues.find(({ code }) => code === 'unrecognized_keys') ?? issues[0], json, raw);
}

function meant(value: unknown, schema: JsonSchema): unknown {
  switch (schema['type']) {
    case 'integer':
    case 'number':
      return typeof value === 'string' && value.trim() !== '' && Number.isFinite(Number(value))
        ? Number(value)
        : value;
    case 'boolean':
      return value === 'true' ? true : value === 'false' ? false : value;
    case 'array':
      return meantList(value, schema);
    case 'object':
      return meantObject(value, schema);
    default:
      return value;
  }
}

function meantList(value: unknown, schema: JsonSchema): unknown {
  const items = objectOf(schema['items']);
  const parsed = typeof value === 'string' ? parseIf(value, '[') : value;
  if (typeof parsed === 'string' && items['type'] === 'string')
    return parsed
      .split(',')
      .map((part) => part.trim())
      .filter(Boolean);
  return Array.isArray(parsed) ? parsed.map((item: unknown) => meant(item, items)) : parsed;
}

function meantObject(value: unknown, schema: JsonSchema): unknown {
  const parsed = typeof value === 'string' ? parseIf(value, '{') : value;
  if (parsed === null || typeof parsed !== 'object' || Array.isArray(parsed)) return parsed;
  const properties = schema['properties'];
  if (properties === undefined) return parsed;
  const members = Object.entries(parsed).filter(([, member]) => member !== null);
  return Object.fromEntries(
    members.map(([key, member]) => [key, meant(member, objectOf(objectOf(properties)[key]))]),
  );
}

function parseIf(text: string, opening: string): unknown {
  if (!text.trimStart().startsWith(opening)) return text;
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}

function objectOf(value: unknown): JsonSchema {
  // Parts of a JSON Schema that we made ourselves.
  return value !== null && typeof value === 'object' ? (value as JsonSchema) : {};
}

interface Issue {
  readonly code: string;
  readonly path: readonly PropertyKey[];
  readonly keys?: readonly string[];
}

function toInputError(issue: Issue | undefined, json: JsonSchema, raw: unknown): InvalidInputError {
  const path = issue?.path ?? [];
  const unknownKey = issue?.code === 'unrecognized_keys' ? issue.keys?.[0] : undefined;
  if (unknownKey !== undefined) return unknownField([...path, unknownKey], schemaAt(json, path));
  const schema = schemaAt(json, path);
  return new InvalidInputError(
    path.length === 0 ? 'arguments' : dotted(path),
    `is ${shown(valueAt(raw, path))}`,
    `allowed is ${allowed(schema)}`,
  );
}

function unknownField(path: readonly PropertyKey[], schema: JsonSchema): InvalidInputError {
  const names = Object.keys(objectOf(schema['properties']));
  const nearest = nearestName(String(path.at(-1)), names);
  const hint = nearest === undefined ? '' : `; did you mean ${nearest}?`;
  return new InvalidInputError(dotted(path), 'is an unknown field', `allowed are ${names.join(', ')}${hint}`);
}

function schemaAt(schema: JsonSchema, path: readonly PropertyKey[]): JsonSchema {
  return path.reduce<JsonSchema>(
    (inner, key) =>
      objectOf(typeof key === 'number' ? inner['items'] : objectOf(inner['properties'])[String(key)]),
    schema,
  );
}

function valueAt(raw: unknown, path: readonly PropertyKey[]): unknown {
  return path.reduce<unknown>((value, key) => objectOf(value)[String(key)], raw);
}

function dotted(path: readonly PropertyKey[]): string {
  return path
    .map((key, index) => (typeof key === 'number' ? `[${key}]` : `${index > 0 ? '.' : ''}${String(key)}`))
    .join('');
}

function shown(value: unknown): string {
  if (value === undefined) return 'missing';
  const text = JSON.stringify(value) as string | undefined;
  return text === undefined ? typeof value : text.length > 60 ? `${text.slice(0, 57)}…` : text;
}

function allowed(schema: JsonSchema): string {
  const choices = schema['enum'];
  if (Array.isArray(choices)) return `one of ${choices.join(', ')}`;
  const [least, most] = [schema['minimum'], schema['maximum']];
  switch (schema['type']) {
    case 'integer':
    case 'number':
      return `a number${typeof least === 'number' && typeof most === 'number' ? ` from ${least} to ${most}` : ''}`;
    case 'string':
      return 'a text';
    case 'boolean':
      return 'true or false';
    case 'array':
      return `a list of ${objectOf(schema['items'])['type'] === 'object' ? 'objects' : 'texts'}`;
    default:
      return 'a JSON object';
  }
}
