import type * as z from 'zod/mini';
import { InvalidInputError } from '../errors/input-errors.ts';
import { nearestName, printable } from '../util/text.ts';
import { coerceInput } from './coerce-input.ts';
import { isFree, type JsonSchema, propertiesOf, schemaOf } from './json-schema.ts';

/** Arguments that were checked. */
export interface ReadInput<Input> {
  readonly input: Input;
  /** Fields that nobody knows, as the caller wrote them; for `ignoredData` and `ignoredNote`. */
  readonly ignored: readonly string[];
}

/**
 * Checks the arguments of a call. Unknown fields are left out and named, for clients add their own; one whose name is
 * nearly that of a known field is an error, since it was meant to say something.
 * @param json of the schema; says what is meant and what is allowed
 * @throws InvalidInputError naming the field, the value and what is allowed
 */
export function readInput<Input extends z.ZodMiniObject>(
  schema: Input,
  json: JsonSchema,
  raw: unknown,
): ReadInput<z.infer<Input>> {
  const unknown: Unknown[] = [];
  const value = withoutUnknown(coerceInput(raw ?? {}, json), { schema: json, path: [], unknown });
  const misspelt = unknown.slice(0, MAX_COMPARED).find((field) => nearestField(field) !== undefined);
  if (misspelt !== undefined) throw unknownField(misspelt);
  const result = schema.safeParse(value);
  if (!result.success) throw toInputError(result.error.issues[0], json, { value, unknown });
  return { input: result.data, ignored: unknown.map(({ path }) => fieldName(path)) };
}

/** Each is compared with every known field. */
const MAX_COMPARED = 200;

interface Unknown {
  readonly path: readonly PropertyKey[];
  /** Of the object that it stands in. */
  readonly schema: JsonSchema;
}

interface Place extends Unknown {
  /** Where unknown fields are noted. */
  readonly unknown: Unknown[];
}

function withoutUnknown(value: unknown, { schema, path, unknown }: Place): unknown {
  if (value === null || typeof value !== 'object' || isFree(schema)) return value;
  const inside = (member: unknown, key: PropertyKey): unknown =>
    withoutUnknown(member, { schema: schemaOf(schema, key), path: [...path, key], unknown });
  if (Array.isArray(value)) {
    // Items of a kind, most often texts.
    return schemaOf(schema, 0)['type'] === 'object' ? value.map(inside) : value;
  }
  if (schema['type'] !== 'object') return value;
  const known = propertiesOf(schema);
  const members = Object.entries(value).filter(([key]) => {
    if (Object.hasOwn(known, key)) return true;
    unknown.push({ path: [...path, key], schema });
    return false;
  });
  return Object.fromEntries(members.map(([key, member]) => [key, inside(member, key)]));
}

interface Issue {
  readonly path: readonly PropertyKey[];
}

interface Given {
  readonly value: unknown;
  readonly unknown: readonly Unknown[];
}

function toInputError(
  issue: Issue | undefined,
  json: JsonSchema,
  { value, unknown }: Given,
): InvalidInputError {
  const path = issue?.path ?? [];
  const schema = path.reduce(schemaOf, json);
  const given = path.reduce<unknown>(memberOf, value);
  // An unknown field beside it explains a missing one.
  const beside = given === undefined ? unknown.find((one) => isBeside(one.path, path)) : undefined;
  if (beside !== undefined) {
    const missing = `${fieldName(path)} is missing; ${beside.path.length > 1 ? 'there ' : ''}allowed are`;
    return new InvalidInputError(
      shortened(fieldName(beside.path)),
      'is an unknown field',
      `${missing} ${namesIn(beside.schema)}`,
    );
  }
  return new InvalidInputError(
    path.length === 0 ? 'arguments' : fieldName(path),
    `is ${shown(given)}`,
    `allowed is ${allowed(schema)}`,
  );
}

function isBeside(one: readonly PropertyKey[], other: readonly PropertyKey[]): boolean {
  return one.length === other.length && one.slice(0, -1).every((key, index) => key === other[index]);
}

function nearestField({ path, schema }: Unknown): string | undefined {
  return nearestName(String(path.at(-1)), Object.keys(propertiesOf(schema)));
}

function unknownField(field: Unknown): InvalidInputError {
  const known = `allowed are ${namesIn(field.schema)}; did you mean ${nearestField(field) ?? ''}?`;
  return new InvalidInputError(shortened(fieldName(field.path)), 'is an unknown field', known);
}

function namesIn(schema: JsonSchema): string {
  return Object.keys(propertiesOf(schema)).join(', ');
}

/** Fields that an answer names. */
const MAX_NAMED = 5;

/** For an answer as data: absent when there is nothing to say. */
export function ignoredData(ignored: readonly string[]): { ignored_fields?: string[] } {
  return ignored.length === 0 ? {} : { ignored_fields: ignored.slice(0, MAX_NAMED).map(shortened) };
}

/** For an answer as text; empty = nothing to say. */
export function ignoredNote(ignored: readonly string[]): string {
  if (ignored.length === 0) return '';
  const more = ignored.length - MAX_NAMED;
  const names = ignored.slice(0, MAX_NAMED).map(shortened).join(', ');
  return `Note: ignored unknown field${ignored.length > 1 ? 's' : ''}: ${names}${more > 0 ? ` and ${more} more` : ''}.`;
}

/** The name in one short line, quoted where it is none. */
function shortened(name: string): string {
  const short = name.length > MAX_SHOWN ? `${name.slice(0, MAX_SHOWN - 1)}…` : name;
  return /^[\p{L}\p{N}_.[\]…-]+$/u.test(short) ? short : JSON.stringify(printable(short.toWellFormed()));
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
