import { AuthUnavailableError } from '../errors/input-errors.ts';
import { reasonOf } from '../util/caught.ts';
import { streamedText } from '../util/network-problem.ts';
import { findProxy } from '../util/proxy.ts';
import { fetchThroughProxy } from '../util/proxy-requests.ts';

/** Longest answer of a provider that is read. Large providers publish some ten keys of some KiB. */
const ANSWER_LIMIT = 512 * 1024;
const TIME_LIMIT_MS = 5_000;

export interface ProviderRequest {
  readonly method?: 'GET' | 'POST';
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
  readonly signal?: AbortSignal;
}

/**
 * Asks an identity provider, within limits of time and size. A redirect is an answer like any other, and is not
 * followed: another address could belong to a stranger.
 * @throws AuthUnavailableError when there is no answer
 */
export async function fetchBounded(
  url: string,
  { method = 'GET', headers = {}, body, signal }: ProviderRequest = {},
): Promise<Response> {
  const limit = AbortSignal.timeout(TIME_LIMIT_MS);
  const until = signal === undefined ? limit : AbortSignal.any([signal, limit]);
  const request = { method, headers: { accept: 'application/json', ...headers }, signal: until };
  try {
    const proxy = findProxy(url);
    if (proxy !== undefined) {
      return await fetchThroughProxy(url, { ...request, body: body ?? '', answerLimit: ANSWER_LIMIT }, proxy);
    }
    const answer = await fetch(url, {
      ...request,
      redirect: 'manual',
      ...(body === undefined ? {} : { body }),
    });
    const text = answer.body === null ? null : await streamedText(answer.body, ANSWER_LIMIT);
    return new Response(text === '' ? null : text, { status: answer.status, headers: answer.headers });
  } catch (error) {
    throw new AuthUnavailableError(`${new URL(url).host} gives no answer: ${reasonOf(error)}`, error);
  }
}

/** The object that an address answers with. @throws AuthUnavailableError when it answers anything else */
export async function fetchObject(
  url: string,
  request?: ProviderRequest,
): Promise<Readonly<Record<string, unknown>>> {
  const answer = await fetchBounded(url, request);
  const { host } = new URL(url);
  if (answer.status !== 200)
    throw new AuthUnavailableError(`${host} answers with the status ${answer.status}`);
  const value: unknown = await answer.json().catch(() => undefined);
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw new AuthUnavailableError(`${host} answers with something that is no JSON object`);
  }
  // A JSON object has text keys.
  return value as Readonly<Record<string, unknown>>;
}
