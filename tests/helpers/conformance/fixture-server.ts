import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { getRequestListener } from '@hono/node-server';
import {
  type CallToolResult,
  CLIENT_CAPABILITIES_META_KEY,
  completable,
  createRequestStateCodec,
  fromJsonSchema,
  type GetPromptResult,
  type InputRequests,
  inputRequired,
  type InputRequiredResult,
  inputResponse,
  McpServer,
  ResourceTemplate,
  type ServerContext,
} from '@modelcontextprotocol/server';
import * as z from 'zod';
import { buildApp } from '../../../src/http/build-app.ts';
import type { HttpSettings } from '../../../src/http/http-environment.ts';
import { createLogger } from '../../../src/logger.ts';
import { McpHttpEndpoint } from '../../../src/mcp/http-endpoint.ts';
import { embedded, PNG, textContent } from './fixture-contents.ts';
import { registerPlainTools } from './plain-tools.ts';

function registerFixtureResources(server: McpServer): void {
  const text = (uri: string, content: string): void => {
    server.registerResource(uri, uri, { mimeType: 'text/plain' }, () => ({
      contents: [{ uri, mimeType: 'text/plain', text: content }],
    }));
  };
  text('test://static-text', 'This is the content of the static text resource.');
  text('test://watched-resource', 'Nothing ever happens here.');
  server.registerResource('binary', 'test://static-binary', { mimeType: PNG.mimeType }, ({ href: uri }) => ({
    contents: [{ uri, mimeType: PNG.mimeType, blob: PNG.data }],
  }));
  const template = new ResourceTemplate('test://template/{id}/data', { list: undefined });
  server.registerResource(
    'template',
    template,
    { mimeType: 'application/json' },
    ({ href: uri }, { id }) => ({
      contents: [
        {
          uri,
          mimeType: 'application/json',
          text: JSON.stringify({ id, templateTest: true, data: `Data for ID: ${String(id)}` }),
        },
      ],
    }),
  );
  server.server.setRequestHandler('resources/subscribe', () => ({}));
  server.server.setRequestHandler('resources/unsubscribe', () => ({}));
}

type Ask = InputRequests[string];

function stringField(): { type: 'string' } {
  return { type: 'string' };
}

/** A form of texts, all required. */
function elicitText(message: string, ...names: readonly string[]): Ask {
  const properties = Object.fromEntries(names.map((name) => [name, stringField()]));
  return inputRequired.elicit({
    message,
    requestedSchema: { type: 'object', properties, required: [...names] },
  });
}

/** A form with a default in every field. */
const ALL_DEFAULTS: Ask = inputRequired.elicit({
  message: 'Every kind of default',
  requestedSchema: {
    type: 'object',
    properties: {
      name: { type: 'string', default: 'John Doe' },
      age: { type: 'integer', default: 30 },
      score: { type: 'number', default: 95.5 },
      status: { type: 'string', enum: ['active', 'inactive', 'pending'], default: 'active' },
      verified: { type: 'boolean', default: true },
    },
  },
});

const OPTIONS = ['option1', 'option2', 'option3'];
const titled = (kind: string): { const: string; title: string }[] =>
  ['First', 'Second', 'Third'].map((title, index) => ({
    const: `value${index + 1}`,
    title: `${title} ${kind}`,
  }));

/** A form with every kind of choice. */
const ALL_ENUMS: Ask = inputRequired.elicit({
  message: 'Every kind of choice',
  requestedSchema: {
    type: 'object',
    properties: {
      untitledSingle: { type: 'string', enum: OPTIONS },
      titledSingle: { type: 'string', oneOf: titled('Option') },
      legacyEnum: {
        type: 'string',
        enum: ['opt1', 'opt2', 'opt3'],
        enumNames: ['Option One', 'Option Two', 'Option Three'],
      },
      untitledMulti: { type: 'array', items: { type: 'string', enum: OPTIONS } },
      titledMulti: { type: 'array', items: { anyOf: titled('Choice') } },
    },
  },
});

interface State {
  readonly round: number;
}

/** Signs the state that clients carry from one round to the next. */
const stateCodec = createRequestStateCodec<State>({ key: 'k'.repeat(32) });

interface AskingTool {
  /** Of string arguments, all required. */
  readonly argumentNames?: readonly string[];
  /** What each round asks for. */
  readonly rounds: (
    values: Readonly<Record<string, unknown>>,
    context: ServerContext,
  ) => readonly InputRequests[];
}

const sample = (text: string): InputRequests[string] =>
  inputRequired.createMessage({
    messages: [{ role: 'user', content: { type: 'text', text } }],
    maxTokens: 100,
  });
const askName = elicitText('What is your name?', 'name');
const confirm = inputRequired.elicit({
  message: 'Please confirm',
  requestedSchema: { type: 'object', properties: { ok: { type: 'boolean' } }, required: ['ok'] },
});

