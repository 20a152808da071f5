import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Interaction, Provider } from 'oidc-provider';
import { FaissMemoryError } from '../../errors/faiss-memory-error.ts';
import { StoreUnavailableError } from '../../errors/store-errors.ts';
import type { Logger } from '../../logger.ts';
import { isScope, type Scope } from '../principal.ts';
import { type Attempt, type Exchange, type Outcome, PAGE_CLIENT } from '../sign-in.ts';
import type { Question, SignInServer } from '../sign-in.ts';
import { UNAVAILABLE_PAGE } from '../sign-in-pages.ts';
import { type Account, type Accounts, allowedScopes } from './accounts.ts';
import type { AttemptLimit, AuthStore } from './auth-store.ts';
import {
  type AuthorizationServerParts,
  type CurrentProvider,
  loadCurrentProvider,
  RETRY_SECONDS,
} from './current-provider.ts';
import { passwordProblem } from './passwords.ts';

const QUARTER_HOUR_MS = 900_000;
/** Failed logins in a quarter of an hour. Behind a proxy, all people have one address. */
const LOGINS_BY_NAME = 10;
const LOGINS_BY_ADDRESS = 60;
/** New clients and invitations that one address may try, in the same time. */
const REGISTRATIONS_BY_ADDRESS = 60;
/** Passwords that are compared or wait for it. */
const MOST_LOGINS_AT_ONCE = 10;

/** Starts the authorization server. @throws ConfigurationError when its package is not installed */
export async function startAuthorizationServer(parts: AuthorizationServerParts): Promise<SignInServer> {
  const server = new AuthorizationServer(await loadCurrentProvider(parts), parts);
  await server.prepare();
  return server;
}

class AuthorizationServer implements SignInServer {
  readonly #current: CurrentProvider;
  readonly #accounts: Accounts;
  readonly #publicUrl: URL;
  readonly #store: AuthStore;
  readonly #logger: Logger;
  readonly #byName: AttemptLimit;
  readonly #byAddress: AttemptLimit;
  readonly #registrations: AttemptLimit;
  #logins = 0;

