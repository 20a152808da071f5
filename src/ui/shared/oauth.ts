import { server, type SignInFacts } from './server-facts.ts';

/**
 * Signs a person in with a code and PKCE. The access token stays in the memory of this page: not in a storage, not in
 * the address. With the sign-in of this server, the next token is got without a question while the browser has the
 * cookie of the sign-in, which no script can read. Other providers give a refresh token, which stays in memory too.
 */

interface Endpoints {
  readonly authorization: string;
  readonly token: string;
  readonly revocation: string | undefined;
}

interface Tokens {
  readonly access: string;
  readonly refresh: string | undefined;
  /** Milliseconds on the clock of this page, which need not be right. */
  readonly until: number;
}

/** A sign-in that began in this tab. */
interface Begun {
  readonly state: string;
  readonly verifier: string;
  /** Where the person was. */
  readonly hash: string;
}

const BEGUN = 'faiss-memory-sign-in';
/** In the address of a tab that is opened to sign in again. */
const AGAIN = 'sign-in';
/** Renewed so long before the end. */
const EARLY_MS = 30_000;
/** Errors that mean: not without a question. */
const ASKS = ['login_required', 'consent_required', 'interaction_required', 'account_selection_required'];

let tokens: Tokens | undefined;
/** False after a renewal found no person signed in, until something may have changed that. */
let worthTrying = true;
let renewing: Promise<boolean> | undefined;
let problem = '';
let endpoints: Promise<Endpoints> | undefined;

const channel =
  server.signIn?.clientId === undefined ? undefined : new BroadcastChannel('faiss-memory-sign-in');

/** Why the last sign-in failed, in sentences. Empty when it did not. */
export function signInProblem(): string {
  return problem;
}

/** True where the person can sign in without a token. */
export function canSignIn(): boolean {
  return server.signIn?.clientId !== undefined;
}

/** True when the authorization server is this server. */
export function isOwnSignIn(): boolean {
  return server.signIn !== undefined && server.signIn.issuer === server.signIn.publicUrl;
}

/** The access token of the person who is signed in; undefined without such a person. */
export async function accessToken(): Promise<string | undefined> {
  if (!canSignIn()) return undefined;
  if (tokens === undefined || Date.now() > tokens.until - EARLY_MS) await renew();
  return tokens?.access;
}

/** The server has refused the token. @returns true when there is another one */
export async function replaceToken(refused: string): Promise<boolean> {
  if (!canSignIn() || tokens === undefined) return false;
  // Another request has replaced it already.
  if (tokens.access !== refused) return true;
  tokens = { ...tokens, until: 0 };
  return renew();
}

/** The server has refused a token that is seconds old. */
export function noteRefusedAtOnce(detail: string): void {
  problem = `The server refuses the new sign-in at once: ${detail} Is the clock of the server or of the provider wrong?`;
  tokens = undefined;
  worthTrying = false;
}

/** Goes to the authorization server, and comes back to the same view. */
export async function beginSignIn(): Promise<void> {
  const facts = requiredFacts();
  const begun: Begun = { state: randomText(), verifier: randomText(), hash: location.hash };
  try {
    const address = await authorizationAddress(facts, begun);
    sessionStorage.setItem(BEGUN, JSON.stringify(begun));
    location.assign(address);
  } catch (error) {
    problem = inWords(error);
    throw error;
  }
}

/** Lets the person sign in again in another tab, so that nothing typed here is lost. */
export function signInInOtherTab(): void {
  window.open(`/?${AGAIN}`, '_blank');
}

/** At the start of the page: takes the answer out of the address, or begins the action that the address asks for. */
export async function continueSignIn(): Promise<void> {
  const answer = new URLSearchParams(location.search);
  if (!canSignIn() || answer.size === 0) return;
  const kept = sessionStorage.getItem(BEGUN);
  sessionStorage.removeItem(BEGUN);
  // Only `beginSignIn` writes this item.
  const begun = kept === null ? undefined : (JSON.parse(kept) as Begun);
  history.replaceState(null, '', `/${begun?.hash ?? location.hash}`);
  if (answer.has(AGAIN)) {
    await beginSignIn().catch(() => undefined);
    return;
  }
  if (!answer.has('state')) return;
  try {
    await takeAnswer(answer, begun);
    channel?.postMessage('in');
  } catch (error) {
    worthTrying = false;
    problem = inWords(error);
  }
}

