import { settingList } from '../../config/schema.ts';
import { valueAt } from '../../util/json.ts';
import { describeSource, type SettingSource } from '../../config/sources.ts';
import { defineCommand } from '../command.ts';
import { table } from '../render.ts';

export const configCommand = defineCommand({
  name: 'config',
  summary: 'show every setting and where it comes from',
  details:
    'Flags win over the environment, the environment over config.json, that over the defaults. Secrets are not shown.',
  arguments: [],
  options: {},
  examples: [
    ['faiss-memory config', 'the settings in effect'],
    ['faiss-memory config --set embedding.threads=2', 'try a value before writing it down'],
  ],
  run: async (context) => {
    const config = context.config();
    const rows = settingList.map(({ key, setting }) => ({
      key,
      value: valueAt(config.settings, key),
      source: config.sources[key] ?? { kind: 'default' as const },
      environment_variable: setting.environmentVariable,
    }));
    const settings = rows.map(({ value, ...row }) => ({ ...row, value: value ?? null }));
    const lines = rows.map(({ key, value, source }) => [key, shown(value), shortSource(source)]);
    return Promise.resolve({
      data: { config_file: config.configFile ?? null, settings, warnings: config.warnings },
      text: `${table([['SETTING', 'VALUE', 'SOURCE'], ...lines])}\n\nconfig file: ${config.configFile ?? 'none: the home folder is not known'}`,
    });
  },
});

function shown(value: unknown): string {
  if (value === undefined || value === '') return '–';
  return typeof value === 'string' ? value : JSON.stringify(value).replace(/^"(.*)"$/, '$1');
}

function shortSource(source: SettingSource): string {
  return source.kind === 'default' ? 'default' : describeSource(source);
}
