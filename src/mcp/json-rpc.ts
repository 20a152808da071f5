import {
  isJSONRPCNotification,
  isJSONRPCRequest,
  isJSONRPCResponse,
  type JSONRPCMessage,
  type RequestId,
} from '@modelcontextprotocol/server';
import { readJson } from '../api/bounded-json.ts';
import { isObject } from '../util/json.ts';

const PARSE_ERROR = -32_700;
const INVALID_REQUEST = -32_600;
const INVALID_PARAMS = -32_602;
/** As many as the SDK takes over HTTP. */
const MAX_BATCH = 100;

/** The answer to a value that is no message; `id` is null where none could be read. */
export interface Refusal {
  readonly jsonrpc: '2.0';
  readonly id: RequestId | null;
  readonly error: { readonly code: number; readonly message: string };
}

/** One JSON value of a client: one message, or a batch of them. */
export interface Received {
  readonly messages: readonly JSONRPCMessage[];
  /** One for each entry that is no message and may be waited for. */
  readonly refusals: readonly Refusal[];
  readonly isBatch: boolean;
}

type Members = Readonly<Record<string, unknown>>;
type Checked = { readonly message: JSONRPCMessage } | { readonly refusal: Refusal } | undefined;

/**
 * Reads the input of a client, in every transport. Everything with an id becomes a message or a refusal, so no client
 * waits for nothing. Absent and null are the same, since many clients write null for a member that they do not have.
 * @returns one for each value in the text; several only where a client left out the line feeds between them
 */
export function readMessages(bytes: Uint8Array): Received[] {
  return readJson(bytes).map((reading) => {
    if (!('value' in reading)) {
      const { problem, fix, tooMuch } = reading;
      const code = tooMuch === undefined ? PARSE_ERROR : INVALID_REQUEST;
      return refused(nameOf(tooMuch?.id), code, `the message ${problem}; ${fix}`);
    }
    return Array.isArray(reading.value) ? readBatch(reading.value) : received([reading.value], false);
  });
}

/** A refusal of the whole text. */
export function refused(id: RequestId | null, code: number, message: string): Received {
  return { messages: [], refusals: [refusal(id, code, message)], isBatch: false };
}

/** For a text that was not even read. */
export function tooLarge(bytes: number): Received {
  return refused(null, INVALID_REQUEST, `the message is larger than ${bytes} bytes; send less at once`);
}

function readBatch(entries: readonly unknown[]): Received {
  if (entries.length === 0) return refused(null, INVALID_REQUEST, 'the batch is empty; send a message');
  if (entries.length > MAX_BATCH) {
    const problem = `the batch has ${entries.length} messages; allowed are at most ${MAX_BATCH}`;
    return refused(null, INVALID_REQUEST, problem);
  }
  return received(entries, true);
}

function received(values: readonly unknown[], isBatch: boolean): Received {
  const checked = values.map(checkMessage).filter((one) => one !== undefined);
  return {
    messages: checked.flatMap((one) => ('message' in one ? [one.message] : [])),
    refusals: checked.flatMap((one) => ('refusal' in one ? [one.refusal] : [])),
    isBatch,
  };
}

/** Undefined for a wrong notification or answer: no client waits for an answer to it. */
function checkMessage(value: unknown): Checked {
  if (!isObject(value)) {
    return { refusal: refusal(null, INVALID_REQUEST, `a message is ${shown(value)}; allowed is an object`) };
  }
  if (value['method'] === undefined && ('result' in value || 'error' in value)) {
    return isJSONRPCResponse(value) ? { message: value } : undefined;
  }
  const understood = withReadArguments(value);
  const problem = problemOf(understood);
  if (problem !== undefined) return refuse(value, ...problem);
  const message = withoutNoise(understood);
  if (isJSONRPCRequest(message) || isJSONRPCNotification(message)) return { message };
  return refuse(value, INVALID_PARAMS, 'params or its _meta are not what the protocol allows');
}

function refuse(value: Members, code: number, message: string): Checked {
  return isNotification(value) ? undefined : { refusal: refusal(nameOf(value['id']), code, message) };
}

