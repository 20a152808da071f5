import { Cron } from 'croner';
import { SecretString } from '../util/secret-string.ts';
import { hostName } from '../util/text.ts';
import { isTimeZone } from '../util/time-zone.ts';
import { homeOf, type Environment, pathsOf } from './environment.ts';

/** The source of a raw value, as far as its meaning depends on the source. */
export interface ValueOrigin {
  readonly environment: Environment;
  /** Base of relative paths; undefined when they are not allowed. */
  readonly baseFolder: string | undefined;
}

/** A type of setting: parses values from text or JSON, and explains the allowed ones. */
interface SettingKind<Value> {
  /** Name in the documentation, for example `integer`. */
  readonly name: string;
  /** Ends a sentence: "allowed is …". */
  readonly allowed: string;
  /** Returns undefined for a value that is not allowed. `raw` is never an empty string. */
  readonly parse: (raw: unknown, origin: ValueOrigin) => Value | undefined;
}

interface SettingFacts {
  /** One or two sentences for the documentation. */
  readonly doc: string;
  readonly environmentVariable: string;
  /** Long command-line flag; settings without one are set by `--set key=value`. */
  readonly flag?: string;
}

/** One setting of the configuration. */
export interface Setting<Value> extends SettingFacts {
  readonly kind: SettingKind<Value>;
  readonly defaultValue: (environment: Environment) => Value;
  /** The default in the documentation, in words when its value depends on the environment. */
  readonly defaultDoc: string;
  /** True for secrets: they are redacted, can be read from a file, and are refused in flags. */
  readonly secret: boolean;
  /** True when the default takes too long to find for the start of a server: it is found when it is read. */
  readonly late?: boolean;
}

/** Nested settings, with the structure of `config.json`. */
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

/** A setting that is undefined by default. */
export function optional<Value>(
  kind: SettingKind<Value>,
  facts: SettingFacts & { readonly defaultDoc: string },
): Setting<Value | undefined> {
  return { ...facts, kind, secret: false, defaultValue: () => undefined };
}

/** A setting whose default depends on the environment. */
export function derived<Value>(
  kind: SettingKind<Value>,
  facts: SettingFacts & {
    readonly defaultDoc: string;
    readonly default: (environment: Environment) => Value;
    readonly late?: boolean;
  },
): Setting<Value> {
  const { default: defaultValue, ...others } = facts;
  return { ...others, kind, secret: false, defaultValue };
}

export function text(): SettingKind<string> {
  return {
    name: 'text',
    allowed: 'a text',
    parse: (raw) => (typeof raw === 'string' ? raw : undefined),
  };
}

/** One of a few words; the input may use any case. */
export function choice<const Word extends string>(words: readonly Word[]): SettingKind<Word> {
  return {
    name: words.map((word) => `\`${word}\``).join(', '),
    allowed: `one of ${words.join(', ')}`,
    parse: (raw) =>
      typeof raw === 'string' ? words.find((word) => word === raw.trim().toLowerCase()) : undefined,
  };
}

const YES: readonly unknown[] = [true, 'true', '1', 'yes', 'on'];
const NO: readonly unknown[] = [false, 'false', '0', 'no', 'off'];

/** True or false; also 1, yes, on, 0, no and off. */
export function toggle(): SettingKind<boolean> {
  return {
    name: 'true or false',
    allowed: 'true, 1, yes or on; or false, 0, no or off',
    parse: (raw) => {
      const word = typeof raw === 'string' ? raw.trim().toLowerCase() : raw;
      return YES.includes(word) ? true : NO.includes(word) ? false : undefined;
    },
  };
}

export function integer(range: { min: number; max: number }): SettingKind<number> {
  return numeric(range, { name: 'integer', article: 'an', accepts: Number.isInteger });
}

export function number(range: { min: number; max: number }): SettingKind<number> {
  return numeric(range, { name: 'number', article: 'a', accepts: Number.isFinite });
}

