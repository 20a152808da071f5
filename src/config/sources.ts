import { readFileSync } from 'node:fs';
import { ConfigurationError, type ConfigurationProblem } from '../errors/input-errors.ts';
import { nearestName } from '../util/text.ts';
import { pathsOf, type Environment } from './environment.ts';
import { settingList, settingsSchema } from './schema.ts';
import { isSetting, type SettingGroup } from './setting.ts';
import { reasonOf } from '../util/caught.ts';
import { isObject } from '../util/json.ts';

/** The source of a value. */
export type SettingSource =
  | { readonly kind: 'default' }
  /** The program that embeds this one. */
  | { readonly kind: 'option' }
  | { readonly kind: 'file'; readonly path: string }
  | { readonly kind: 'environment'; readonly variable: string }
  | { readonly kind: 'flag'; readonly flag: string };

/** A value from a source, before validation. */
export interface RawValue {
  readonly raw: unknown;
  readonly source: SettingSource;
  /** Base of relative paths; undefined when they are not allowed. */
  readonly baseFolder: string | undefined;
}

/** The values of one source by dotted key. The path of a secret's file is under the key with `File` at its end. */
export interface SourceValues {
  readonly values: ReadonlyMap<string, RawValue>;
  readonly problems: readonly ConfigurationProblem[];
  readonly warnings: readonly string[];
}

export const NO_VALUES: SourceValues = { values: new Map(), problems: [], warnings: [] };

/** Ends the key that names the file of a secret. */
export const FILE_SUFFIX = 'File';

/** All dotted keys that a source may use. */
const knownKeys: readonly string[] = settingList.flatMap(({ key, setting }) =>
  setting.secret ? [key, key + FILE_SUFFIX] : [key],
);

export function describeSource(source: SettingSource): string {
  if (source.kind === 'file') return `config file ${source.path}`;
  if (source.kind === 'option') return 'option settings';
  if (source.kind === 'environment') return `environment variable ${source.variable}`;
  return source.kind === 'flag' ? `flag ${source.flag}` : 'default';
}

/** @param values texts of `--set` and of the settings' own flags, by dotted key */
export function readFlags(values: Readonly<Record<string, string>>, environment: Environment): SourceValues {
  const found = new Map<string, RawValue>();
  const problems: ConfigurationProblem[] = [];
  for (const [key, raw] of Object.entries(values)) {
    const named = settingList.find((candidate) => candidate.key === key);
    const flag = named?.setting.flag ?? '--set';
    const source = { kind: 'flag', flag } as const;
    if (!knownKeys.includes(key)) problems.push(unknownKey(key, source));
    else if (named?.setting.secret === true) problems.push(secretFlag(key, flag));
    else if (raw !== '') found.set(key, { raw, source, baseFolder: environment.workingDirectory });
  }
  return { values: found, problems, warnings: [] };
}

function secretFlag(key: string, flag: string): ConfigurationProblem {
  return {
    key,
    problem: 'is a secret',
    source: `flag ${flag}`,
    allowed: 'other programs can read command lines, so set it in the environment or in a file',
  };
}

/** Prefixes of the names of environment variables that settings use. */
const PREFIXES = ['MEMORY_', 'CLOUD_SYNC_'];

/** The text that a desktop client leaves for a field of a bundle's manifest that its user did not fill in. */
const UNFILLED = /^\$\{user_config\.\w+\}$/;

/** Reads `MEMORY_*` and `CLOUD_SYNC_*`. Other programs use these prefixes too, so an unknown name is only a warning. */
export function readEnvironment(environment: Environment): SourceValues {
  const variables = new Map(
    settingList.flatMap(({ key, setting }) => {
      const plain = [setting.environmentVariable, key] as const;
      const file = [`${setting.environmentVariable}_FILE`, key + FILE_SUFFIX] as const;
      return setting.secret ? [plain, file] : [plain];
    }),
  );
  const values = new Map<string, RawValue>();
  const warnings: string[] = [];
  for (const [variable, raw] of Object.entries(environment.env)) {
    if (raw === undefined || raw === '' || UNFILLED.test(raw)) continue;
    const key = variables.get(variable);
    const source = { kind: 'environment', variable } as const;
    if (key !== undefined) values.set(key, { raw, source, baseFolder: undefined });
    else if (PREFIXES.some((prefix) => variable.startsWith(prefix)) && variable !== 'MEMORY_CONFIG') {
      const near = nearestName(variable, variables.keys());
      const hint = near === undefined ? 'it has no effect' : `did you mean ${near}?`;
      warnings.push(`The environment variable ${variable} is not a setting of faiss-memory; ${hint}`);
    }
  }
  return { values, problems: [], warnings };
}