/** Also of an id that is not allowed: a client that sends it waits for it. */
function nameOf(id: unknown): RequestId | null {
  return typeof id === 'string' || typeof id === 'number' ? id : null;
}

function refusal(id: RequestId | null, code: number, message: string): Refusal {
  return {
    jsonrpc: '2.0',
    id,
    error: { code, message: `${code === PARSE_ERROR ? 'Parse error' : 'Invalid message'}: ${message}.` },
  };
}

/** Some clients give notifications the id null. */
function isNotification({ id, method }: Members): boolean {
  return (
    typeof method === 'string' && (id === undefined || (id === null && method.startsWith('notifications/')))
  );
}

type Problem = readonly [code: number, message: string];

function problemOf(value: Members): Problem | undefined {
  const { id, jsonrpc, method, params } = value;
  if (!isNotification(value) && typeof id !== 'string' && !Number.isSafeInteger(id)) {
    return [INVALID_REQUEST, `id is ${shown(id)}; allowed is a text or an integer up to 2^53`];
  }
  if (jsonrpc !== '2.0') return [INVALID_REQUEST, `jsonrpc is ${shown(jsonrpc)}; allowed is "2.0"`];
  if (typeof method !== 'string') return [INVALID_REQUEST, `method is ${shown(method)}; allowed is a text`];
  if (isNothing(params)) return undefined;
  if (!isObject(params)) return [INVALID_PARAMS, `params is ${shown(params)}; allowed is an object`];
  for (const name of ['_meta', 'arguments']) {
    const member = params[name];
    if (isNothing(member) || isObject(member)) continue;
    return [INVALID_PARAMS, `params.${name} is ${shown(member)}; allowed is an object`];
  }
  return undefined;
}

/** Models write the arguments of a call as a text, and some clients hand it on as it is. */
function withReadArguments(value: Members): Members {
  const { params } = value;
  const written = isObject(params) ? params['arguments'] : undefined;
  if (!isObject(params) || typeof written !== 'string') return value;
  const [reading, second] = readJson(Buffer.from(written));
  const isRead = reading !== undefined && 'value' in reading && second === undefined;
  if (!isRead && written.trim() !== '') return value;
  return { ...value, params: { ...params, arguments: isRead ? reading.value : undefined } };
}

/** Only the members that JSON-RPC knows, without those that are null. */
function withoutNoise({ id, method, params }: Members): Members {
  return {
    jsonrpc: '2.0',
    ...(isNothing(id) ? {} : { id }),
    method,
    ...(isObject(params) ? { params: withoutNulls(params) } : {}),
  };
}

/** Members that hold only objects, on every level: of `initialize`, and of every request since 2026. */
const CAPABILITIES = /^(?:capabilities|io\.modelcontextprotocol\/clientCapabilities)$/;

/** The arguments of a call are the receiver's own: there a null may mean something. */
function withoutNulls(params: Members): Members {
  const members = Object.entries(params).filter(
    ([name, value]) => value !== null && !((name === '_meta' || name === 'arguments') && isNothing(value)),
  );
  return Object.fromEntries(
    members.map(([name, value]) => {
      if (CAPABILITIES.test(name)) return [name, withoutEmptyLists(value)];
      return [
        name,
        isObject(value) && name !== 'arguments' && name !== 'content' ? withoutNulls(value) : value,
      ];
    }),
  );
}

function withoutEmptyLists(value: unknown): unknown {
  if (isNothing(value)) return {};
  if (!isObject(value)) return value;
  const members = Object.entries(value).filter(([, member]) => member !== null);
  return Object.fromEntries(members.map(([name, member]) => [name, withoutEmptyLists(member)]));
}

/** Languages that have one kind of collection write an empty object as an empty list. */
function isNothing(value: unknown): boolean {
  return value === undefined || value === null || (Array.isArray(value) && value.length === 0);
}

const MAX_SHOWN = 60;

function shown(value: unknown): string {
  if (value === undefined) return 'missing';
  const json =
    typeof value === 'object' && value !== null
      ? Array.isArray(value)
        ? '[…]'
        : '{…}'
      : JSON.stringify(value);
  return json.length > MAX_SHOWN ? `${json.slice(0, MAX_SHOWN).toWellFormed()}…` : json;
}
