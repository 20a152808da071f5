import {
  type CallToolResult,
  fromJsonSchema,
  type JsonSchemaType,
  type McpServer,
  type ServerContext,
} from '@modelcontextprotocol/server';
import { embedded, PNG, textContent, WAV } from './fixture-contents.ts';

type Content = CallToolResult['content'];

/** The tools that the suite calls for what they return. */
const CONTENTS: Readonly<Record<string, Content>> = {
  test_simple_text: [textContent('This is a simple text response for testing.')],
  test_image_content: [{ type: 'image', ...PNG }],
  test_audio_content: [{ type: 'audio', ...WAV }],
  test_embedded_resource: [
    embedded({
      uri: 'test://embedded-resource',
      mimeType: 'text/plain',
      text: 'This is an embedded resource content.',
    }),
  ],
  test_multiple_content_types: [
    textContent('Multiple content types test:'),
    { type: 'image', ...PNG },
    embedded({
      uri: 'test://mixed-content-resource',
      mimeType: 'application/json',
      text: '{"test":"data","value":123}',
    }),
  ],
  test_reconnection: [textContent('Nothing was closed')],
};

/** Clients repeat this argument in a header. */
const mirrored: JsonSchemaType = { type: 'string', ...{ 'x-mcp-header': 'Region' } };

/** The tools that the suite looks at in the list, or calls with arguments. */
const SCHEMAS: Readonly<Record<string, JsonSchemaType>> = {
  test_x_mcp_header: {
    type: 'object',
    properties: { region: mirrored },
    required: ['region'],
  },
  json_schema_2020_12_tool: {
    $schema: 'https://json-schema.org/draft/2020-12/schema',
    type: 'object',
    $defs: {
      address: {
        $anchor: 'addressDef',
        type: 'object',
        properties: { street: { type: 'string' }, city: { type: 'string' } },
      },
    },
    properties: {
      name: { type: 'string' },
      address: { $ref: '#/$defs/address' },
      contactMethod: { type: 'string', enum: ['phone', 'email'] },
      phone: { type: 'string' },
      email: { type: 'string' },
    },
    allOf: [{ anyOf: [{ required: ['phone'] }, { required: ['email'] }] }],
    if: { properties: { contactMethod: { const: 'phone' } }, required: ['contactMethod'] },
    then: { required: ['phone'] },
    else: { required: ['email'] },
    additionalProperties: false,
  },
};

export function registerPlainTools(server: McpServer): void {
  for (const [name, content] of Object.entries(CONTENTS)) {
    server.registerTool(name, { description: name }, () => ({ content }));
  }
  for (const [name, schema] of Object.entries(SCHEMAS)) {
    server.registerTool(name, { description: name, inputSchema: fromJsonSchema(schema) }, () => ({
      content: [textContent('ok')],
    }));
  }
  server.registerTool('test_error_handling', { description: 'fails' }, () => {
    throw new Error('This tool intentionally returns an error for testing');
  });
  server.registerTool('test_tool_with_progress', { description: 'reports progress' }, reportProgress);
  for (const name of ['test_tool_with_logging', 'test_logging_tool']) {
    server.registerTool(name, { description: 'writes log entries' }, writeLog);
  }
}

async function reportProgress({ mcpReq }: ServerContext): Promise<CallToolResult> {
  const progressToken = mcpReq._meta?.progressToken;
  for (const progress of progressToken === undefined ? [] : [0, 50, 100]) {
    await mcpReq.notify({
      method: 'notifications/progress',
      params: { progressToken, progress, total: 100 },
    });
  }
  return { content: [textContent('done')] };
}

async function writeLog({ mcpReq }: ServerContext): Promise<CallToolResult> {
  for (const entry of ['Tool execution started', 'Tool processing data', 'Tool execution completed']) {
    // eslint-disable-next-line @typescript-eslint/no-deprecated -- the suite still asks for it
    await mcpReq.log('info', entry);
  }
  return { content: [textContent('done')] };
}
