import { posix, win32, type PlatformPath } from 'node:path';
import { ConfigurationError } from '../errors/input-errors.ts';

/** What the configuration depends on; passed in, so that tests and other edges decide it. */
export interface Machine {
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly platform: NodeJS.Platform;
  /** Absolute, or empty when neither the environment nor the account names one; read it with `homeOf`. */
  readonly homeDirectory: string;
  /** Relative paths in command-line flags start here. */
  readonly workingDirectory: string;
}

const PRODUCT = 'faiss-memory';

/** Path rules of the machine, which need not be those of the running process. */
export function pathsOf(machine: Pick<Machine, 'platform'>): PlatformPath {
  return machine.platform === 'win32' ? win32 : posix;
}

/** @throws ConfigurationError when there is none: nothing may be stored in the working directory instead */
export function homeOf(machine: Pick<Machine, 'homeDirectory'>): string {
  if (machine.homeDirectory !== '') return machine.homeDirectory;
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
export function defaultDataFolder(machine: Machine): string {
  const paths = pathsOf(machine);
  if (machine.platform === 'win32') {
    return paths.join(
      absoluteVariable(machine, 'LOCALAPPDATA') ?? paths.join(homeOf(machine), 'AppData', 'Local'),
      PRODUCT,
    );
  }
  if (machine.platform === 'darwin')
    return paths.join(homeOf(machine), 'Library', 'Application Support', PRODUCT);
  return paths.join(
    absoluteVariable(machine, 'XDG_DATA_HOME') ?? paths.join(homeOf(machine), '.local', 'share'),
    PRODUCT,
  );
}

/** Where `config.json` is looked for unless `MEMORY_CONFIG` or `--config` names another file. */
export function defaultConfigFile(machine: Machine): string {
  return pathsOf(machine).join(configFolder(machine), 'config.json');
}

function configFolder(machine: Machine): string {
  const paths = pathsOf(machine);
  if (machine.platform === 'win32') {
    return paths.join(
      absoluteVariable(machine, 'APPDATA') ?? paths.join(homeOf(machine), 'AppData', 'Roaming'),
      PRODUCT,
    );
  }
  if (machine.platform === 'darwin') return paths.join(homeOf(machine), 'Library', 'Preferences', PRODUCT);
  return paths.join(
    absoluteVariable(machine, 'XDG_CONFIG_HOME') ?? paths.join(homeOf(machine), '.config'),
    PRODUCT,
  );
}

/** The XDG rules say that a relative value is to be ignored; the same is right for the others. */
export function absoluteVariable(machine: Machine, name: string): string | undefined {
  const value = machine.env[name];
  return value !== undefined && pathsOf(machine).isAbsolute(value) ? value : undefined;
}
