import * as z from 'zod/mini';
import { InvalidInputError, UnknownFieldError } from '../errors/input-errors.ts';
import { nearestName } from '../util/text.ts';
import { visibleJson } from '../util/visible-text.ts';

/** Arguments that were checked. */
export interface ReadInput<Input> {
  readonly input: Input;
  /** Unknown fields, as the caller wrote them; for `ignoredData` and `ignoredNote`. */
  readonly ignored: readonly string[];
}

/**
 * Checks the arguments of a call. Unknown fields are left out and named, for clients add their own; one whose name is
 * nearly that of a known field is an error, since it was meant to say something.
 * @param json of the schema; tells the type of each field and its allowed values
 * @throws InvalidInputError naming the field, the value and the allowed values
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
    return new UnknownFieldError(shortened(fieldName(beside.path)), `${missing} ${namesIn(beside.schema)}`);
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
  return new UnknownFieldError(shortened(fieldName(field.path)), known);
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
  return /^[\p{L}\p{N}_.[\]…-]+$/u.test(short) ? short : visibleJson(short.toWellFormed());
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

/**
 * Arguments as they are meant. Agents write numbers and booleans as texts, lists as one text with commas, and
 * lists and objects as JSON texts; optional members that are null or empty count as absent. Any other value
 * stays as it is.
 */
function coerceInput(value: unknown, schema: JsonSchema): unknown {
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

/**
 * Forms are filled with empty texts, and by some languages with empty collections of the wrong kind. A text that means
 * something says in its schema that it may have no character.
 */
function isEmpty(value: unknown, schema: JsonSchema): boolean {
  if (typeof value !== 'string') return isEmptyOfAnotherKind(value, schema['type']);
  if (schema['type'] === 'string' && schema['enum'] === undefined) {
    return value === '' && schema['minLength'] !== 0;
  }
  return value.trim() === '' && schema['type'] !== undefined;
}

function isEmptyOfAnotherKind(value: unknown, type: unknown): boolean {
  if (typeof value !== 'object' || value === null || typeof type !== 'string') return false;
  return type !== 'object' && type !== (Array.isArray(value) ? 'array' : 'object') && isBare(value);
}

function isBare(value: object): boolean {
  return Object.keys(value).length === 0;
}

function parseJson(text: string, opening: '[' | '{'): unknown {
  if (!text.trimStart().startsWith(opening)) return text;
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}

export type JsonSchema = Readonly<Record<string, unknown>>;

/** JSON Schema of the arguments of a call, without parts that only cost tokens: the dialect, the range of integers. */
export function toJsonSchema(schema: z.ZodMiniObject): JsonSchema {
  const json = z.toJSONSchema(schema, {
    io: 'input',
    // Its `z.meta` gives the schema.
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

/** The one member of metadata that has a meaning here. */
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
function requiredOf(schema: JsonSchema): readonly unknown[] {
  return Array.isArray(schema['required']) ? schema['required'] : [];
}

/** True for an object whose members are the caller's own. */
function isFree(schema: JsonSchema): boolean {
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
