import { readFileSync } from 'node:fs';
import { ConfigurationError, type ConfigurationProblem } from '../errors/input-errors.ts';
import {
  findAuthProblems,
  findEmbeddingProblems,
  findHttpProblems,
  findStoreProblems,
  findSyncProblems,
  toConfigurationProblem,
} from './checks.ts';
import type { SecretString } from '../util/secret-string.ts';
import { defaultConfigFile, type Environment } from './environment.ts';
import { type NamedSetting, settingList, type Settings } from './schema.ts';
import { path, type Setting, type ValueOrigin } from './setting.ts';
import {
  describeSource,
  FILE_SUFFIX,
  NO_VALUES,
  readConfigFile,
  readEnvironment,
  readFlags,
  readSettings,
  show,
  type RawValue,
  type SettingSource,
  type SourceValues,
} from './sources.ts';

export interface ConfigInput extends Environment {
  readonly flags?: {
    /** `--config` */
    readonly configFile?: string | undefined;
    /** Dotted key to text. */
    readonly values?: Readonly<Record<string, string>>;
  };
  /** Of a program that embeds this one: they win over all other sources, and no config file is looked for. */
  readonly settings?: SettingsInput;
}

/** Settings in the shape of `config.json`, each optional; a secret is a text, or comes from a file: `apiKeyFile`. */
export type SettingsInput = InputOf<Settings>;

type InputOf<Group> = {
  readonly [Key in keyof Group]?:
    | (NonNullable<Group[Key]> extends SecretString
        ? string | SecretString
        : NonNullable<Group[Key]> extends object
          ? InputOf<NonNullable<Group[Key]>>
          : Group[Key])
    | undefined;
} & {
  readonly [Key in SecretsOf<Group> as `${Key}File`]?: string | undefined;
};

type SecretsOf<Group> = {
  [Key in keyof Group & string]: NonNullable<Group[Key]> extends SecretString ? Key : never;
}[keyof Group & string];

export interface ResolvedConfig {
  readonly settings: Settings;
  /** Source of each dotted key. */
  readonly sources: Readonly<Record<string, SettingSource>>;
  /** Suspicious values that are no error, to print on stderr. */
  readonly warnings: readonly string[];
  /** Path of the configuration file, which need not exist; undefined without a home folder. */
  readonly configFile: string | undefined;
}

/**
 * Merges the sources and validates the result once. Options win over flags, which win over the environment, which wins
 * over `config.json`, which wins over the defaults.
 * @throws ConfigurationError with every problem in all sources
 */
export function resolveConfig(input: ConfigInput): ResolvedConfig {
  const { configFile, named } =
    input.settings === undefined ? findConfigFile(input) : { configFile: undefined, named: false };
  const fromOptions =
    input.settings === undefined
      ? NO_VALUES
      : readSettings(input.settings, { source: { kind: 'option' }, baseFolder: input.workingDirectory });
  const fromFlags = readFlags(input.flags?.values ?? {}, input);
  const fromEnvironment = readEnvironment(input);
  const fromFile =
    configFile === undefined
      ? NO_VALUES
      : readConfigFile(configFile, { environment: input, mustExist: named });
  const layers = [fromOptions, fromFlags, fromEnvironment, fromFile];
  const problems = layers.flatMap((layer) => layer.problems);
  const sources: Record<string, SettingSource> = {};
  const values = settingList.map((named): [string, unknown] => {
    const winner = pickWinner(named, layers, problems);
    sources[named.key] = winner?.source ?? { kind: 'default' };
    const value = unlessRefused(
      () => settle(named, winner, { environment: input, problems }),
      (error) => problems.push(...error.problems),
    );
    return [named.key, value];
  });
  const settings = nest(values);
  // Settings are compared with each other only when each of them is valid.
  if (problems.length === 0) {
    const between = [
      ...findEmbeddingProblems(settings),
      ...findSyncProblems(settings),
      ...findHttpProblems(settings),
      ...findAuthProblems(settings),
      ...findStoreProblems(settings),
    ];
    problems.push(...between.map((problem) => toConfigurationProblem(problem, sources)));
  }
  if (problems.length > 0) {
    // A program that embeds this one has no command that shows the settings.
    const fix = 'Correct the option or the variable that is named.';
    throw new ConfigurationError(problems, input.settings === undefined ? {} : { fix });
  }
  return { settings, sources, warnings: layers.flatMap((layer) => layer.warnings), configFile };
}