/** @throws ConfigurationError when the file cannot be read or is not a JSON object */
export function readConfigFile(
  path: string,
  options: { environment: Environment; mustExist: boolean },
): SourceValues {
  const text = readText(path, options.mustExist);
  if (text === undefined) return NO_VALUES;
  const baseFolder = pathsOf(options.environment).dirname(path);
  return readSettings(parseObject(text, path), { source: { kind: 'file', path }, baseFolder });
}

/** Reads settings in the shape of `config.json`; undefined ones count as absent. */
export function readSettings(settings: object, origin: Omit<RawValue, 'raw'>): SourceValues {
  const values = new Map<string, RawValue>();
  const problems: ConfigurationProblem[] = [];
  const { source } = origin;
  const collect = (group: SettingGroup, content: object, prefix: string): void => {
    for (const [name, raw] of Object.entries(content) as [string, unknown][]) {
      if (raw === undefined) continue;
      const key = prefix + name;
      const node = Object.hasOwn(group, name) ? group[name] : undefined;
      if (node !== undefined && !isSetting(node)) {
        if (isObject(raw)) collect(node, raw, `${key}.`);
        else
          problems.push({
            key,
            problem: `is ${show(raw)}`,
            source: describeSource(source),
            allowed: 'allowed is an object of settings',
          });
      } else if (!knownKeys.includes(key)) problems.push(unknownKey(key, source));
      else if (raw !== '') values.set(key, { raw, ...origin });
    }
  };
  collect(settingsSchema, settings, '');
  return { values, problems, warnings: [] };
}

function readText(path: string, mustExist: boolean): string | undefined {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    if (!mustExist && isMissing(error)) return undefined;
    const problem = `cannot be read: ${reasonOf(error)}`;
    throw fileError(path, { problem, allowed: 'allowed is a readable file', cause: error });
  }
}

function parseObject(text: string, path: string): object {
  let content: unknown;
  try {
    content = JSON.parse(text.replace(/^\uFEFF/, ''));
  } catch (error) {
    const problem = `is not valid JSON: ${reasonOf(error)}`;
    throw fileError(path, { problem, allowed: 'allowed is one JSON object, without comments', cause: error });
  }
  if (isObject(content)) return content;
  throw fileError(path, { problem: `holds ${show(content)}`, allowed: 'allowed is one JSON object' });
}

function fileError(
  path: string,
  facts: { problem: string; allowed: string; cause?: unknown },
): ConfigurationError {
  const { cause, ...others } = facts;
  return new ConfigurationError([{ key: path, source: 'config file', ...others }], { cause });
}

function unknownKey(key: string, source: SettingSource): ConfigurationProblem {
  const near = nearestName(key, knownKeys);
  const last = key.slice(key.lastIndexOf('.') + 1);
  const elsewhere = knownKeys.find((known) => known.endsWith(`.${last}`) || known === last);
  const meant = near ?? elsewhere;
  return {
    key,
    problem: 'is not a setting',
    source: describeSource(source),
    allowed: meant === undefined ? `allowed are ${knownKeys.join(', ')}` : `did you mean ${meant}?`,
  };
}

function isMissing(error: unknown): boolean {
  return error instanceof Error && 'code' in error && (error.code === 'ENOENT' || error.code === 'ENOTDIR');
}

/** The value as error messages show it, cut to 80 characters. */
export function show(value: unknown): string {
  const json = JSON.stringify(value) as string | undefined;
  if (json === undefined) return typeof value;
  return json.length > 80 ? `${json.slice(0, 79)}…` : json;
}
