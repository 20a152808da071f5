import {
  type CallToolResult,
  CLIENT_CAPABILITIES_META_KEY,
  createRequestStateCodec,
  fromJsonSchema,
  inputRequired,
  type InputRequiredResult,
  type InputRequests,
  inputResponse,
  type McpServer,
  type ServerContext,
} from '@modelcontextprotocol/server';
import { ALL_DEFAULTS, ALL_ENUMS, elicitText, stringField } from './elicitation-schemas.ts';
import { textContent } from './fixture-contents.ts';

interface State {
  readonly round: number;
}

/** Signs the state that clients carry from one round to the next. */
export const stateCodec = createRequestStateCodec<State>({ key: 'k'.repeat(32) });

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
export function registerAskingTools(server: McpServer): void {
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
export async function askThrough<Result>(
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
