import { resolveConfig } from '../../src/config/resolve.ts';
import type { Settings } from '../../src/config/schema.ts';

/** The settings of a process of the data folder, on a machine with nothing else. */
export function settingsIn(dataDir: string, env: Readonly<Record<string, string>> = {}): Settings {
  const machine = { platform: process.platform, homeDirectory: dataDir, workingDirectory: dataDir };
  return resolveConfig({ ...machine, env: { MEMORY_DATA_DIR: dataDir, ...env } }).settings;
}