function numeric(
  range: { min: number; max: number },
  type: { name: string; article: string; accepts: (value: unknown) => boolean },
): SettingKind<number> {
  const bounds = `${type.name} from ${range.min} to ${range.max}`;
  return {
    name: bounds,
    allowed: `${type.article} ${bounds}`,
    parse: (raw) => {
      const value = typeof raw === 'string' && /^\s*-?\d+(\.\d+)?\s*$/.test(raw) ? Number(raw) : raw;
      const fits = typeof value === 'number' && value >= range.min && value <= range.max;
      return fits && type.accepts(value) ? value : undefined;
    },
  };
}

/** An absolute path. `~` is the home folder; relative paths start at the folder of their source. */
export function path(what: 'file' | 'folder'): SettingKind<string> {
  return {
    name: `path of a ${what}`,
    allowed: `the path of a ${what} that is absolute or starts with ~/ (relative paths are allowed in config.json and flags only)`,
    parse: (raw, origin) => (typeof raw === 'string' ? resolvePath(raw, origin) : undefined),
  };
}

function resolvePath(raw: string, { environment, baseFolder }: ValueOrigin): string | undefined {
  const paths = pathsOf(environment);
  if (raw.includes('\0')) return undefined;
  if (/^~(?=$|[/\\])/.test(raw)) return paths.join(homeOf(environment), raw.slice(1));
  if (paths.isAbsolute(raw)) return paths.normalize(raw);
  return baseFolder === undefined ? undefined : paths.resolve(baseFolder, raw);
}

/** The id of a space, which is also the name of a folder and a part of addresses. */
export function spaceId(): SettingKind<string> {
  return matching(/^[a-z0-9][a-z0-9._-]{0,63}$/, {
    name: 'id of a space',
    allowed: 'up to 64 small letters, digits and . _ - that begin with a letter or digit',
  });
}

/** The name of a schema in a database, which statements name without quotes. */
export function schemaName(): SettingKind<string> {
  return matching(/^[a-z_][a-z0-9_]{0,62}$/, {
    name: 'name of a schema',
    allowed: 'up to 63 small letters, digits and _ that do not begin with a digit',
  });
}

function matching(
  pattern: RegExp,
  names: Pick<SettingKind<string>, 'name' | 'allowed'>,
): SettingKind<string> {
  return {
    ...names,
    parse: (raw) => (typeof raw === 'string' && pattern.test(raw.trim()) ? raw.trim() : undefined),
  };
}

/** The name of a bucket, or the path of a folder, which is absolute or begins with `.`, `~`, `/` or `\`. */
export function bucketOrFolder(): SettingKind<string> {
  return {
    name: 'name of a bucket, or path of a folder',
    allowed: `the name of a bucket, or ${path('folder').allowed}`,
    parse: (raw, origin) => {
      if (typeof raw !== 'string') return undefined;
      const isPath = /^[.~/\\]/.test(raw) || pathsOf(origin.environment).isAbsolute(raw);
      return isPath ? resolvePath(raw, origin) : raw.trim();
    },
  };
}

/** The IANA name of a time zone. */
export function timeZone(): SettingKind<string> {
  return {
    name: 'name of a time zone',
    allowed: 'the name of a time zone, such as Europe/Berlin, Asia/Tokyo or UTC',
    parse: (raw) => (typeof raw === 'string' && isTimeZone(raw.trim()) ? raw.trim() : undefined),
  };
}

/** A cron schedule that has a next time, for example `0 3 * * *`. */
export function cronSchedule(): SettingKind<string> {
  return {
    name: 'cron schedule',
    allowed: 'a cron schedule with a time in the future, for example "0 3 * * *" for every night at three',
    parse: (raw) => (typeof raw === 'string' && comesTrue(raw) ? raw.trim() : undefined),
  };
}

function comesTrue(schedule: string): boolean {
  try {
    return new Cron(schedule.trim(), { paused: true }).nextRun() !== null;
  } catch {
    return false;
  }
}

