import { release } from 'node:os';
import { settingList } from '../../config/schema.ts';
import { valueAt } from '../../util/json.ts';
import type { ResolvedConfig } from '../../config/resolve.ts';
import { packageVersion } from '../../util/package.ts';
import type { Host } from '../host.ts';
import type { Finding } from './checks.ts';

/** The facts about this machine that a helper needs. */
export interface ReportInput {
  readonly findings: readonly Finding[];
  /** Undefined when the configuration is wrong; the findings say how. */
  readonly config: ResolvedConfig | undefined;
  readonly host: Pick<Host, 'homeDirectory' | 'platform'>;
}

/**
 * The report as JSON text. It holds no text of a memory, no secret and no name of a bucket: of settings that are
 * texts it says only that they are set. The home folder is written as `~`.
 */
export function reportText({ findings, config, host }: ReportInput): string {
  const report = {
    about: 'Report of "faiss-memory doctor". It holds no memories and no secrets.',
    made: new Date().toISOString(),
    version: packageVersion(),
    node: process.version,
    platform: `${host.platform} ${process.arch} ${release()}`,
    // JSON has no members that are undefined.
    settings: config === undefined ? undefined : changedSettings(config),
    findings,
  };
  return withoutHome(`${JSON.stringify(report, undefined, 2)}\n`, host.homeDirectory);
}

function changedSettings({ settings, sources }: ResolvedConfig): Record<string, unknown> {
  return Object.fromEntries(
    settingList.flatMap(({ key, setting }) => {
      const source = sources[key];
      if (source === undefined || source.kind === 'default') return [];
      const value = valueAt(settings, key);
      const harmless = typeof value === 'number' || typeof value === 'boolean';
      return [[setting.environmentVariable, { source: source.kind, value: harmless ? value : 'set' }]];
    }),
  );
}

/** In JSON a Windows path has its separators doubled. */
function withoutHome(text: string, home: string): string {
  if (home.length < 2) return text;
  return text.replaceAll(JSON.stringify(home).slice(1, -1), '~');
}
