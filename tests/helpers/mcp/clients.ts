import { Client as ClientV2 } from '@modelcontextprotocol/client';
import { StdioClientTransport as StdioV2 } from '@modelcontextprotocol/client/stdio';
import { Client as ClientV1 } from '@modelcontextprotocol/sdk/client/index.js';
import { StdioClientTransport as StdioV1 } from '@modelcontextprotocol/sdk/client/stdio.js';
import { ElicitRequestSchema } from '@modelcontextprotocol/sdk/types.js';
import { onTestFinished } from 'vitest';
import { PROGRAM, serverEnvironment } from './server-environment.ts';

export interface Called {
  readonly text: string;
  readonly data: Readonly<Record<string, unknown>>;
  readonly isError: boolean;
  /** `{ code, retryable }` of a failed call. */
  readonly failure: unknown;
}

/** A connected client of either SDK, reduced to what the tests use. Answers are checked against output schemas. */
export interface ConnectedClient {
  readonly client: ClientV1 | ClientV2;
  readonly call: (name: string, values?: Record<string, unknown>) => Promise<Called>;
  readonly readText: (uri: string) => Promise<string>;
}

/** What the user of a client answers to a question of the server. */
export interface UserReply {
  readonly action: 'accept' | 'decline' | 'cancel';
  readonly content?: Record<string, boolean>;
}

/** Without it, the client cannot ask its user. */
export type AskUser = (question: string) => UserReply;

export interface ClientKind {
  readonly name: string;
  readonly connect: (
    dataDir: string,
    overrides?: Record<string, string>,
    askUser?: AskUser,
  ) => Promise<ConnectedClient>;
}

const INFO = { name: 'faiss-memory-tests', version: '1.0.0' };

/** Every client generation a server meets: both SDKs and both protocol eras. */
export const clientKinds: readonly ClientKind[] = [
  { name: 'SDK v1', connect: connectV1 },
  { name: 'SDK v2, 2025 protocol', connect: (...place) => connectV2('legacy', ...place) },
  { name: 'SDK v2, negotiating', connect: (...place) => connectV2('auto', ...place) },
  { name: 'SDK v2, 2026-07-28', connect: (...place) => connectV2({ pin: '2026-07-28' }, ...place) },
];

type Mode = 'legacy' | 'auto' | { pin: string };

export async function connectV1(
  dataDir: string,
  overrides?: Record<string, string>,
  askUser?: AskUser,
): Promise<ConnectedClient> {
  const client = new ClientV1(INFO, { capabilities: capabilitiesOf(askUser) });
  if (askUser !== undefined)
    client.setRequestHandler(ElicitRequestSchema, ({ params }) => ({ ...askUser(params.message) }));
  await client.connect(new StdioV1(parameters(dataDir, overrides)));
  return connected(client);
}

async function connectV2(
  mode: Mode,
  dataDir: string,
  overrides?: Record<string, string>,
  askUser?: AskUser,
): Promise<ConnectedClient> {
  const capabilities = capabilitiesOf(askUser);
  const client = new ClientV2(INFO, { versionNegotiation: { mode }, capabilities });
  if (askUser !== undefined)
    client.setRequestHandler('elicitation/create', ({ params }) => ({ ...askUser(params.message) }));
  await client.connect(new StdioV2(parameters(dataDir, overrides)));
  return connected(client);
}

function capabilitiesOf(askUser: AskUser | undefined) {
  return askUser === undefined ? {} : { elicitation: { form: {} } };
}

function parameters(dataDir: string, overrides?: Record<string, string>) {
  return {
    command: process.execPath,
    args: [PROGRAM],
    env: serverEnvironment(dataDir, overrides),
    stderr: 'ignore' as const,
  };
}

async function connected(client: ClientV1 | ClientV2): Promise<ConnectedClient> {
  onTestFinished(() => client.close());
  // Both SDKs check answers against the output schemas that they have listed before.
  await client.listTools();
  return {
    client,
    call: async (name, values = {}) => {
      const result = await client.callTool({ name, arguments: values });
      const [content] = result.content as { text: string }[];
      return {
        text: content?.text ?? '',
        data: (result.structuredContent ?? {}) as Record<string, unknown>,
        isError: result.isError === true,
        failure: result._meta?.['faiss-memory/error'],
      };
    },
    readText: async (uri) => {
      const { contents } = await client.readResource({ uri });
      const [first] = contents;
      return first !== undefined && 'text' in first ? first.text : '';
    },
  };
}
