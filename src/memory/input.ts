import { InvalidInputError, SecretRejectedError } from '../errors/input-errors.ts';
import { maskSecrets, type SecretScanner } from '../secrets/secret-scanner.ts';
import type { AddInput, UpdateInput } from './memory-api.ts';
import type { MemoryDraft, MemoryPatch } from './memory.ts';
import { compareText, type JsonValue, type Metadata } from './version.ts';

export type SecretsMode = 'mask' | 'reject' | 'allow';

export interface InputRules {
  readonly scanner: SecretScanner;
  readonly secrets: SecretsMode;
  /** Longest allowed text, in UTF-16 code units. */
  readonly textLimit: number;
  /** Project of new memories that name none; empty or `*` = no project. */
  readonly defaultProject: string;
}

export interface CheckedInput<T> {
  readonly value: T;
  /** Kinds of secrets that were masked, for example `AWS access key`. */
  readonly masked: readonly string[];
}

/** Validates input from outside, and masks or rejects secrets before they reach the store. */
export class InputChecker {
  readonly #rules: InputRules;

  constructor(rules: InputRules) {
    this.#rules = rules;
  }

  /** @throws InvalidInputError, SecretRejectedError */
  draft(field: string, input: AddInput): CheckedInput<MemoryDraft> {
    const named = input.project ?? this.#rules.defaultProject;
    const project = named === ALL_PROJECTS ? '' : named;
    const metadata = {
      ...(project === '' ? {} : { project }),
      ...(input.metadata === undefined ? {} : checkMetadata(`${field}metadata`, input.metadata)),
    };
    return this.content(field, { ...input, metadata });
  }

  /** Checks like `draft`, but adds no default project: imported content keeps its own metadata. */
  content(field: string, input: Omit<AddInput, 'project'>): CheckedInput<MemoryDraft> {
    const masked = new Set<string>();
    const text = checkText(`${field}text`, input.text, this.#rules.textLimit);
    return {
      value: {
        text: this.#clean(`${field}text`, text, masked),
        tags: this.#cleanTags(`${field}tags`, checkTags(`${field}tags`, input.tags ?? []), masked),
        source: this.#clean(`${field}source`, checkSource(`${field}source`, input.source ?? ''), masked),
        metadata: this.#cleanMetadata(
          `${field}metadata`,
          checkMetadata(`${field}metadata`, input.metadata ?? {}),
          masked,
        ),
      },
      masked: [...masked],
    };
  }

