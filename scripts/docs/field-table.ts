import { type JsonSchema, propertiesOf, schemaOf } from '../../src/api/input.ts';
import { cell } from './markdown.ts';

/** A table with one row for each member of an object. */
export function fieldTable(schema: JsonSchema): string {
  const required = new Set(Array.isArray(schema['required']) ? (schema['required'] as unknown[]) : []);
  const rows = Object.keys(propertiesOf(schema)).map((name) => {
    const field = schemaOf(schema, name);
    const note = typeof field['description'] === 'string' ? field['description'] : '';
    return `| ${code(name)} | ${typeText(field)} | ${required.has(name) ? 'yes' : ''} | ${cell(note)} |`;
  });
  return ['| field | value | required | meaning |', '| --- | --- | --- | --- |', ...rows].join('\n');
}

function typeText(schema: JsonSchema): string {
  const { type, enum: choices, minimum, maximum } = schema;
  if (Array.isArray(choices)) return choices.map((choice) => code(String(choice))).join(', ');
  if (type === 'array') return listOf(schemaOf(schema, 0));
  if (Array.isArray(schema['anyOf'])) return (schema['anyOf'] as JsonSchema[]).map(typeText).join(' or ');
  const range =
    typeof minimum === 'number' && typeof maximum === 'number' ? `, ${minimum} to ${maximum}` : '';
  return `${type === 'string' ? 'text' : String(type)}${range}`;
}

function listOf(items: JsonSchema): string {
  if (items['type'] !== 'object') return 'list of texts';
  return `list of objects with ${Object.keys(propertiesOf(items)).map(code).join(', ')}`;
}

export function code(text: string): string {
  return `\`${text}\``;
}
