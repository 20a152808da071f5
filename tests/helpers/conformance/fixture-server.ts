import { createServer } from 'node:http';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { getRequestListener } from '@hono/node-server';
import { McpServer } from '@modelcontextprotocol/server';
import { buildApp } from '../../../src/http/build-app.ts';
import type { HttpSettings } from '../../../src/http/http-settings.ts';
import { MESSAGES_PATH } from '../../../src/http/mount-mcp.ts';
import { createLogger } from '../../../src/logger.ts';
import { McpHttpEndpoint } from '../../../src/mcp/http-endpoint.ts';
import { registerAskingTools, stateCodec } from './asking-tools.ts';
import { registerFixturePrompts } from './fixture-prompts.ts';
import { registerFixtureResources } from './fixture-resources.ts';
import { registerPlainTools } from './plain-tools.ts';

const NEVER_CHANGES = { listChanged: false };

/** What the suite expects of a server that it can see everything of, in place of the memories. */
function buildFixtureServer(): McpServer {
  const server = new McpServer(
    { name: 'conformance-fixture', version: '1.0.0' },
    {
      capabilities: {
        tools: NEVER_CHANGES,
        prompts: NEVER_CHANGES,
        resources: { ...NEVER_CHANGES, subscribe: true },
        logging: {},
      },
      requestState: { verify: (state, context) => stateCodec.verify(state, context) },
    },
  );
  registerPlainTools(server);
  registerAskingTools(server);
  registerFixtureResources(server);
  registerFixturePrompts(server);
  return server;
}

const BODY_LIMIT = 1_024 ** 2;
const SETTINGS: HttpSettings = {
  host: '127.0.0.1',
  port: 0,
  token: undefined,
  readToken: undefined,
  allowedHosts: [],
  allowedOrigins: [],
  tls: undefined,
  bodyLimit: BODY_LIMIT,
  rateLimit: 0,
};

export interface FixtureServer {
  /** For example `http://127.0.0.1:40123`. */
  readonly address: string;
  stop(): Promise<void>;
}

/** The HTTP application with all its guards, around the tools of the suite. */
export async function startFixtureServer(): Promise<FixtureServer> {
  const logger = createLogger({ level: 'error', write: () => undefined });
  const mcp = new McpHttpEndpoint(buildFixtureServer, {
    bodyLimit: BODY_LIMIT,
    messagesPath: MESSAGES_PATH,
    logger,
  });
  const app = buildApp({
    open: () => Promise.reject(new Error('the suite asks for no memories')),
    logger,
    settings: SETTINGS,
    mcp,
    isStopping: () => false,
  });
  const listener = getRequestListener(app.fetch);
  const server = createServer((...exchange) => void listener(...exchange)).listen(0, SETTINGS.host);
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  return {
    address: `http://${SETTINGS.host}:${port}`,
    stop: async () => {
      await mcp.close();
      server.close();
      server.closeAllConnections();
    },
  };
}
