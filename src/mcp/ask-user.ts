import {
  acceptedContent,
  CLIENT_CAPABILITIES_META_KEY,
  inputRequired,
  type ClientCapabilities,
  type InputRequiredResult,
  type ServerContext,
} from '@modelcontextprotocol/server';
import type { ToolQuestion, UserAnswer } from './tool-call.ts';

/** Names the one question of a call among the answers of its next round. */
const KEY = 'consent';
const AGREE = 'agree';

/** A header of a request whose client reads the one answer, and would not hear a question before it. */
export const EVENTS_UNHEARD = 'x-faiss-memory-events-unheard';

/** The client's turn: it asks its user and calls again. The SDK translates for clients of the older protocols. */
export function askUser({ question, label, state }: ToolQuestion): InputRequiredResult {
  const requestedSchema = {
    type: 'object' as const,
    properties: { [AGREE]: { type: 'boolean' as const, title: label, default: false } },
    required: [AGREE],
  };
  return inputRequired({
    inputRequests: { [KEY]: inputRequired.elicit({ message: question, requestedSchema }) },
    requestState: state,
  });
}

/** What the user said; undefined in the first round. Only an explicit yes agrees. */
export function readAnswer({ mcpReq }: ServerContext): UserAnswer | undefined {
  const state = mcpReq.requestState<string>();
  if (mcpReq.inputResponses === undefined || typeof state !== 'string') return undefined;
  return { agreed: acceptedContent(mcpReq.inputResponses, KEY)?.[AGREE] === true, state };
}

/** @param connected what the client said when it connected; newer ones say it with every call */
export function canAskUser(
  { mcpReq, http }: ServerContext,
  connected: ClientCapabilities | undefined,
): boolean {
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