/** Ends the sign-in of this browser at the server. @throws TypeError when the server cannot be reached */
export async function endSignIn(): Promise<void> {
  if (!canSignIn()) return;
  if (isOwnSignIn()) {
    const answer = await fetch('/oauth/sign-out', { method: 'POST' });
    if (!answer.ok) throw new Error(`The server answered with ${answer.status}`);
  } else await revoke().catch(() => undefined); // The page forgets it in any case.
  tokens = undefined;
  worthTrying = false;
  problem = '';
  channel?.postMessage('out');
}

/** @param listener told when a person signed in or out in another tab. @returns a function that removes it */
export function onOtherTab(listener: (happened: 'in' | 'out') => void): () => void {
  const hear = ({ data }: MessageEvent): void => {
    const happened = data === 'out' ? 'out' : 'in';
    worthTrying = happened === 'in';
    // It may have been another person: the next request finds out which one is signed in now.
    tokens = undefined;
    listener(happened);
  };
  channel?.addEventListener('message', hear);
  return () => {
    channel?.removeEventListener('message', hear);
  };
}

/** @returns true when a person is signed in */
function renew(): Promise<boolean> {
  renewing ??= renewOnce().finally(() => {
    renewing = undefined;
  });
  return renewing;
}

async function renewOnce(): Promise<boolean> {
  // The answer would go to another origin.
  if (!worthTrying || location.origin !== requiredFacts().publicUrl) return false;
  const before = tokens;
  try {
    if (isOwnSignIn()) await renewByCookie();
    else await renewByRefresh(before?.refresh);
    return tokens !== undefined;
  } catch (error) {
    // Without an answer, nothing is known; the next request tries again.
    if (error instanceof TypeError) throw new Error(inWords(error));
    tokens = undefined;
    worthTrying = false;
    if (!(error instanceof SignInError && ASKS.includes(error.code))) problem = inWords(error);
    return false;
  }
}

/** Asks with the cookie of the sign-in. The answer is the address that the server leads to. */
async function renewByCookie(): Promise<void> {
  const begun: Begun = { state: randomText(), verifier: randomText(), hash: '' };
  const address = await authorizationAddress(requiredFacts(), begun, { prompt: 'none' });
  const answer = await fetch(address);
  await takeAnswer(new URL(answer.url).searchParams, begun);
}

async function renewByRefresh(refresh: string | undefined): Promise<void> {
  if (refresh === undefined) throw new SignInError('login_required', '');
  await requestTokens({ grant_type: 'refresh_token', refresh_token: refresh });
}

async function takeAnswer(answer: URLSearchParams, begun: Begun | undefined): Promise<void> {
  const facts = requiredFacts();
  const get = (name: string): string => answer.get(name) ?? '';
  if (begun === undefined || get('state') !== begun.state) throw new SignInError('unasked', '');
  if (answer.has('iss') && get('iss') !== facts.issuer) throw new SignInError('unasked', '');
  if (answer.has('error')) throw new SignInError(get('error'), get('error_description'));
  await requestTokens({
    grant_type: 'authorization_code',
    code: get('code'),
    code_verifier: begun.verifier,
    redirect_uri: `${facts.publicUrl}/`,
  });
}

async function requestTokens(fields: Readonly<Record<string, string>>): Promise<void> {
  const { clientId = '', publicUrl } = requiredFacts();
  const { token } = await findEndpoints();
  const body = new URLSearchParams({ ...fields, client_id: clientId, resource: publicUrl });
  const response = await fetch(token, { method: 'POST', body });
  const answer = (await response.json().catch(() => ({}))) as Readonly<Record<string, unknown>>;
  const { access_token: access, refresh_token: refresh, expires_in: seconds } = answer;
  if (!response.ok || typeof access !== 'string')
    throw new SignInError(textOf(answer['error']), textOf(answer['error_description']));
  requireSamePerson(access);
  const lasting = typeof seconds === 'number' ? seconds : 300;
  tokens = {
    access,
    refresh: typeof refresh === 'string' ? refresh : tokens?.refresh,
    until: Date.now() + lasting * 1_000,
  };
  worthTrying = true;
  problem = '';
}

let person: unknown;

