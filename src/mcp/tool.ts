import {
  acceptedContent,
  type CallToolResult,
  CLIENT_CAPABILITIES_META_KEY,
  type ClientCapabilities,
  inputRequired,
  type InputRequiredResult,
  type McpServer,
  type ServerContext,
  type StandardSchemaWithJSON,
} from '@modelcontextprotocol/server';
import type * as z from 'zod/mini';
import { errorSentence, isUnexpected } from '../api/errors.ts';
import {
  ignoredData,
  ignoredNote,
  type JsonSchema,
  lazySchema,
  readInput,
  toPortable,
} from '../api/input.ts';
import type { ServerParts, Services } from '../api/services.ts';
import type { Progress, WorkOptions } from '../backup/backup-api.ts';
import { FaissMemoryError } from '../errors/faiss-memory-error.ts';
import { boundAnswer, boundText, halfOf } from '../api/answer-size.ts';
import { currentProject } from './current-project.ts';
import { lines } from './render.ts';

/** The effect of a tool on the memories; decides the annotations that clients show and act on. */
export type ToolIntent = 'read' | 'add' | 'change' | 'remove';

export interface ToolDeclaration<Input extends z.ZodMiniObject> {
  readonly name: string;
  readonly title: string;
  /** Tells an agent when to use the tool. */
  readonly description: string;
  readonly intent: ToolIntent;
  /** True for tools that talk to the remote. Default: only the user's own store. */
  readonly openWorld?: boolean;
  readonly input: Input;
  readonly output: z.ZodMiniObject;
  readonly handle: (
    services: Services,
    input: z.infer<Input>,
    call: ToolCall,
  ) => Promise<ToolAnswer | ToolQuestion>;
}

/** A call whose arguments were checked. */
export interface PreparedCall {
  /** Fields of the arguments that the tool does not know. */
  readonly ignored: readonly string[];
  readonly perform: (services: Services, call: ToolCall) => Promise<ToolAnswer | ToolQuestion>;
}

/** A tool ready to be registered. */
export interface Tool {
  readonly name: string;
  readonly title: string;
  readonly description: string;
  readonly annotations: ToolHints;
  readonly inputSchema: AdvertisedSchema;
  readonly outputSchema: AdvertisedSchema;
  /**
   * Checks raw arguments before any service is opened.
   * @returns the call, to be made with the services
   * @throws InvalidInputError naming the field, the value and the allowed values
   */
  readonly prepare: (rawArguments: unknown) => PreparedCall;
}

/** The annotations of MCP, all of them: a client takes one that is left out for the worst. */
export interface ToolHints {
  readonly readOnlyHint: boolean;
  readonly destructiveHint: boolean;
  readonly idempotentHint: boolean;
  readonly openWorldHint: boolean;
}

export function defineTool<Input extends z.ZodMiniObject>(declaration: ToolDeclaration<Input>): Tool {
  const { name, title, description, intent, openWorld = false, input, output, handle } = declaration;
  const inputJson = lazySchema(input);
  const outputJson = lazySchema(output);
  return {
    name,
    title,
    description,
    annotations: hintsOf(intent, openWorld),
    inputSchema: advertise(() => toPortable(inputJson())),
    outputSchema: advertise(outputJson),
    prepare(rawArguments) {
      const { input: checked, ignored } = readInput(input, inputJson(), rawArguments);
      return { ignored, perform: (services, call) => handle(services, checked, call) };
    },
  };
}

function hintsOf(intent: ToolIntent, openWorld: boolean): ToolHints {
  return {
    readOnlyHint: intent === 'read',
    destructiveHint: intent === 'change' || intent === 'remove',
    // Adding the same once more may be asked for; every other call changes nothing when repeated.
    idempotentHint: intent !== 'add',
    openWorldHint: openWorld,
  };
}

/** Lean data and a text for one and the same answer. */
export interface ToolAnswer {
  /** Fits the output schema. */
  readonly data: Record<string, unknown>;
  /** The same for a reader, compact; recalled text in it is quoted. */
  readonly text: string;
  /** How long the answer may be, where the caller said so. */
  readonly maxTokens?: number | undefined;
}

