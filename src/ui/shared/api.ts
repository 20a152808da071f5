import { readEvents } from './event-stream.ts';
import type { RestoreAnswer, WorkProgress } from './types.ts';

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

/** What the server answered instead, as it explains it. */
export interface ProblemAnswer {
  readonly status: number;
  readonly code: string;
  readonly detail: string;
  readonly fix?: string;
  /** With CONFIRMATION_NEEDED: what would happen. */
  readonly dry_run?: RestoreAnswer;
}

export class ApiError extends Error {
  readonly problem: ProblemAnswer;

  constructor(problem: ProblemAnswer) {
    super(problem.detail);
    this.problem = problem;
  }
}

/** The server's own advice is for programs. */
const MAY_ONLY_READ = 'To change something, enter one that may write, with “Change token” at the top';

/** What to tell a person about a failure: sentences. */
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

/** The token of this tab; gone when it is closed. Empty = none. */
export function readToken(): string {
  return sessionStorage.getItem(KEY) ?? '';
}

/** The headers that show the token; none without one. */
export function authorization(): Record<string, string> {
  const token = readToken();
  return token === '' ? {} : { Authorization: `Bearer ${token}` };
}

export function writeToken(token: string): void {
  sessionStorage.setItem(KEY, token);
}

/** The server wants a token, or another one. */
export function reportRefused(): void {
  window.dispatchEvent(new Event(REFUSED));
}

/** @returns ends listening */
export function onRefused(listener: () => void): () => void {
  window.addEventListener(REFUSED, listener);
  return () => {
    window.removeEventListener(REFUSED, listener);
  };
}

const CHANGED = 'memories-changed';

/** This page has changed something at the server. */
export function reportChange(): void {
  window.dispatchEvent(new Event(CHANGED));
}

/** @returns ends listening */
export function onChange(listener: () => void): () => void {
  window.addEventListener(CHANGED, listener);
  return () => {
    window.removeEventListener(CHANGED, listener);
  };
}