/** Another person may have signed in in another tab of this browser; then this page begins anew. */
function requireSamePerson(token: string): void {
  const [, claims = ''] = token.split('.');
  if (claims === '' || !isOwnSignIn()) return;
  const { sub } = JSON.parse(atob(claims.replaceAll('-', '+').replaceAll('_', '/'))) as { sub: unknown };
  if (person !== undefined && person !== sub) {
    location.reload();
    throw new SignInError('other_person', '');
  }
  person = sub;
}

async function revoke(): Promise<void> {
  const { clientId = '' } = requiredFacts();
  const { revocation } = await findEndpoints();
  const token = tokens?.refresh ?? tokens?.access;
  if (revocation === undefined || token === undefined) return;
  const body = new URLSearchParams({ token, client_id: clientId });
  await fetch(revocation, { method: 'POST', body });
}

async function authorizationAddress(
  { clientId = '', publicUrl }: SignInFacts,
  { state, verifier }: Begun,
  more: Readonly<Record<string, string>> = {},
): Promise<string> {
  const { authorization } = await findEndpoints();
  const scopes = ['memory:read', 'memory:write', ...(server.team ? ['memory:admin'] : [])];
  const query = new URLSearchParams({
    ...{ response_type: 'code', client_id: clientId, redirect_uri: `${publicUrl}/`, resource: publicUrl },
    scope: (isOwnSignIn() ? scopes : ['openid', ...scopes]).join(' '),
    ...{ state, code_challenge: await challengeOf(verifier), code_challenge_method: 'S256' },
    ...more,
  });
  return `${authorization}?${query.toString()}`;
}

function findEndpoints(): Promise<Endpoints> {
  const { issuer } = requiredFacts();
  if (isOwnSignIn()) {
    return Promise.resolve({
      authorization: '/oauth/authorize',
      token: '/oauth/token',
      revocation: undefined,
    });
  }
  endpoints ??= discover(issuer).catch((error: unknown) => {
    endpoints = undefined;
    throw error;
  });
  return endpoints;
}

async function discover(issuer: string): Promise<Endpoints> {
  const response = await fetch(`${issuer.replace(/\/+$/, '')}/.well-known/openid-configuration`);
  const found = (await response.json().catch(() => ({}))) as Readonly<Record<string, unknown>>;
  const {
    authorization_endpoint: authorization,
    token_endpoint: token,
    revocation_endpoint: revocation,
  } = found;
  if (found['issuer'] !== issuer || typeof authorization !== 'string' || typeof token !== 'string')
    throw new SignInError('no_metadata', '');
  return { authorization, token, revocation: typeof revocation === 'string' ? revocation : undefined };
}

/** A refusal of the authorization server. */
class SignInError extends Error {
  readonly code: string;

  constructor(code: string, description: string) {
    super(description);
    this.code = code;
  }
}

const WORDS: Readonly<Record<string, string>> = {
  access_denied: 'You did not allow it. Sign in when you want to.',
  unasked: 'The answer of the sign-in was not asked for in this tab, or is too old. Sign in again.',
  invalid_grant: 'The sign-in took too long, or was used already. Sign in again.',
  other_person: 'Somebody else has signed in in this browser.',
};

function inWords(error: unknown): string {
  const { issuer } = requiredFacts();
  const name = isOwnSignIn() ? 'The server' : `The sign-in at ${new URL(issuer).host}`;
  if (error instanceof TypeError) return `${name} cannot be reached. Try again later.`;
  if (!(error instanceof SignInError)) return 'The sign-in failed.';
  const known = WORDS[error.code];
  if (known !== undefined) return known;
  const reason = [error.code, error.message].filter((text) => text !== '').join(': ');
  return `${name} refuses it${reason === '' ? '' : ` (${reason})`}. Try again, or ask the administrator.`;
}

function requiredFacts(): SignInFacts {
  if (server.signIn === undefined) throw new Error('This server has no sign-in');
  return server.signIn;
}

function textOf(value: unknown): string {
  return typeof value === 'string' ? value : '';
}

/** 256 random bits. */
function randomText(): string {
  return inBase64Url(crypto.getRandomValues(new Uint8Array(32)));
}

async function challengeOf(verifier: string): Promise<string> {
  return inBase64Url(
    new Uint8Array(await crypto.subtle.digest('SHA-256', new TextEncoder().encode(verifier))),
  );
}

function inBase64Url(bytes: Uint8Array): string {
  return btoa(String.fromCharCode(...bytes))
    .replaceAll('+', '-')
    .replaceAll('/', '_')
    .replace(/=+$/, '');
}