  constructor(current: CurrentProvider, { publicUrl, store, accounts, logger }: AuthorizationServerParts) {
    this.#current = current;
    this.#publicUrl = new URL(publicUrl);
    this.#store = store;
    this.#accounts = accounts;
    this.#logger = logger;
    const windowMs = QUARTER_HOUR_MS;
    this.#byName = store.attemptLimit({ name: 'login by name', most: LOGINS_BY_NAME, windowMs });
    this.#byAddress = store.attemptLimit({ name: 'login by address', most: LOGINS_BY_ADDRESS, windowMs });
    this.#registrations = store.attemptLimit({
      ...{ name: 'registration', most: REGISTRATIONS_BY_ADDRESS, windowMs },
    });
  }

  /** Reads the keys, or makes the first ones. A store that cannot be reached yet is asked again at the first request. */
  async prepare(): Promise<void> {
    try {
      await this.#current.get();
    } catch (error) {
      if (!(error instanceof StoreUnavailableError) || !error.retryable) throw error;
      this.#logger.warn('nobody can sign in yet', {}, error);
    }
  }

  async answer(exchange: Exchange): Promise<void> {
    const { incoming, outgoing } = this.#own(exchange);
    try {
      const isRegistration = incoming.url?.startsWith('/oauth/register') === true;
      const wait = isRegistration ? await this.#registration(incoming) : 0;
      if (wait > 0) {
        refuse(outgoing, { status: 429, wait, description: 'too many registrations' });
        return;
      }
      const ended = new Promise<void>((resolve) => outgoing.once('close', resolve).once('finish', resolve));
      // Koa's type says nothing about the promise that it returns.
      const handle: Handle = (await this.#current.get()).callback();
      await handle(incoming, outgoing);
      if (!outgoing.writableFinished && !outgoing.destroyed) await ended;
    } catch (error) {
      this.#logger.warn('a sign-in cannot go on', {}, error);
      if (outgoing.headersSent) outgoing.destroy();
      else if (incoming.headers.accept?.includes('text/html') === true) showUnavailable(outgoing);
      else refuse(outgoing, { status: 503, wait: RETRY_SECONDS, description: 'try again in a moment' });
    }
  }

  async question(exchange: Exchange, uid: string): Promise<Question | undefined> {
    const interaction = await this.#interaction(exchange, uid);
    if (interaction === undefined) return undefined;
    const { params, prompt, session } = interaction;
    const clientId = String(params['client_id']);
    const client = await ofStore((await this.#current.get()).Client.find(clientId)).catch(unlessUnavailable);
    if (client === undefined) return undefined;
    const account = session === undefined ? undefined : await this.#accounts.find(session.accountId);
    return {
      kind: prompt.name === 'consent' && account !== undefined ? 'consent' : 'login',
      uid,
      client: {
        name: client.clientName ?? '',
        redirectUri: String(params['redirect_uri']),
        document: /^https:\/\//.test(clientId) ? clientId : undefined,
        isPage: clientId === PAGE_CLIENT,
      },
      scopes: account === undefined ? [] : askedScopes(account, params['scope']),
      person: account?.name ?? '',
    };
  }

  async signIn(exchange: Exchange, uid: string, attempt: Attempt): Promise<Outcome> {
    const interaction = await this.#interaction(exchange, uid);
    if (interaction === undefined) return { problem: 'expired' };
    const name = attempt.name.normalize('NFKC').trim().toLowerCase().slice(0, 100);
    if (this.#logins >= MOST_LOGINS_AT_ONCE) return { problem: 'too-many', waitSeconds: 5 };
    this.#logins += 1;
    let account: Account | undefined;
    try {
      // Before the password is compared, so that many at once count too.
      const waitSeconds = await this.#takeAttempt(name, attempt.address);
      if (waitSeconds > 0) return { problem: 'too-many', waitSeconds };
      account = await this.#accounts.check(attempt.name, attempt.password);
    } finally {
      this.#logins -= 1;
    }
    if (account === undefined) {
      this.#logger.warn('a login failed', { address: attempt.address });
      return { problem: 'wrong' };
    }
    await this.#byName.takeBack(name);
    await this.#byAddress.takeBack(attempt.address);
    return this.#finish(exchange, { login: { accountId: account.id, amr: ['pwd'] } });
  }

  /** @returns seconds to wait; 0 = it may be made */
  async #takeAttempt(name: string, address: string): Promise<number> {
    const byName = await this.#byName.take(name);
    if (byName > 0) return byName;
    const byAddress = await this.#byAddress.take(address);
    if (byAddress > 0) await this.#byName.takeBack(name);
    return byAddress;
  }

  async decide(exchange: Exchange, uid: string, allowed: ReadonlySet<Scope> | undefined): Promise<Outcome> {
    const interaction = await this.#interaction(exchange, uid);
    const person = interaction?.session?.accountId;
    const account = person === undefined ? undefined : await this.#accounts.find(person);
    if (interaction?.prompt.name !== 'consent' || account === undefined) return { problem: 'expired' };
    if (allowed === undefined) {
      return this.#finish(exchange, {
        error: 'access_denied',
        error_description: 'the person refused',
      });
    }
    const grantId = await this.#createGrant(interaction, account, allowed);
    return this.#finish(exchange, { consent: { grantId } });
  }

  async end(exchange: Exchange): Promise<void> {
    const { incoming, outgoing } = this.#own(exchange);
    const provider = await this.#current.get();
    const session = await ofStore(provider.Session.get(provider.createContext(incoming, outgoing)));
    if (session.accountId !== undefined) await ofStore(session.destroy());
  }

  async invited(invitation: string): Promise<string | undefined> {
    return (await this.#accounts.invited(invitation))?.name;
  }

  async acceptInvitation(invitation: string, password: string): Promise<string | undefined> {
    const problem = passwordProblem(password);
    if (problem !== undefined) return `The password ${problem}.`;
    const accepted = await this.#accounts.setInvitedPassword(invitation, password);
    return accepted ? undefined : 'The invitation does not count any more.';
  }

  close(): Promise<void> {
    return this.#store.close();
  }

  /** A grant for the scopes that were allowed now. Refused ones are noted, so that they are not asked for again at once. */
  async #createGrant(
    { params, prompt }: Interaction,
    account: Account,
    allowed: ReadonlySet<Scope>,
  ): Promise<string> {
    const clientId = String(params['client_id']);
    const { Grant } = await this.#current.get();
    const grant = new Grant({ accountId: account.id, clientId });
    const asked = askedScopes(account, params['scope']);
    const granted = asked.filter((scope) => allowed.has(scope));
    const others = wordsOf(params['scope']).filter((word) => !isScope(word));
    const refused = wordsOf(params['scope']).filter((word) => isScope(word) && !granted.includes(word));
    grant.addOIDCScope([...others, ...granted].join(' '));
    if (refused.length > 0) grant.rejectOIDCScope(refused.join(' '));
    const missing = prompt.details['missingResourceScopes'] ?? {};
    const resources = [params['resource'] ?? [], Object.keys(missing)].flat() as string[];
    for (const resource of new Set([...resources, this.#publicUrl.origin])) {
      if (granted.length > 0) grant.addResourceScope(resource, granted.join(' '));
      if (refused.length > 0) grant.rejectResourceScope(resource, refused.join(' '));
    }
    return ofStore(grant.save());
  }

  async #finish(exchange: Exchange, result: Parameters<Provider['interactionResult']>[2]): Promise<Outcome> {
    const { incoming, outgoing } = this.#own(exchange);
    const provider = await this.#current.get();
    const finished = provider.interactionResult(incoming, outgoing, result, {
      mergeWithLastSubmission: result.consent !== undefined,
    });
    return { next: await ofStore(finished) };
  }

  /** @returns undefined when this browser has no such sign-in under way */
  async #interaction(exchange: Exchange, uid: string): Promise<Interaction | undefined> {
    const { incoming, outgoing } = this.#own(exchange);
    try {
      const provider = await this.#current.get();
      const interaction = await ofStore(provider.interactionDetails(incoming, outgoing));
      return interaction.uid === uid ? interaction : undefined;
    } catch (error) {
      if (error instanceof Error && error.name === 'SessionNotFound') return undefined;
      throw error;
    }
  }

  /** Says at which address this server is known, in place of anything that the client or a proxy says about it. */
  #own({ incoming, outgoing }: Exchange): Exchange {
    const { headers } = incoming;
    headers['x-forwarded-proto'] = this.#publicUrl.protocol.slice(0, -1);
    headers['x-forwarded-host'] = this.#publicUrl.host;
    return { incoming, outgoing };
  }

  #registration({ socket }: IncomingMessage): Promise<number> {
    return this.#registrations.take(socket.remoteAddress ?? '');
  }
}

