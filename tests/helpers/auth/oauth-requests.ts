import { createHash, randomBytes } from 'node:crypto';
import { FormBrowser, type Page } from './form-browser.ts';
import { PASSWORD, PERSON } from './sign-in-server.ts';

export const REDIRECT = 'http://127.0.0.1:4321/callback';

export interface Pkce {
  readonly verifier: string;
  readonly challenge: string;
}

export function createPkce(): Pkce {
  const verifier = randomBytes(32).toString('base64url');
  return { verifier, challenge: createHash('sha256').update(verifier).digest('base64url') };
}

export interface OAuthAnswer {
  readonly status: number;
  readonly data: Readonly<Record<string, unknown>>;
}

async function send(url: string, init: RequestInit): Promise<OAuthAnswer> {
  const answer = await fetch(url, { redirect: 'manual', ...init });
  const text = await answer.text();
  const isJson = text.startsWith('{');
  return { status: answer.status, data: isJson ? (JSON.parse(text) as OAuthAnswer['data']) : { text } };
}

/** Registers a client as it describes itself. */
export function register(address: string, metadata: object): Promise<OAuthAnswer> {
  const headers = { 'Content-Type': 'application/json' };
  return send(`${address}/oauth/register`, { method: 'POST', headers, body: JSON.stringify(metadata) });
}

export async function registered(address: string, metadata: object = {}): Promise<string> {
  const { status, data } = await register(address, {
    client_name: 'A test',
    redirect_uris: [REDIRECT],
    token_endpoint_auth_method: 'none',
    ...metadata,
  });
  if (status !== 201) throw new Error(`not registered: ${status} ${JSON.stringify(data)}`);
  return String(data['client_id']);
}

export function token(address: string, parameters: Readonly<Record<string, string>>): Promise<OAuthAnswer> {
  return send(`${address}/oauth/token`, { method: 'POST', body: new URLSearchParams(parameters) });
}

export type Parameters = Readonly<Record<string, string | undefined>>;

/** The address that a client sends its user to. Undefined leaves a parameter out. */
export function authorizationUrl(address: string, parameters: Parameters): URL {
  const url = new URL('/oauth/authorize', address);
  const all: Parameters = {
    response_type: 'code',
    redirect_uri: REDIRECT,
    scope: 'memory:read memory:write',
    resource: `${address}/mcp`,
    state: 'the-state',
    code_challenge_method: 'S256',
    ...parameters,
  };
  for (const [name, value] of Object.entries(all)) if (value !== undefined) url.searchParams.set(name, value);
  return url;
}

export interface Visit {
  readonly name?: string;
  readonly password?: string;
  /** What the person leaves ticked. */
  readonly scopes?: readonly string[];
  readonly decision?: 'allow' | 'refuse';
}

/** A person signs in and answers; the page at the end is where the client gets its answer. */
export async function visit(
  url: URL,
  answers: Visit = {},
  browser = new FormBrowser(url.origin),
): Promise<Page> {
  const { name = PERSON, password = PASSWORD, scopes = ['memory:write'], decision = 'allow' } = answers;
  let page = await browser.open(url);
  if (page.html.includes('name="password"')) page = await browser.submit(page, { name, password });
  if (!page.html.includes('name="decision"')) return page;
  return browser.submit(page, { scope: scopes, decision });
}

export interface Tokens {
  readonly clientId: string;
  readonly code: string;
  readonly verifier: string;
  readonly accessToken: string;
  readonly refreshToken: string;
  readonly scope: string;
}

/** The whole sign-in of a client that registers itself. */
export async function signIn(
  address: string,
  parameters: Parameters = {},
  answers: Visit = {},
): Promise<Tokens> {
  const { client_id: known, ...others } = parameters;
  const clientId = known ?? (await registered(address));
  const { verifier, challenge } = createPkce();
  const page = await visit(
    authorizationUrl(address, { client_id: clientId, code_challenge: challenge, ...others }),
    answers,
  );
  const code = page.url.searchParams.get('code') ?? '';
  if (code === '') throw new Error(`no code: ${page.url.href} ${page.status} ${page.html}`);
  const { status, data } = await token(address, {
    grant_type: 'authorization_code',
    client_id: clientId,
    code,
    code_verifier: verifier,
    redirect_uri: others['redirect_uri'] ?? REDIRECT,
  });
  if (status !== 200) throw new Error(`no token: ${status} ${JSON.stringify(data)}`);
  return {
    clientId,
    code,
    verifier,
    accessToken: String(data['access_token']),
    refreshToken: String(data['refresh_token']),
    scope: String(data['scope']),
  };
}
