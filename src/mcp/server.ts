import { McpServer } from '@modelcontextprotocol/server';
import { packageVersion } from '../util/package-version.ts';
import { INSTRUCTIONS } from './instructions.ts';
import type { ServerParts } from '../wire/services.ts';
import { registerPrompts } from './prompts.ts';
import { registerResources } from './resources.ts';
import { registerTool } from './register-tool.ts';
import { tools } from './tools.ts';

/** The MCP server, the same for every transport. Nothing is opened before the first call that needs it. */
export function buildServer(parts: ServerParts): McpServer {
  const server = new McpServer(
    { name: 'faiss-memory', title: 'faiss-memory', version: packageVersion() },
    {
      instructions: INSTRUCTIONS,
      capabilities: { tools: NEVER_CHANGES, resources: NEVER_CHANGES, prompts: NEVER_CHANGES },
    },
  );
  for (const tool of tools) registerTool(server, tool, parts);
  registerResources(server, parts);
  registerPrompts(server);
  return server;
}

const NEVER_CHANGES = { listChanged: false };
