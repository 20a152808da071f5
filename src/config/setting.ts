import type { Machine } from './machine.ts';

/** Where a raw value was written, as far as its meaning depends on it. */
export interface ValuePlace {
  readonly machine: Machine;
  /** Folder that relative paths start at; undefined where they would be ambiguous. */
  readonly baseFolder: string | undefined;
}

/** A type of value: how it is read from text or JSON, and how that is explained. */
export interface SettingKind<Value> {
  /** For the reference, for example `integer`. */
  readonly name: string;
  /** Ends a sentence: "allowed is …". */
  readonly allowed: string;
  /** Undefined = not allowed. `raw` is never an empty string. */
  readonly parse: (raw: unknown, place: ValuePlace) => Value | undefined;
}

export interface SettingFacts {
  /** One or two sentences for the reference. */
  readonly doc: string;
  readonly environmentVariable: string;
  /** Long flag of the command line; other settings are reached by `--set key=value`. */
  readonly flag?: string;
}

/** One key of the configuration. */
export interface Setting<Value> extends SettingFacts {
  readonly kind: SettingKind<Value>;
  readonly defaultValue: (machine: Machine) => Value;
  /** The default in words where its value depends on the machine. */
  readonly defaultDoc: string;
  /** Secrets are redacted, may be read from a file, and may not be given by flag. */
  readonly secret: boolean;
}

/** Nested settings; the shape of `config.json`. */
export interface SettingGroup {
  readonly [key: string]: Setting<unknown> | SettingGroup;
}

export function isSetting(node: Setting<unknown> | SettingGroup): node is Setting<unknown> {
  return typeof node['kind'] === 'object' && 'parse' in node['kind'];
}

/** A setting that always has a value. */
export function setting<Value extends string | number | boolean>(
  kind: SettingKind<Value>,
  facts: SettingFacts & { readonly default: NoInfer<Value> },
): Setting<Value> {
  const { default: value, ...others } = facts;
  return {
    ...others,
    kind,
    secret: false,
    defaultValue: () => value,
    defaultDoc: value === '' ? 'empty' : String(value),
  };
}

/** A setting whose default is found out later, or is "nothing". */
export function optional<Value>(
  kind: SettingKind<Value>,
  facts: SettingFacts & { readonly defaultDoc: string },
): Setting<Value | undefined> {
  return { ...facts, kind, secret: false, defaultValue: () => undefined };
}

/** A setting whose default depends on the machine. */
export function derived<Value>(
  kind: SettingKind<Value>,
  facts: SettingFacts & { readonly defaultDoc: string; readonly default: (machine: Machine) => Value },
): Setting<Value> {
  const { default: defaultValue, ...others } = facts;
  return { ...others, kind, secret: false, defaultValue };
}