const TOOLS: Readonly<Record<string, AskingTool>> = {
  test_elicitation: {
    argumentNames: ['message'],
    rounds: ({ message }) => [{ user: elicitText(String(message), 'username', 'email') }],
  },
  test_sampling: { argumentNames: ['prompt'], rounds: ({ prompt }) => [{ answer: sample(String(prompt)) }] },
  test_elicitation_sep1034_defaults: { rounds: () => [{ form: ALL_DEFAULTS }] },
  test_elicitation_sep1330_enums: { rounds: () => [{ form: ALL_ENUMS }] },
  test_streaming_elicitation: { rounds: () => [{ user_name: askName }] },
  test_missing_capability: { rounds: () => [{ answer: sample('Say hello') }] },
  test_input_required_result_elicitation: { rounds: () => [{ user_name: askName }] },
  test_input_required_result_sampling: {
    rounds: () => [{ capital_question: sample('What is the capital of France?') }],
  },
  test_input_required_result_list_roots: { rounds: () => [{ client_roots: inputRequired.listRoots() }] },
  test_input_required_result_request_state: { rounds: () => [{ confirm }] },
  test_input_required_result_tampered_state: { rounds: () => [{ confirm }] },
  test_input_required_result_multiple_inputs: {
    rounds: () => [
      {
        user_name: askName,
        greeting: sample('Generate a greeting'),
        client_roots: inputRequired.listRoots(),
      },
    ],
  },
  test_input_required_result_multi_round: {
    rounds: () => [
      { step1: elicitText('Step 1: What is your name?', 'name') },
      { step2: elicitText('Step 2: What is your favorite color?', 'color') },
    ],
  },
  test_input_required_result_capabilities: {
    rounds: (_, context) => [
      {
        ...(declares(context, 'elicitation') ? { user_name: askName } : {}),
        ...(declares(context, 'sampling') ? { greeting: sample('Generate a greeting') } : {}),
      },
    ],
  },
};

/** The tools that put something to the user, or to the model, of the client. */
function registerAskingTools(server: McpServer): void {
  for (const [name, { argumentNames = [], rounds }] of Object.entries(TOOLS)) {
    const properties = Object.fromEntries(argumentNames.map((argument) => [argument, stringField()]));
    const inputSchema = fromJsonSchema<Record<string, unknown>>({
      type: 'object',
      properties,
      required: [...argumentNames],
    });
    server.registerTool(name, { description: name, inputSchema }, (values, context) =>
      askThrough(rounds(values, context), context, complete),
    );
  }
}

/** Asks what the current round asks; when every round is answered, completes. */
async function askThrough<Result>(
  rounds: readonly InputRequests[],
  { mcpReq }: ServerContext,
  complete: (responses: unknown) => Result,
): Promise<Result | InputRequiredResult> {
  const { round = 0 } = mcpReq.requestState<State>() ?? {};
  const asked = Object.keys(rounds[round] ?? {});
  const isAnswered = asked.every((key) => inputResponse(mcpReq.inputResponses, key).kind !== 'missing');
  const next = isAnswered ? round + 1 : round;
  const inputRequests = rounds[next];
  if (inputRequests === undefined) return complete(mcpReq.inputResponses);
  return inputRequired({ inputRequests, requestState: await stateCodec.mint({ round: next }) });
}

function complete(responses: unknown): CallToolResult {
  return { content: [textContent(`state-ok: ${JSON.stringify(responses)}`)] };
}

function declares({ mcpReq }: ServerContext, capability: 'elicitation' | 'sampling'): boolean {
  const declared: unknown = Reflect.get(mcpReq.envelope ?? {}, CLIENT_CAPABILITIES_META_KEY);
  return typeof declared === 'object' && declared !== null && capability in declared;
}

type Content = GetPromptResult['messages'][number]['content'];

const withArguments = z.object({
  arg1: completable(z.string(), (value) =>
    ['paris', 'park', 'party'].filter((word) => word.startsWith(value)),
  ),
  arg2: z.string(),
});

function registerFixturePrompts(server: McpServer): void {
  server.registerPrompt('test_simple_prompt', { description: 'no arguments' }, () =>
    userSays(textContent('This is a simple prompt for testing.')),
  );
  server.registerPrompt(
    'test_prompt_with_arguments',
    { description: 'two arguments', argsSchema: withArguments },
    ({ arg1, arg2 }) => userSays(textContent(`Prompt with arguments: arg1='${arg1}', arg2='${arg2}'`)),
  );
  server.registerPrompt(
    'test_prompt_with_embedded_resource',
    { description: 'embeds a resource', argsSchema: z.object({ resourceUri: z.string() }) },
    ({ resourceUri: uri }) =>
      userSays(
        embedded({ uri, mimeType: 'text/plain', text: 'Embedded resource content for testing.' }),
        textContent('Please process the embedded resource above.'),
      ),
  );
  server.registerPrompt('test_prompt_with_image', { description: 'shows an image' }, () =>
    userSays({ type: 'image', ...PNG }, textContent('Please analyze the image above.')),
  );
  server.registerPrompt('test_input_required_result_prompt', { description: 'asks first' }, (context) =>
    askThrough(
      [{ user_context: elicitText('What context should the prompt use?', 'context') }],
      context,
      (responses) => userSays(textContent(JSON.stringify(responses))),
    ),
  );
}

function userSays(...contents: readonly Content[]): GetPromptResult {
  return { messages: contents.map((content) => ({ role: 'user', content })) };
}

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