/**
 * An http or https address, without a slash at its end.
 * @param options.exact keeps a slash at its end, where it is part of a name
 */
export function webAddress({ exact = false }: { readonly exact?: boolean } = {}): SettingKind<string> {
  return {
    name: 'http or https address',
    allowed: 'an address such as http://127.0.0.1:11434/v1, without user name, query or fragment',
    parse: (raw) => {
      if (typeof raw !== 'string' || !URL.canParse(raw)) return undefined;
      const url = new URL(raw);
      const plain = url.username === '' && url.password === '' && url.search === '' && url.hash === '';
      const web = url.protocol === 'http:' || url.protocol === 'https:';
      if (!plain || !web) return undefined;
      return exact ? raw.trim() : raw.trim().replace(/\/+$/, '');
    },
  };
}

/** Host names separated by commas. The value is one text in lower case without ports; `wordsOf` splits it. */
export function hostNames(): SettingKind<string> {
  return {
    name: 'host names separated by commas',
    allowed: 'a text such as memory.home.arpa,nas.local, without scheme, path or *',
    parse: (raw) => parseWords(raw, hostName),
  };
}

/** Origins separated by commas. The value is one text in the form that browsers send; `wordsOf` splits it. */
export function webOrigins(): SettingKind<string> {
  return {
    name: 'origins separated by commas',
    allowed: 'a text such as https://notes.example.org,http://localhost:5173, without paths',
    parse: (raw) => parseWords(raw, toOrigin),
  };
}

/** Parses words separated by commas; undefined when one of them is not allowed. */
function parseWords(raw: unknown, parse: (word: string) => string | undefined): string | undefined {
  if (typeof raw !== 'string') return undefined;
  const words = wordsOf(raw).map(parse);
  return words.includes(undefined) ? undefined : words.join(',');
}

/** One origin, in the form that browsers send. */
export function webOrigin(): SettingKind<string> {
  return {
    name: 'http or https address without a path',
    allowed: 'an address such as https://memory.example.org, without path, query or fragment',
    parse: (raw) => (typeof raw === 'string' ? toOrigin(raw.trim()) : undefined),
  };
}

/** Pairs separated by commas. The value is one text; `pairsOf` splits it. */
export function wordPairs(values: readonly string[]): SettingKind<string> {
  return {
    name: 'pairs separated by commas',
    allowed: `a text such as admins=${values.at(-1) ?? ''},*=${values[0] ?? ''}; after the = stands one of ${values.join(', ')}`,
    parse: (raw) => parseWords(raw, (word) => (isPair(word, values) ? word : undefined)),
  };
}

function isPair(word: string, values: readonly string[]): boolean {
  const [name, value] = pairOf(word);
  return name !== '' && values.includes(value);
}

/** Splits a value of `wordPairs`. */
export function pairsOf(text: string): [name: string, value: string][] {
  return wordsOf(text).map(pairOf);
}

function pairOf(word: string): [name: string, value: string] {
  const at = word.lastIndexOf('=');
  return [word.slice(0, Math.max(0, at)).trim(), word.slice(at + 1).trim()];
}

function toOrigin(word: string): string | undefined {
  if (!/^https?:\/\/[^/?#@]+\/?$/i.test(word) || !URL.canParse(word)) return undefined;
  return new URL(word).origin;
}

/** Splits a value of `hostNames` or `webOrigins`. */
export function wordsOf(text: string): string[] {
  return text
    .split(',')
    .map((word) => word.trim())
    .filter((word) => word !== '');
}

/** A secret, absent by default. */
export function secret(facts: SettingFacts): Setting<SecretString | undefined> {
  const kind: SettingKind<SecretString> = {
    name: 'secret text',
    allowed: 'a text',
    parse: (raw) => {
      if (raw instanceof SecretString) return raw;
      return typeof raw === 'string' ? new SecretString(raw) : undefined;
    },
  };
  return { ...facts, kind, secret: true, defaultValue: () => undefined, defaultDoc: 'none' };
}
