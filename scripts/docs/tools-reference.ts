import type { Tool } from '../../src/mcp/tool.ts';
import { type JsonSchema, propertiesOf } from '../../src/api/input.ts';
import { tools } from '../../src/mcp/server.ts';
import { code, fieldTable } from './field-table.ts';
import { GENERATED } from './markdown.ts';

/** The text of docs/tools.md. */
export function toolsReference(): string {
  return [
    '# Tools',
    GENERATED,
    "The tools that the MCP server offers to an agent. Every answer has structured content that fits the tool's output schema, and the same content as a compact text in which recalled memories are quoted.",
    'The error of a refused call names the field, its value and the allowed values; `_meta["faiss-memory/error"]` carries `{ code, retryable }` for programs. Numbers and booleans may be written as texts, lists as one text with commas or as JSON; null and empty filter conditions count as absent.',
    ...tools.map(toolSection),
  ].join('\n\n');
}

function toolSection({ name, title, description, annotations, inputSchema, outputSchema }: Tool): string {
  const target = { target: 'draft-2020-12' } as const;
  const input: JsonSchema = inputSchema['~standard'].jsonSchema.input(target);
  const output: JsonSchema = outputSchema['~standard'].jsonSchema.output(target);
  const hints = Object.entries(annotations).map(([hint, value]) => `${hint} ${value ? 'yes' : 'no'}`);
  const takes = Object.keys(propertiesOf(input)).length === 0 ? 'Takes no arguments.' : fieldTable(input);
  return [
    `## ${name}`,
    `**${title}** · ${hints.join(' · ')}`,
    description,
    takes,
    `Answers with ${Object.keys(propertiesOf(output)).map(code).join(', ')}.`,
  ].join('\n\n');
}