function findConfigFile(input: ConfigInput): { configFile: string | undefined; named: boolean } {
  const flag = input.flags?.configFile ?? '';
  const variable = input.env['MEMORY_CONFIG'] ?? '';
  const raw = flag === '' ? variable : flag;
  if (raw === '')
    return {
      configFile: unlessRefused(
        () => defaultConfigFile(input),
        () => undefined,
      ),
      named: false,
    };
  const baseFolder = flag === '' ? undefined : input.workingDirectory;
  const configFile = path('file').parse(raw, { environment: input, baseFolder });
  if (configFile !== undefined) return { configFile, named: true };
  const source = flag === '' ? 'environment variable MEMORY_CONFIG' : 'flag --config';
  throw new ConfigurationError([
    { key: 'config file', problem: `is ${show(raw)}`, source, allowed: `allowed is ${path('file').allowed}` },
  ]);
}

/** Calls `note` instead of throwing, because an unknown home folder is an error only for settings that need it. */
function unlessRefused<Value>(
  value: () => Value,
  note: (error: ConfigurationError) => void,
): Value | undefined {
  try {
    return value();
  } catch (error) {
    if (!(error instanceof ConfigurationError)) throw error;
    note(error);
    return undefined;
  }
}

interface Winner extends RawValue {
  /** True when the value is the path of a file with the secret. */
  readonly inFile: boolean;
}

function pickWinner(
  { key }: NamedSetting,
  layers: readonly SourceValues[],
  problems: ConfigurationProblem[],
): Winner | undefined {
  for (const { values } of layers) {
    const direct = values.get(key);
    const file = values.get(key + FILE_SUFFIX);
    if (direct !== undefined && file !== undefined) {
      problems.push({
        key,
        problem: 'is given both directly and as a file',
        source: `${describeSource(direct.source)} and ${describeSource(file.source)}`,
        allowed: 'allowed is one of them',
      });
    }
    if (direct !== undefined) return { ...direct, inFile: false };
    if (file !== undefined) return { ...file, inFile: true };
  }
  return undefined;
}

function settle(
  { key, setting }: NamedSetting,
  winner: Winner | undefined,
  context: { environment: Environment; problems: ConfigurationProblem[] },
): unknown {
  if (winner === undefined) {
    const value = (): unknown => setting.defaultValue(context.environment);
    return setting.late === true ? new Late(value) : value();
  }
  const place = { environment: context.environment, baseFolder: winner.baseFolder };
  const reading = winner.inFile ? readSecret(winner.raw, place) : readPlain(setting, winner.raw, place);
  if ('problem' in reading) {
    context.problems.push({ key, source: describeSource(winner.source), ...reading });
    return undefined;
  }
  return winner.inFile ? setting.kind.parse(reading.value, place) : reading.value;
}

type Reading = { readonly value: unknown } | Pick<ConfigurationProblem, 'problem' | 'allowed'>;

function readPlain(setting: Setting<unknown>, raw: unknown, origin: ValueOrigin): Reading {
  const value = setting.kind.parse(raw, origin);
  if (value !== undefined) return { value };
  const shown = setting.secret ? 'not a text' : show(raw);
  return { problem: `is ${shown}`, allowed: `allowed is ${setting.kind.allowed}` };
}

function readSecret(raw: unknown, origin: ValueOrigin): Reading {
  const file = path('file').parse(raw, origin);
  if (file === undefined) {
    return { problem: `names the file ${show(raw)}`, allowed: `allowed is ${path('file').allowed}` };
  }
  const value = readTrimmed(file);
  if (value !== '') return { value };
  return {
    problem: `names the file ${show(file)}, which is empty or cannot be read`,
    allowed: 'allowed is a readable file with the secret as its only content',
  };
}

function readTrimmed(file: string): string {
  try {
    return readFileSync(file, 'utf8').trim();
  } catch {
    return '';
  }
}

/** A value that is found out when it is read for the first time. */
class Late {
  readonly find: () => unknown;

  constructor(find: () => unknown) {
    this.find = find;
  }
}

function nest(values: readonly (readonly [string, unknown])[]): Settings {
  const root: Record<string, unknown> = {};
  for (const [key, value] of values) {
    const names = key.split('.');
    const last = names.pop() ?? key;
    let group = root;
    for (const name of names) group = (group[name] ??= {}) as Record<string, unknown>;
    if (value instanceof Late) defineLate(group, last, value);
    else group[last] = value;
  }
  // Each value was parsed by the kind that the schema gives its key, and `Settings` is derived from the schema.
  return root as Settings;
}

function defineLate(group: object, name: string, { find }: Late): void {
  Object.defineProperty(group, name, {
    enumerable: true,
    configurable: true,
    get: () => {
      const value = find();
      Object.defineProperty(group, name, { enumerable: true, configurable: true, value });
      return value;
    },
  });
}
