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

export interface CallOptions {
  /** Cancels the call. */
  readonly signal?: AbortSignal;
  readonly onprogress?: (step: { progress: number; message?: string | undefined }) => void;
}

/** A connected client of either SDK, reduced to what the tests use. Answers are checked against output schemas. */
export interface ConnectedClient {
  readonly client: ClientV1 | ClientV2;
  readonly call: (name: string, values?: Record<string, unknown>, options?: CallOptions) => Promise<Called>;
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

/** How a client of SDK v2 finds out which protocol the server speaks. */
export type NegotiationMode = 'legacy' | 'auto' | { pin: string };

export async function connectV1(
  dataDir: string,
  overrides?: Record<string, string>,
  askUser?: AskUser,
): Promise<ConnectedClient> {
  const client = createV1(askUser);
  await client.connect(new StdioV1(parameters(dataDir, overrides)));
  return connected(client);
}

async function connectV2(
  mode: NegotiationMode,
  dataDir: string,
  overrides?: Record<string, string>,
  askUser?: AskUser,
): Promise<ConnectedClient> {
  const client = createV2(mode, askUser);
  await client.connect(new StdioV2(parameters(dataDir, overrides)));
  return connected(client);
}

/** A client that is not connected yet. */
export function createV1(askUser?: AskUser): ClientV1 {
  const client = new ClientV1(INFO, { capabilities: capabilitiesOf(askUser) });
  if (askUser !== undefined)
    client.setRequestHandler(ElicitRequestSchema, ({ params }) => ({ ...askUser(params.message) }));
  return client;
}

/** A client that is not connected yet. */
export function createV2(mode: NegotiationMode, askUser?: AskUser): ClientV2 {
  const client = new ClientV2(INFO, { versionNegotiation: { mode }, capabilities: capabilitiesOf(askUser) });
  if (askUser !== undefined)
    client.setRequestHandler('elicitation/create', ({ params }) => ({ ...askUser(params.message) }));
  return client;
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

/** What the tests use of a client that is connected. It is closed after the test. */
export async function connected(client: ClientV1 | ClientV2): Promise<ConnectedClient> {
  onTestFinished(() => client.close());
  // Both SDKs check answers against the output schemas that they have listed before.
  await client.listTools();
  return {
    client,
    call: async (name, values = {}, options = {}) => {
      const wanted = { name, arguments: values };
      const result =
        client instanceof ClientV1
          ? await client.callTool(wanted, undefined, options)
          : await client.callTool(wanted, options);
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
