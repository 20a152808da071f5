import { ApiError, type ProblemAnswer } from './api-error.ts';
import { readEvents } from './event-stream.ts';
import { reportChange } from './changes.ts';
import { authorization, reportRefused } from './session.ts';
import type { WorkProgress } from './types.ts';

type Method = 'GET' | 'POST' | 'PATCH' | 'DELETE';

export interface CallOptions {
  /** Sent as JSON. */
  readonly body?: object;
  readonly signal?: AbortSignal | undefined;
  /** Changes nothing at the server, although it is no GET. */
  readonly readsOnly?: boolean;
}

/** Calls the API. @throws ApiError with what the server says */
export async function call<Answer>(method: Method, path: string, options: CallOptions = {}): Promise<Answer> {
  const { body, signal, readsOnly = method === 'GET' } = options;
  const response = await send(path, {
    method,
    signal: signal ?? null,
    ...(body === undefined
      ? {}
      : { body: JSON.stringify(body), headers: { 'Content-Type': 'application/json' } }),
  });
  if (!readsOnly) reportChange();
  // The server describes its answers in /openapi.json.
  return (await response.json()) as Answer;
}

/** How long work is followed, and ended. */
export interface WorkOptions {
  readonly signal: AbortSignal;
  readonly onProgress: (progress: WorkProgress) => void;
}

/** Starts long work and follows it; aborting it ends the work. */
export async function followWork<Answer>(
  path: string,
  body: object,
  { signal, onProgress }: WorkOptions,
): Promise<Answer> {
  const response = await send(path, {
    method: 'POST',
    body: JSON.stringify(body),
    headers: { 'Content-Type': 'application/json', Accept: 'text/event-stream' },
    signal,
  });
  for await (const { event, data } of readEvents(response)) {
    const value: unknown = JSON.parse(data);
    if (event === 'progress') onProgress(value as WorkProgress);
    if (event === 'result') {
      reportChange();
      return value as Answer;
    }
    if (event === 'problem') throw new ApiError(value as ProblemAnswer);
  }
  throw new Error('The server ended the work without a result');
}

/** Sends a request with the token of this tab. @throws ApiError */
export async function send(path: string, init: RequestInit): Promise<Response> {
  const headers = new Headers(init.headers);
  for (const [name, value] of Object.entries(authorization())) headers.set(name, value);
  const response = await fetch(path, { ...init, headers });
  if (response.ok) return response;
  if (response.status === 401) reportRefused();
  throw new ApiError(await readProblem(response));
}

async function readProblem(response: Response): Promise<ProblemAnswer> {
  try {
    return (await response.json()) as ProblemAnswer;
  } catch {
    return {
      status: response.status,
      code: 'UNKNOWN',
      detail: `The server answered with ${response.status}`,
    };
  }
}
