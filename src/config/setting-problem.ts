import type { ConfigurationProblem } from '../errors/input-errors.ts';
import { describeSource, type SettingSource } from './sources.ts';

/** A problem between settings that are right by themselves. */
export interface SettingProblem extends Omit<ConfigurationProblem, 'source'> {
  /** Key of the setting that makes it a problem; it is where to look. */
  readonly decidedBy: string;
}

export function toConfigurationProblem(
  { decidedBy, ...problem }: SettingProblem,
  sources: Readonly<Record<string, SettingSource>>,
): ConfigurationProblem {
  return { ...problem, source: describeSource(sources[decidedBy] ?? { kind: 'default' }) };
}