  /** @throws InvalidInputError when the patch is empty or a field is not allowed; SecretRejectedError */
  patch(input: UpdateInput): CheckedInput<MemoryPatch> {
    const masked = new Set<string>();
    const patch: MemoryPatch = {
      ...(input.text === undefined
        ? {}
        : { text: this.#clean('text', checkText('text', input.text, this.#rules.textLimit), masked) }),
      ...(input.tags === undefined
        ? {}
        : { tags: this.#cleanTags('tags', checkTags('tags', input.tags), masked) }),
      ...(input.addTags === undefined
        ? {}
        : { addTags: this.#cleanTags('addTags', checkTags('addTags', input.addTags), masked) }),
      ...(input.removeTags === undefined ? {} : { removeTags: checkTags('removeTags', input.removeTags) }),
      ...(input.source === undefined
        ? {}
        : { source: this.#clean('source', checkSource('source', input.source), masked) }),
      ...(input.metadata === undefined
        ? {}
        : {
            mergeMetadata: this.#cleanMetadata('metadata', checkMetadata('metadata', input.metadata), masked),
          }),
    };
    if (Object.keys(patch).length === 0) {
      throw new InvalidInputError(
        'update',
        'changes nothing',
        'give at least one of text, tags, addTags, removeTags, source, metadata',
      );
    }
    return { value: patch, masked: [...masked] };
  }

  #clean(field: string, text: string, masked: Set<string>): string {
    if (this.#rules.secrets === 'allow') return text;
    const findings = this.#rules.scanner.scan(text);
    if (findings.length === 0) return text;
    const kinds = [...new Set(findings.map((finding) => finding.kind))];
    if (this.#rules.secrets === 'reject') throw new SecretRejectedError(field, kinds);
    for (const kind of kinds) masked.add(kind);
    return maskSecrets(text, findings);
  }

  #cleanTags(field: string, tags: readonly string[], masked: Set<string>): string[] {
    return tags.map((tag) => this.#clean(field, tag, masked));
  }

  /** Scans each value together with its name, because a value under `password` is a secret even when it looks harmless. */
  #cleanMetadata(field: string, metadata: Metadata, masked: Set<string>): Metadata {
    const clean = (name: string, value: JsonValue): JsonValue => {
      if (typeof value === 'string') return this.#cleanValue(field, { name, value }, masked);
      if (Array.isArray(value)) return value.map((item) => clean(name, item));
      if (value === null || typeof value !== 'object') return value;
      return Object.fromEntries(Object.entries(value).map(([key, member]) => [key, clean(key, member)]));
    };
    return Object.fromEntries(Object.entries(metadata).map(([key, member]) => [key, clean(key, member)]));
  }

  #cleanValue(field: string, { name, value }: { name: string; value: string }, masked: Set<string>): string {
    const label = `${name}: `;
    const whole = this.#clean(field, label + value, masked);
    return whole.startsWith(label) ? whole.slice(label.length) : this.#clean(field, value, masked);
  }
}

/** In the place of a project: all of them, or none in particular. */
export const ALL_PROJECTS = '*';

/** Limits of one memory; the limit of its text is a setting (`InputRules.textLimit`). */
export const MAX_TAGS = 64;
export const MAX_TAG_LENGTH = 128;
export const MAX_SOURCE_LENGTH = 1_024;
export const MAX_METADATA_LENGTH = 16_384;
/** Levels of nesting in metadata. */
export const MAX_JSON_DEPTH = 20;
export const MAX_QUERY_LENGTH = 10_000;

/** @returns the text as it is stored. @throws InvalidInputError when empty, too long or not valid Unicode */
export function checkText(field: string, text: unknown, limit: number): string {
  const value = checkString(field, text);
  if (value.trim() === '') {
    throw new InvalidInputError(
      field,
      value === '' ? 'is empty' : 'is only white space',
      'allowed is a text with at least one visible character',
    );
  }
  if (value.length > limit) {
    throw new InvalidInputError(
      field,
      `has ${value.length} characters`,
      `allowed are at most ${limit}; split the text`,
    );
  }
  return value;
}

/** @returns trimmed, distinct tags in code-unit order. @throws InvalidInputError */
export function checkTags(field: string, tags: unknown): string[] {
  if (!Array.isArray(tags)) {
    throw new InvalidInputError(field, `is ${describe(tags)}`, 'allowed is a list of texts');
  }
  const distinct = new Set(tags.map((tag, index) => checkTag(`${field}[${index}]`, tag)));
  if (distinct.size > MAX_TAGS) {
    throw new InvalidInputError(field, `has ${distinct.size} entries`, `allowed are at most ${MAX_TAGS}`);
  }
  return [...distinct].sort(compareText);
}

function checkTag(field: string, tag: unknown): string {
  const value = checkString(field, tag).trim().normalize('NFC');
  if (value === '' || value.length > MAX_TAG_LENGTH) {
    throw new InvalidInputError(
      field,
      `is ${describe(tag)}`,
      `allowed is a text of 1 to ${MAX_TAG_LENGTH} characters`,
    );
  }
  return value;
}

/** @throws InvalidInputError */
export function checkSource(field: string, source: unknown): string {
  const value = checkString(field, source).trim();
  if (value.length > MAX_SOURCE_LENGTH) {
    throw new InvalidInputError(
      field,
      `has ${value.length} characters`,
      `allowed are at most ${MAX_SOURCE_LENGTH}`,
    );
  }
  return value;
}

/** @throws InvalidInputError when the value is not a plain JSON object, or is too large */
export function checkMetadata(field: string, metadata: unknown): Metadata {
  if (metadata === null || typeof metadata !== 'object' || Array.isArray(metadata)) {
    throw new InvalidInputError(field, `is ${describe(metadata)}`, 'allowed is a JSON object');
  }
  const checked: Record<string, JsonValue> = {};
  for (const [key, value] of Object.entries(metadata)) {
    if (value === undefined) continue;
    Object.defineProperty(checked, checkString(`${field} key`, key), {
      value: checkJson(`${field}.${key}`, value, 0),
      enumerable: true,
      writable: true,
      configurable: true,
    });
  }
  const length = JSON.stringify(checked).length;
  if (length > MAX_METADATA_LENGTH) {
    throw new InvalidInputError(
      field,
      `has ${length} characters as JSON`,
      `allowed are at most ${MAX_METADATA_LENGTH}`,
    );
  }
  return checked;
}

function checkJson(field: string, value: unknown, depth: number): JsonValue {
  if (depth > MAX_JSON_DEPTH)
    throw new InvalidInputError(field, 'is nested too deeply', `allowed are ${MAX_JSON_DEPTH} levels`);
  if (typeof value === 'string') return checkString(field, value);
  if (value === null || typeof value === 'boolean') return value;
  if (typeof value === 'number' && Number.isFinite(value)) return value;
  if (Array.isArray(value))
    return value.map((item, index) => checkJson(`${field}[${index}]`, item, depth + 1));
  if (typeof value === 'object') {
    return Object.fromEntries(
      Object.entries(value).map(([key, member]) => [
        checkString(`${field} key`, key),
        checkJson(`${field}.${key}`, member, depth + 1),
      ]),
    );
  }
  throw new InvalidInputError(field, `is ${describe(value)}`, 'allowed is a JSON value');
}

/** @throws InvalidInputError for other types, NUL characters, and lone surrogates, which UTF-8 cannot store */
export function checkString(field: string, value: unknown): string {
  if (typeof value !== 'string')
    throw new InvalidInputError(field, `is ${describe(value)}`, 'allowed is a text');
  if (!value.isWellFormed()) {
    throw new InvalidInputError(
      field,
      `has a lone surrogate at ${loneSurrogateAt(value)}`,
      'allowed is valid Unicode text',
    );
  }
  if (value.includes('\0')) {
    throw new InvalidInputError(
      field,
      `has a NUL character at ${value.indexOf('\0')}`,
      'allowed is text without NUL',
    );
  }
  return value;
}

function loneSurrogateAt(value: string): number {
  return /\p{Surrogate}/u.exec(value)?.index ?? 0;
}

/** Accepts a number, or a text such as "5". @throws InvalidInputError when it is not an integer in the range */
export function checkInteger(field: string, value: unknown, range: { min: number; max: number }): number {
  const number = typeof value === 'string' && value.trim() !== '' ? Number(value) : value;
  if (typeof number !== 'number' || !Number.isInteger(number) || number < range.min || number > range.max) {
    throw new InvalidInputError(
      field,
      `is ${describe(value)}`,
      `allowed is an integer from ${range.min} to ${range.max}`,
    );
  }
  return number;
}

/** @throws InvalidInputError when the value is not a number from 0 to 1 */
export function checkShare(field: string, value: unknown): number {
  if (typeof value === 'number' && value >= 0 && value <= 1) return value;
  throw new InvalidInputError(field, `is ${describe(value)}`, 'allowed is a number from 0 to 1');
}

/** @throws InvalidInputError when the value is not one of the choices */
export function checkChoice<Choice extends string>(
  field: string,
  value: unknown,
  choices: readonly Choice[],
): Choice {
  const choice = choices.find((candidate) => candidate === value);
  if (choice === undefined) {
    throw new InvalidInputError(field, `is ${describe(value)}`, `allowed is one of ${choices.join(', ')}`);
  }
  return choice;
}

/** The value as error messages show it, cut to 60 characters. */
function describe(value: unknown): string {
  if (value === undefined) return 'missing';
  const json = JSON.stringify(value) as string | undefined;
  if (json === undefined) return `a ${typeof value}`;
  return json.length > 60 ? `${json.slice(0, 57)}…` : json;
}
