import { InvalidInputError, SecretRejectedError } from '../errors/input-errors.ts';
import { maskSecrets } from '../secrets/mask-secrets.ts';
import type { SecretScanner } from '../secrets/secret-scanner.ts';
import { checkMetadata, checkSource, checkTags, checkText } from './input-limits.ts';
import type { MemoryDraft, MemoryPatch } from './memory.ts';
import type { AddInput, UpdateInput } from './memory-api.ts';
import type { JsonValue, Metadata } from './version.ts';

export type SecretsMode = 'mask' | 'reject' | 'allow';

export interface InputRules {
  readonly scanner: SecretScanner;
  readonly secrets: SecretsMode;
  /** Characters of a text at most. */
  readonly textLimit: number;
  /** Put into the metadata of new memories that name no project; empty = none. */
  readonly defaultProject: string;
}

export interface CheckedInput<T> {
  readonly value: T;
  /** Kinds of secrets that were masked. */
  readonly masked: readonly string[];
}

/** Validates what comes from outside and keeps secrets out of the store. */
export class InputChecker {
  readonly #rules: InputRules;

  constructor(rules: InputRules) {
    this.#rules = rules;
  }

  /** @throws InvalidInputError, SecretRejectedError */
  draft(field: string, input: AddInput): CheckedInput<MemoryDraft> {
    const project = input.project ?? this.#rules.defaultProject;
    const metadata = {
      ...(project === '' ? {} : { project }),
      ...(input.metadata === undefined ? {} : checkMetadata(`${field}metadata`, input.metadata)),
    };
    return this.content(field, { ...input, metadata });
  }

  /** The same without a default project: content from elsewhere stays what it was there. */
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

  /** @throws InvalidInputError when nothing is to change or a field is not allowed; SecretRejectedError */
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

  /** A value is looked at together with its name: `password` makes a secret of what alone looks harmless. */
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
