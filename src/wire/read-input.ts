import type * as z from 'zod/mini';
import { InvalidInputError } from '../errors/invalid-input-error.ts';
import { nearestName } from '../util/nearest-name.ts';
import { coerceInput } from './coerce-input.ts';
import { type JsonSchema, propertiesOf, schemaOf } from './json-schema.ts';

/**
 * Checks the arguments of a call.
 * @param json of the schema; says what is meant and what is allowed
 * @throws InvalidInputError naming the field, the value and what is allowed
 */
export function readInput<Input extends z.ZodMiniObject>(
  schema: Input,
  json: JsonSchema,
  raw: unknown,
): z.infer<Input> {
  const value = coerceInput(raw ?? {}, json);
  const result = schema.safeParse(value);
  if (result.success) return result.data;
  // A misspelt field explains a missing one, so it is reported first.
  const issues: readonly Issue[] = result.error.issues;
  throw toInputError(issues.find(({ code }) => code === 'unrecognized_keys') ?? issues[0], json, value);
}

interface Issue {
  readonly code: string;
  readonly path: readonly PropertyKey[];
  readonly keys?: readonly string[];
}

function toInputError(issue: Issue | undefined, json: JsonSchema, value: unknown): InvalidInputError {
  const path = issue?.path ?? [];
  const schema = path.reduce(schemaOf, json);
  const unknownKey = issue?.code === 'unrecognized_keys' ? issue.keys?.[0] : undefined;
  if (unknownKey !== undefined) return unknownField([...path, unknownKey], schema);
  return new InvalidInputError(
    path.length === 0 ? 'arguments' : fieldName(path),
    `is ${shown(path.reduce<unknown>(memberOf, value))}`,
    `allowed is ${allowed(schema)}`,
  );
}

function unknownField(path: readonly PropertyKey[], schema: JsonSchema): InvalidInputError {
  const names = Object.keys(propertiesOf(schema));
  const nearest = nearestName(String(path.at(-1)), names);
  const hint = nearest === undefined ? '' : `; did you mean ${nearest}?`;
  const known = names.length === 0 ? 'no fields are allowed' : `allowed are ${names.join(', ')}`;
  return new InvalidInputError(fieldName(path), 'is an unknown field', `${known}${hint}`);
}

function memberOf(value: unknown, key: PropertyKey): unknown {
  return value !== null && typeof value === 'object' ? (Reflect.get(value, key) as unknown) : undefined;
}

/** For example `memories[0].text`. */
function fieldName(path: readonly PropertyKey[]): string {
  return path
    .map((key, index) => (typeof key === 'number' ? `[${key}]` : `${index > 0 ? '.' : ''}${String(key)}`))
    .join('');
}

const MAX_SHOWN = 60;

function shown(value: unknown): string {
  if (value === undefined) return 'missing';
  const json = toJson(value);
  // The cut may fall into a surrogate pair, which not every client could read.
  return json.length > MAX_SHOWN ? `${json.slice(0, MAX_SHOWN - 1).toWellFormed()}…` : json;
}

function toJson(value: unknown): string {
  try {
    return JSON.stringify(value);
  } catch {
    // Nested so deeply that the stack is too small.
    return Array.isArray(value) ? '[…]' : '{…}';
  }
}

function allowed(schema: JsonSchema): string {
  const { type, enum: choices, minimum, maximum } = schema;
  if (Array.isArray(choices)) return `one of ${choices.join(', ')}`;
  if (Array.isArray(type)) return type.map((one: unknown) => allowed({ ...schema, type: one })).join(' or ');
  switch (type) {
    case 'integer':
    case 'number':
      return `${type === 'integer' ? 'an integer' : 'a number'}${range(minimum, maximum)}`;
    case 'string':
      return 'a text';
    case 'boolean':
      return 'true or false';
    case 'array':
      return `a list of ${schemaOf(schema, 0)['type'] === 'object' ? 'objects' : 'texts'}`;
    default:
      return anObject(schema);
  }
}

function anObject(schema: JsonSchema): string {
  const names = Object.keys(propertiesOf(schema));
  return names.length === 0 ? 'a JSON object' : `an object with ${names.join(', ')}`;
}

function range(minimum: unknown, maximum: unknown): string {
  return typeof minimum === 'number' && typeof maximum === 'number' ? ` from ${minimum} to ${maximum}` : '';
}