/** Instead of an answer: the client puts it to its user and calls again with the reply. */
export interface ToolQuestion {
  readonly question: string;
  /** Names the box that the user ticks. */
  readonly label: string;
  /** Comes back beside the user's answer, through the client: the caller could have written it as well. */
  readonly state: string;
}

/** The reply of the user to the question that the same call asked before. */
interface UserAnswer {
  readonly agreed: boolean;
  readonly state: string;
}

/** The call that a tool answers, beside its arguments. */
interface ToolCall {
  /** Aborted when the client cancels the call; progress goes to the client when it asked for it. */
  readonly work: WorkOptions;
  /** The client can put questions to its user. */
  readonly canAsk: boolean;
  /** Undefined until the user was asked. */
  readonly answer: UserAnswer | undefined;
  /** The project that the client works in; null = in none, undefined = that of the settings. */
  readonly project: () => Promise<string | null | undefined>;
}

function isQuestion(outcome: ToolAnswer | ToolQuestion): outcome is ToolQuestion {
  return 'question' in outcome;
}

/** Offers a tool. The one place where an error of a tool becomes an answer. */
export function registerTool(server: McpServer, tool: Tool, parts: ServerParts): void {
  const { name, title, description, annotations, inputSchema, outputSchema } = tool;
  const config = {
    ...{ title, description, annotations: { ...annotations }, outputSchema },
    // A client that asks for the tools will soon call one, and a first search shall not wait for its model.
    inputSchema: heardWhenListed(inputSchema, () => parts.prepare?.()),
  };
  server.registerTool(name, config, (rawArguments, context) => {
    const call = { rawArguments, call: toolCall(server, context, parts) };
    return parts.tracer === undefined
      ? answer(tool, call, parts)
      : parts.tracer.span({ name: `tool ${name}` }, async (span) => {
          const result = await answer(tool, call, parts);
          if (result.isError === true) span.fail(failureOf(result));
          return result;
        });
  });
}

function toolCall(server: McpServer, context: ServerContext, parts: ServerParts): ToolCall {
  // eslint-disable-next-line @typescript-eslint/no-deprecated -- the only source in the protocols before 2026-07-28
  const connected = server.server.getClientCapabilities();
  return {
    work: { signal: context.mcpReq.signal, onProgress: progressReporter(context) },
    canAsk: canAskUser(context, connected),
    answer: readAnswer(context),
    project: () => currentProject(server, context, parts),
  };
}

async function answer(
  tool: Tool,
  { rawArguments, call }: { readonly rawArguments: unknown; readonly call: ToolCall },
  { open, logger, prepare }: ServerParts,
): Promise<CallToolResult | InputRequiredResult> {
  prepare?.();
  let ignored: readonly string[] = [];
  try {
    const prepared = tool.prepare(rawArguments);
    ignored = prepared.ignored;
    const outcome = await prepared.perform(await open(), call);
    if (isQuestion(outcome)) return askUser(outcome);
    const whole = {
      text: lines(outcome.text, ignoredNote(ignored)),
      data: { ...outcome.data, ...ignoredData(ignored) },
    };
    const { text, data } = boundAnswer(whole, halfOf(outcome.maxTokens));
    return { content: [{ type: 'text', text }], structuredContent: data };
  } catch (error) {
    const cancelled = call.work.signal?.aborted === true;
    if (isUnexpected(error) && !cancelled) logger.error('a tool failed', { tool: tool.name }, error);
    return toToolError(error, ignoredNote(ignored));
  }
}

/** Where the answer of a failed call carries `{ code, retryable }` for programs. */
const ERROR_META_KEY = 'faiss-memory/error';

/**
 * The answer of a call that failed: the problem and its fix, never a stack.
 * @param note said behind it; empty = nothing
 */
function toToolError(error: unknown, note = ''): CallToolResult {
  const { code, retryable } = error instanceof FaissMemoryError ? error : INTERNAL;
  return {
    content: [{ type: 'text', text: boundText(`${code}: ${errorSentence(error)} ${note}`.trim()) }],
    isError: true,
    _meta: { [ERROR_META_KEY]: { code, retryable } },
  };
}

function failureOf({ _meta }: CallToolResult | InputRequiredResult): string {
  return String(memberOf(_meta?.[ERROR_META_KEY], 'code'));
}

const INTERNAL = { code: 'INTERNAL', retryable: false } as const;

