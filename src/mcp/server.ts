import { McpServer } from '@modelcontextprotocol/server';
import type { Access, ServerParts } from '../api/services.ts';
import { packageVersion } from '../util/package.ts';
import { INSTRUCTIONS } from './instructions.ts';
import { registerPrompts } from './prompts.ts';
import { registerResources } from './resources.ts';
import { registerTool } from './register-tool.ts';
import { tools } from './tools.ts';

/** Makes the server of one session, or of one call, for a caller who may do this much. */
export type ServerFactory = (access: Access) => McpServer;

/**
 * The MCP server, the same for every transport. Nothing is opened before the first call that needs it.
 * @param access with `read` there are only the tools that change nothing
 */
export function buildServer(parts: ServerParts, access: Access = 'write'): McpServer {
  const server = new McpServer(
    { name: 'faiss-memory', title: 'faiss-memory', version: packageVersion() },
    {
      instructions: INSTRUCTIONS,
      capabilities: { tools: NEVER_CHANGES, resources: NEVER_CHANGES, prompts: NEVER_CHANGES },
    },
  );
  const offered = access === 'write' ? tools : tools.filter(({ annotations }) => annotations.readOnlyHint);
  for (const tool of offered) registerTool(server, tool, parts);
  registerResources(server, parts);
  registerPrompts(server);
  return server;
}

const NEVER_CHANGES = { listChanged: false };
