import type { Refusal } from './json-rpc.ts';

/** How a client may be answered over HTTP. */
export type AnswerForm = 'json' | 'events' | 'both' | 'neither';

const JSON_TYPE = 'application/json';
const EVENTS_TYPE = 'text/event-stream';
/** The header that the SDK wants from every client. */
export const BOTH_TYPES = `${JSON_TYPE}, ${EVENTS_TYPE}`;

/**
 * The form that the header `Accept` allows. The protocol wants both types there; a client that names one of them means
 * it. One that takes anything gets JSON, which every program can read.
 */
export function answerForm(accept: string | null): AnswerForm {
  const types = (accept ?? '*/*')
    .toLowerCase()
    .split(',')
    .map((part) => part.trim())
    .filter((part) => !/;\s*q=0(?:\.0*)?\s*$/.test(part))
    .map((part) => part.replace(/\s*;.*$/, ''));
  const takes = (...names: string[]): boolean => names.some((name) => types.includes(name));
  const events = takes(EVENTS_TYPE, 'text/*');
  const json = takes(JSON_TYPE, 'application/*') || (takes('*/*', '*', '') && !events);
  if (json) return events ? 'both' : 'json';
  return events ? 'events' : 'neither';
}

export interface AnswerShape {
  readonly form: AnswerForm;
  /** Several answers as one list. */
  readonly isBatch: boolean;
  /** Answers to entries of the batch that were no messages. */
  readonly refusals: readonly Refusal[];
}

/** The SDK's answer in the form that the client takes, with the refusals in it. */
export async function shapeAnswer(
  response: Response,
  { form, isBatch, refusals }: AnswerShape,
): Promise<Response> {
  const isStream = response.headers.get('content-type')?.startsWith(EVENTS_TYPE) === true;
  if (form === 'json' && isStream) {
    const answers = [...answersIn(await response.text()), ...refusals];
    return withBody(response, JSON_TYPE, JSON.stringify(isBatch ? answers : (answers[0] ?? null)));
  }
  if (form === 'events' && !isStream && response.status === 200) {
    return withBody(response, EVENTS_TYPE, eventOf(await response.text()));
  }
  if (refusals.length === 0) return response;
  if (isStream && response.body !== null) {
    return withBody(response, EVENTS_TYPE, response.body.pipeThrough(appending(refusals)));
  }
  // A batch without requests has no answer but these.
  return Response.json(refusals, { status: 400, headers: response.headers });
}

function withBody(response: Response, type: string, body: string | ReadableStream<Uint8Array>): Response {
  const headers = new Headers(response.headers);
  headers.set('Content-Type', type);
  return new Response(body, { status: response.status, headers });
}

/** The answers among the events of a stream; the rest of it is for clients that read streams. */
function answersIn(stream: string): unknown[] {
  return stream
    .split('\n')
    .filter((line) => line.startsWith('data:'))
    .map((line): unknown => JSON.parse(line.slice('data:'.length) || 'null'))
    .filter((message) => typeof message === 'object' && message !== null && !('method' in message));
}

function eventOf(data: string): string {
  return `event: message\ndata: ${data}\n\n`;
}

function appending(refusals: readonly Refusal[]): TransformStream<Uint8Array, Uint8Array> {
  return new TransformStream({
    flush(controller) {
      const encoder = new TextEncoder();
      for (const one of refusals) controller.enqueue(encoder.encode(eventOf(JSON.stringify(one))));
    },
  });
}