/** Names the one question of a call among the answers of its next round. */
const KEY = 'consent';
const AGREE = 'agree';

/** A header of a request whose client reads the one answer, and would not hear a question before it. */
export const EVENTS_UNHEARD = 'x-faiss-memory-events-unheard';

/** The client's turn: it asks its user and calls again. The SDK translates for clients of the older protocols. */
function askUser({ question, label, state }: ToolQuestion): InputRequiredResult {
  const requestedSchema = {
    type: 'object' as const,
    properties: { [AGREE]: { type: 'boolean' as const, title: label, default: false } },
    required: [AGREE],
  };
  return inputRequired({
    inputRequests: { [KEY]: inputRequired.elicit({ message: boundText(question), requestedSchema }) },
    requestState: state,
  });
}

/** The reply of the user; undefined in the first round. Only an explicit yes agrees. */
function readAnswer({ mcpReq }: ServerContext): UserAnswer | undefined {
  const state = mcpReq.requestState<string>();
  if (mcpReq.inputResponses === undefined || typeof state !== 'string') return undefined;
  return { agreed: acceptedContent(mcpReq.inputResponses, KEY)?.[AGREE] === true, state };
}

/** @param connected the capabilities that the client named when it connected; newer ones name them in every call */
function canAskUser({ mcpReq, http }: ServerContext, connected: ClientCapabilities | undefined): boolean {
  if (mcpReq.envelope === undefined && http?.req?.headers.has(EVENTS_UNHEARD) === true) return false;
  const said: unknown = Reflect.get(mcpReq.envelope ?? {}, CLIENT_CAPABILITIES_META_KEY) ?? connected;
  const elicitation = memberOf(said, 'elicitation');
  if (typeof elicitation !== 'object' || elicitation === null) return false;
  // An empty object is how clients said it before there were several ways to ask.
  return 'form' in elicitation || Object.keys(elicitation).length === 0;
}

function memberOf(value: unknown, name: string): unknown {
  return typeof value === 'object' && value !== null ? (Reflect.get(value, name) as unknown) : undefined;
}

const INTERVAL_MS = 250;

/**
 * Tells the client how far its call is, if it asked for that: every new step, and not too often in between.
 * Counts start again with each step while the protocol wants numbers that only rise, so the counts are in the
 * message.
 */
function progressReporter(
  { mcpReq }: ServerContext,
  now: () => number = () => performance.now(),
): ((progress: Progress) => void) | undefined {
  const progressToken = mcpReq._meta?.progressToken;
  if (progressToken === undefined) return undefined;
  let sent = 0;
  let lastStep = '';
  let lastTime = -Infinity;
  return ({ step, done, total }) => {
    if (step === lastStep && now() - lastTime < INTERVAL_MS) return;
    lastStep = step;
    lastTime = now();
    sent += 1;
    const message = total === undefined ? `${step}: ${done}` : `${step}: ${done} of ${total}`;
    const params = { progressToken, progress: sent, message };
    // A client that is gone needs no progress; its call is aborted elsewhere.
    mcpReq.notify({ method: 'notifications/progress', params }).catch(() => undefined);
  };
}

type AdvertisedSchema = StandardSchemaWithJSON<Record<string, unknown>>;

/** The SDK has no other way to hear of a list, over all transports and protocols: it asks each schema for its JSON. */
function heardWhenListed(schema: AdvertisedSchema, hear: () => void): AdvertisedSchema {
  const { jsonSchema, ...standard } = schema['~standard'];
  const input: typeof jsonSchema.input = (options) => {
    hear();
    return jsonSchema.input(options);
  };
  return { '~standard': { ...standard, jsonSchema: { ...jsonSchema, input } } };
}

/**
 * A schema that the SDK shows to clients and does not check: arguments may be written more freely than it says,
 * and errors shall read the same at every edge, so the receiver checks them itself.
 * @param json made when a client first asks for it
 */
export function advertise(json: () => JsonSchema): AdvertisedSchema {
  return {
    '~standard': {
      version: 1,
      vendor: 'faiss-memory',
      // Whatever came is handed on as it is.
      validate: (value) => ({ value: value as Record<string, unknown> }),
      jsonSchema: { input: () => ({ ...json() }), output: () => ({ ...json() }) },
    },
  };
}
