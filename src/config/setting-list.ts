import { settingsSchema } from './schema.ts';
import { isSetting, type Setting, type SettingGroup } from './setting.ts';

export interface NamedSetting {
  /** Dotted key, for example `embedding.threads`. */
  readonly key: string;
  readonly setting: Setting<unknown>;
}

/** All settings in the order of the schema. */
export const settingList: readonly NamedSetting[] = flatten(settingsSchema, '');

function flatten(group: SettingGroup, prefix: string): NamedSetting[] {
  return Object.entries(group).flatMap(([name, node]) =>
    isSetting(node) ? [{ key: prefix + name, setting: node }] : flatten(node, `${prefix}${name}.`),
  );
}
