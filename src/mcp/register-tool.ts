import type { CallToolResult, McpServer } from '@modelcontextprotocol/server';
import type { Tool } from './define-tool.ts';
import type { ServerParts } from './mcp-services.ts';
import { isUnexpected, toToolError } from './tool-error.ts';

/** Offers a tool. The one place where what a tool throws becomes an answer. */
export function registerTool(server: McpServer, tool: Tool, parts: ServerParts): void {
  const { name, title, description, annotations, inputSchema, outputSchema } = tool;
  const config = { title, description, annotations: { ...annotations }, inputSchema, outputSchema };
  server.registerTool(name, config, (rawArguments) => call(tool, rawArguments, parts));
}

async function call(
  tool: Tool,
  rawArguments: unknown,
  { open, logger }: ServerParts,
): Promise<CallToolResult> {
  try {
    const perform = tool.prepare(rawArguments);
    const { data, text } = await perform(await open());
    return { content: [{ type: 'text', text }], structuredContent: data };
  } catch (error) {
    if (isUnexpected(error)) logger.error('a tool failed', { tool: tool.name }, error);
    return toToolError(error);
  }
}
