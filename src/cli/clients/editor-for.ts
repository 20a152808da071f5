import type { ClientDescription } from './client.ts';
import type { ConfigEditor } from './config-editor.ts';
import { createJsonEditor } from './json-editor.ts';
import { createTomlEditor } from './toml-editor.ts';

export function editorFor({ format, section }: ClientDescription): ConfigEditor {
  return format === 'json' ? createJsonEditor(section) : createTomlEditor(section);
}
