import { posix, win32, type PlatformPath } from 'node:path';
import { ConfigurationError } from '../errors/input-errors.ts';

/** The surroundings that the configuration depends on. Callers pass them in, so that tests can choose them. */
export interface Environment {
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly platform: NodeJS.Platform;
  /** Absolute path; empty when neither HOME nor the user's account names one. Read it with `homeOf`. */
  readonly homeDirectory: string;
  /** Base of relative paths in command-line flags. */
  readonly workingDirectory: string;
}

const PRODUCT = 'faiss-memory';

/** Path rules of the environment's platform, which may differ from that of the running process. */
export function pathsOf(environment: Pick<Environment, 'platform'>): PlatformPath {
  return environment.platform === 'win32' ? win32 : posix;
}

/** @throws ConfigurationError without a home folder, so that nothing is stored in the working directory instead */
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

/** Default data folder: the system's folder for application data. */
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

/** Path of `config.json` unless `MEMORY_CONFIG` or `--config` names another file. */
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

/** Value of a variable with a path; undefined when the path is relative, which the XDG rules say to ignore. */
export function absoluteVariable(environment: Environment, name: string): string | undefined {
  const value = environment.env[name];
  return value !== undefined && pathsOf(environment).isAbsolute(value) ? value : undefined;
}
