import { credential, inHeaders, noteAccepted, readToken, reportRefused, reportRights } from './credential.ts';
import { readEvents } from './event-stream.ts';
import { noteRefusedAtOnce, replaceToken } from './oauth.ts';
import { server } from './server-facts.ts';
import type { RestoreAnswer, WorkProgress } from './types.ts';
import { spaceHere } from './view-address.ts';

type Method = 'GET' | 'POST' | 'PATCH' | 'DELETE';

export interface CallOptions {
  /** Sent as JSON. */
  readonly body?: object;
  readonly signal?: AbortSignal | undefined;
  /** True for a request that changes nothing on the server although its method is not GET. */
  readonly readsOnly?: boolean;
  /** Default: the space that the page shows. Empty: the path is of no space, or of the person's own. */
  readonly space?: string;
}

/** Calls the API. @throws ApiError with the server's problem document */
export async function call<Answer>(method: Method, path: string, options: CallOptions = {}): Promise<Answer> {
  const { body, signal, readsOnly = method === 'GET', space } = options;
  const request = {
    method,
    signal: signal ?? null,
    ...(body === undefined
      ? {}
      : { body: JSON.stringify(body), headers: { 'Content-Type': 'application/json' } }),
  };
  const response = await send(path, request, space);
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

/** The address of a path in a space. */
export function pathIn(path: string, space = spaceHere()): string {
  return space === '' ? path : `/spaces/${encodeURIComponent(space)}${path}`;
}

/** Sends a request with the token of this tab, or of the sign-in. @param space see `CallOptions` @throws ApiError */
export async function send(path: string, init: RequestInit, space?: string): Promise<Response> {
  const address = pathIn(path, space);
  const token = await credential();
  let response = await sendWith(token, address, init);
  if (response.status === 401 && readToken() === '' && (await replaceToken(token))) {
    response = await sendWith(await credential(), address, init);
    if (response.status === 401) noteRefusedAtOnce((await readProblem(response.clone())).detail);
  }
  if (response.ok) {
    noteAccepted(true);
    return response;
  }
  const error = new ApiError(await readProblem(response));
  noteRefusal(error, space ?? spaceHere());
  throw error;
}

function sendWith(token: string, address: string, init: RequestInit): Promise<Response> {
  const headers = new Headers(init.headers);
  for (const [name, value] of Object.entries(inHeaders(token))) headers.set(name, value);
  return fetch(address, { ...init, headers });
}

/** Lets the page look again which person is signed in, and with which rights. */
export function noteRefusal({ problem: { status } }: ApiError, space: string): void {
  if (status === 401) reportRefused();
  if (server.team && (status === 403 || (status === 404 && space !== ''))) reportRights();
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
  readonly dry_run?: RestoreAnswer & { readonly memories?: number };
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
    const fix = code === 'FORBIDDEN' && !server.team ? MAY_ONLY_READ : error.problem.fix;
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
