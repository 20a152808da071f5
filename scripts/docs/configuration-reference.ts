import { settingList } from '../../src/config/schema.ts';
import { cell, GENERATED } from './markdown.ts';

/** The text of docs/configuration.md. */
export function configurationReference(): string {
  const rows = settingList.map(({ key, setting }) => {
    const { doc, environmentVariable, defaultDoc, flag, kind } = setting;
    const reach = flag === undefined ? '' : `, \`${flag}\``;
    return `| \`${key}\` | \`${environmentVariable}\`${reach} | ${cell(defaultDoc)} | ${cell(`${doc} Allowed: ${kind.allowed}.`)} |`;
  });
  return [
    '# Configuration',
    GENERATED,
    'The program works without configuration. Flags win over environment variables, which win over `config.json`, which wins over the defaults. `faiss-memory config` shows every value and its source. Unknown keys and bad values are errors that name the source.',
    'The memories are in `~/.local/share/faiss-memory` on Linux (`$XDG_DATA_HOME`), `~/Library/Application Support/faiss-memory` on macOS and `%LOCALAPPDATA%\\faiss-memory` on Windows. The configuration file is `~/.config/faiss-memory/config.json`, `~/Library/Preferences/faiss-memory/config.json` or `%APPDATA%\\faiss-memory\\config.json`; `MEMORY_CONFIG` or `--config` names another one. Keys with a dot are nested objects in it.',
    'On the command line, `--set key=value` sets every setting that is not a secret.',
    ['| key | environment variable, flag | default | meaning |', '| --- | --- | --- | --- |', ...rows].join(
      '\n',
    ),
  ].join('\n\n');
}
