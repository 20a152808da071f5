import { createServer, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { onTestFinished } from 'vitest';
import { withBody } from '../with-body.ts';

/** A call of a tool that the model makes in its answer to a prompt. */
export interface ScriptedCall {
  /** A part of the prompt. */
  readonly when: string;
  /** The end of the tool's name as the client gives it. */
  readonly tool: string;
  readonly input: Readonly<Record<string, unknown>>;
}

export interface FakeModels {
  readonly address: string;
  /** Bodies of all requests that hold what a model reads. */
  readonly requests: string[];
}

interface Body {
  readonly messages?: readonly { readonly role?: string; readonly content?: unknown }[];
  readonly tools?: readonly { readonly name?: string; readonly function?: { readonly name?: string } }[];
  readonly model?: string;
}

/**
 * Stands on this machine for the model APIs of Anthropic, OpenAI (Responses and Chat Completions) and Google. It answers
 * every request with one word, after the scripted call of a tool where a prompt asks for one.
 */
export async function startFakeModels(calls: readonly ScriptedCall[] = []): Promise<FakeModels> {
  const requests: string[] = [];
  const server = createServer((request, response) => {
    withBody(request, (sent) => {
      const body = sent.toString('utf8');
      const path = (request.url ?? '').split('?')[0] ?? '';
      const isAsked = /\/(messages|responses|chat\/completions)$|[Gg]enerateContent$/.test(path);
      if (isAsked) requests.push(body);
      if (path.endsWith('/messages')) answerMessages(response, body, calls);
      else if (path.endsWith('/responses')) answerResponses(response);
      else if (path.endsWith('/chat/completions')) answerCompletions(response);
      else if (/generateContent$/i.test(path)) answerGoogle(response, path);
      else sendJson(response, { input_tokens: 10, totalTokens: 10, data: [], models: [] });
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onTestFinished(
    () =>
      new Promise<void>((resolve) => {
        server.close(() => {
          resolve();
        });
        server.closeAllConnections();
      }),
  );
  const { port } = server.address() as AddressInfo;
  return { address: `http://127.0.0.1:${port}`, requests };
}

function sendJson(response: ServerResponse, body: object): void {
  response.writeHead(200, { 'content-type': 'application/json' });
  response.end(JSON.stringify(body));
}

function openStream(response: ServerResponse): (data: object, event?: string) => void {
  response.writeHead(200, { 'content-type': 'text/event-stream' });
  return (data, event) => {
    response.write(`${event === undefined ? '' : `event: ${event}\n`}data: ${JSON.stringify(data)}\n\n`);
  };
}

function answerMessages(response: ServerResponse, body: string, calls: readonly ScriptedCall[]): void {
  const { messages = [], tools = [], model = '' } = JSON.parse(body) as Body;
  // Messages of the system may follow it.
  const last = JSON.stringify(messages.findLast(({ role }) => role === 'user')?.content ?? '');
  const call = calls.find(({ when }) => last.includes(when));
  const name = tools
    .map((tool) => tool.name ?? '')
    .find((tool) => call !== undefined && tool.endsWith(call.tool));
  const usesTool = call !== undefined && name !== undefined && !last.includes('tool_result');
  const send = openStream(response);
  const event = (type: string, data: object): void => {
    send({ type, ...data }, type);
  };
  const usage = { input_tokens: 10, output_tokens: 1 };
  const message = { id: `msg_${Date.now()}`, type: 'message', role: 'assistant', model, content: [], usage };
  event('message_start', { message: { ...message, stop_reason: null, stop_sequence: null } });
  if (usesTool) {
    const block = { type: 'tool_use', id: `toolu_${Date.now()}`, name, input: {} };
    event('content_block_start', { index: 0, content_block: block });
    const delta = { type: 'input_json_delta', partial_json: JSON.stringify(call.input) };
    event('content_block_delta', { index: 0, delta });
  } else {
    event('content_block_start', { index: 0, content_block: { type: 'text', text: '' } });
    event('content_block_delta', { index: 0, delta: { type: 'text_delta', text: 'Understood.' } });
  }
  event('content_block_stop', { index: 0 });
  const reason = usesTool ? 'tool_use' : 'end_turn';
  event('message_delta', {
    delta: { stop_reason: reason, stop_sequence: null },
    usage: { output_tokens: 5 },
  });
  event('message_stop', {});
  response.end();
}

function answerResponses(response: ServerResponse): void {
  const send = openStream(response);
  const id = `resp_${Date.now()}`;
  const content = [{ type: 'output_text', text: 'Understood.', annotations: [] }];
  const item = { type: 'message', id: 'm1', role: 'assistant', status: 'completed', content };
  const usage = {
    input_tokens: 1,
    output_tokens: 1,
    total_tokens: 2,
    input_tokens_details: { cached_tokens: 0 },
    output_tokens_details: { reasoning_tokens: 0 },
  };
  const event = (type: string, data: object): void => {
    send({ type, ...data }, type);
  };
  event('response.created', { response: { id, status: 'in_progress' } });
  event('response.output_item.done', { output_index: 0, item });
  event('response.completed', { response: { id, status: 'completed', output: [item], usage } });
  response.end();
}

function answerCompletions(response: ServerResponse): void {
  const send = openStream(response);
  const chunk = (delta: object, reason: string | null): object => ({
    id: 'chatcmpl-1',
    object: 'chat.completion.chunk',
    created: Math.floor(Date.now() / 1_000),
    model: 'fake',
    choices: [{ index: 0, delta, finish_reason: reason }],
  });
  send(chunk({ role: 'assistant', content: 'Understood.' }, null));
  send({ ...chunk({}, 'stop'), usage: { prompt_tokens: 1, completion_tokens: 1, total_tokens: 2 } });
  response.end('data: [DONE]\n\n');
}

function answerGoogle(response: ServerResponse, path: string): void {
  const answer = {
    candidates: [
      { index: 0, content: { role: 'model', parts: [{ text: 'Understood.' }] }, finishReason: 'STOP' },
    ],
    usageMetadata: { promptTokenCount: 1, candidatesTokenCount: 1, totalTokenCount: 2 },
  };
  if (!path.includes('stream')) {
    sendJson(response, answer);
    return;
  }
  openStream(response)(answer);
  response.end();
}
