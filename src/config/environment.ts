import { posix, win32, type PlatformPath } from 'node:path';
import { ConfigurationError } from '../errors/input-errors.ts';

/** What the configuration depends on; passed in, so that tests and other edges decide it. */
export interface Environment {
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly platform: NodeJS.Platform;
  /** Absolute, or empty when neither the environment nor the account names one; read it with `homeOf`. */
  readonly homeDirectory: string;
  /** Relative paths in command-line flags start here. */
  readonly workingDirectory: string;
}

const PRODUCT = 'faiss-memory';

/** Path rules of the machine, which need not be those of the running process. */
export function pathsOf(environment: Pick<Environment, 'platform'>): PlatformPath {
  return environment.platform === 'win32' ? win32 : posix;
}

/** @throws ConfigurationError when there is none: nothing may be stored in the working directory instead */
export function homeOf(environment: Pick<Environment, 'homeDirectory'>): string {
  if (environment.homeDirectory !== '') return environment.homeDirectory;
  throw new ConfigurationError([
    {
      key: 'home folder',
      problem: 'is not known',
      source: 'neither HOME nor the entry of this account names an absolute path',
      allowed: 'set HOME, or set MEMORY_DATA_DIR to the absolute path of a folder',
    },
  ]);
}

/** The OS's folder for application data; memories live here unless configured otherwise. */
export function defaultDataFolder(environment: Environment): string {
  const paths = pathsOf(environment);
  if (environment.platform === 'win32') {
    return paths.join(
      absoluteVariable(environment, 'LOCALAPPDATA') ?? paths.join(homeOf(environment), 'AppData', 'Local'),
      PRODUCT,
    );
  }
  if (environment.platform === 'darwin')
    return paths.join(homeOf(environment), 'Library', 'Application Support', PRODUCT);
  return paths.join(
    absoluteVariable(environment, 'XDG_DATA_HOME') ?? paths.join(homeOf(environment), '.local', 'share'),
    PRODUCT,
  );
}

/** Where `config.json` is looked for unless `MEMORY_CONFIG` or `--config` names another file. */
export function defaultConfigFile(environment: Environment): string {
  return pathsOf(environment).join(configFolder(environment), 'config.json');
}

function configFolder(environment: Environment): string {
  const paths = pathsOf(environment);
  if (environment.platform === 'win32') {
    return paths.join(
      absoluteVariable(environment, 'APPDATA') ?? paths.join(homeOf(environment), 'AppData', 'Roaming'),
      PRODUCT,
    );
  }
  if (environment.platform === 'darwin')
    return paths.join(homeOf(environment), 'Library', 'Preferences', PRODUCT);
  return paths.join(
    absoluteVariable(environment, 'XDG_CONFIG_HOME') ?? paths.join(homeOf(environment), '.config'),
    PRODUCT,
  );
}

/** The XDG rules say that a relative value is to be ignored; the same is right for the others. */
export function absoluteVariable(environment: Environment, name: string): string | undefined {
  const value = environment.env[name];
  return value !== undefined && pathsOf(environment).isAbsolute(value) ? value : undefined;
}