type Handle = (request: IncomingMessage, response: ServerResponse) => Promise<void>;

interface Refusal {
  readonly status: 429 | 503;
  /** Seconds. */
  readonly wait: number;
  readonly description: string;
}

function refuse(outgoing: ServerResponse, { status, wait, description }: Refusal): void {
  outgoing.writeHead(status, { 'Retry-After': String(wait), 'Content-Type': 'application/json' });
  outgoing.end(JSON.stringify({ error: 'temporarily_unavailable', error_description: description }));
}

function showUnavailable(outgoing: ServerResponse): void {
  const headers = { 'Retry-After': String(RETRY_SECONDS), 'Content-Type': 'text/html; charset=utf-8' };
  outgoing.writeHead(503, headers).end(UNAVAILABLE_PAGE);
}

/** A client that the library refuses is none. */
function unlessUnavailable(error: unknown): undefined {
  if (error instanceof FaissMemoryError) throw error;
  return undefined;
}

/** Gives the error of the store itself, and not the one that the library answers its own requests with. */
function ofStore<Result>(work: Promise<Result>): Promise<Result> {
  return work.catch((error: unknown) => {
    throw error instanceof Error && error.cause instanceof FaissMemoryError ? error.cause : error;
  });
}

/** The scopes of this server that a client asks for and the person has; without any word, those that MCP needs. */
function askedScopes(account: Account, scope: unknown): Scope[] {
  return allowedScopes(account, wordsOf(scope).filter(isScope));
}

function wordsOf(scope: unknown): string[] {
  return typeof scope === 'string' ? scope.split(' ').filter((word) => word !== '') : [];
}
