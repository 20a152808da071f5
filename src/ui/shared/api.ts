import { readEvents } from './event-stream.ts';
import type { RestoreAnswer, WorkProgress } from './types.ts';

type Method = 'GET' | 'POST' | 'PATCH' | 'DELETE';

export interface CallOptions {
  /** Sent as JSON. */
  readonly body?: object;
  readonly signal?: AbortSignal | undefined;
  /** True for a request that changes nothing on the server although its method is not GET. */
  readonly readsOnly?: boolean;
}

/** Calls the API. @throws ApiError with the server's problem document */
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
  // /openapi.json describes the answers.
  return (await response.json()) as Answer;
}

/** How to follow long work, and to end it. */
export interface WorkOptions {
  readonly signal: AbortSignal;
  readonly onProgress: (progress: WorkProgress) => void;
}

/** Starts long work and follows it. Aborting the signal ends the work. @throws ApiError */
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

/** The server's problem document (RFC 9457), as far as the page uses it. */
export interface ProblemAnswer {
  readonly status: number;
  readonly code: string;
  readonly detail: string;
  readonly fix?: string;
  /** The expected changes. Present with the code CONFIRMATION_NEEDED. */
  readonly dry_run?: RestoreAnswer;
}

export class ApiError extends Error {
  readonly problem: ProblemAnswer;

  constructor(problem: ProblemAnswer) {
    super(problem.detail);
    this.problem = problem;
  }
}

/** Replaces the server's advice, which is meant for programs. */
const MAY_ONLY_READ = 'To change something, use “Change token” at the top to enter a token with write access';

/** Sentences for the user about a failure. */
export function explain(error: unknown): string {
  if (error instanceof ApiError) {
    const { code, detail } = error.problem;
    const fix = code === 'FORBIDDEN' ? MAY_ONLY_READ : error.problem.fix;
    return [detail, fix]
      .filter((part) => part !== undefined)
      .map(sentence)
      .join(' ');
  }
  if (error instanceof TypeError) return 'The server cannot be reached. Is it still running?';
  return error instanceof Error ? sentence(error.message) : 'Something went wrong.';
}

function sentence(text: string): string {
  const ended = /[.?!]$/.test(text) ? text : `${text}.`;
  return ended.charAt(0).toUpperCase() + ended.slice(1);
}

export function isAbort(error: unknown): boolean {
  return error instanceof DOMException && error.name === 'AbortError';
}

const KEY = 'faiss-memory-token';
const REFUSED = 'token-refused';

/** The token of this tab, kept until the tab is closed. Empty when there is none. */
export function readToken(): string {
  return sessionStorage.getItem(KEY) ?? '';
}

/** The headers with the token. Empty without a token. */
export function authorization(): Record<string, string> {
  const token = readToken();
  return token === '' ? {} : { Authorization: `Bearer ${token}` };
}

export function writeToken(token: string): void {
  sessionStorage.setItem(KEY, token);
}

/** Announces that the server refused the token, or requires one. */
export function reportRefused(): void {
  window.dispatchEvent(new Event(REFUSED));
}

/** @returns a function that removes the listener */
export function onRefused(listener: () => void): () => void {
  window.addEventListener(REFUSED, listener);
  return () => {
    window.removeEventListener(REFUSED, listener);
  };
}

const CHANGED = 'memories-changed';

/** Announces that this page has changed something on the server. */
export function reportChange(): void {
  window.dispatchEvent(new Event(CHANGED));
}

/** @returns a function that removes the listener */
export function onChange(listener: () => void): () => void {
  window.addEventListener(CHANGED, listener);
  return () => {
    window.removeEventListener(CHANGED, listener);
  };
}
