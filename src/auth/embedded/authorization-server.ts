import type { IncomingMessage, ServerResponse } from 'node:http';
import type Provider from 'oidc-provider';
import type { Interaction } from 'oidc-provider';
import type { Logger } from '../../logger.ts';
import { isScope, type Scope } from '../principal.ts';
import { loadOidcProvider } from '../packages.ts';
import { type Attempt, type Exchange, type Outcome, PAGE_CLIENT } from '../sign-in.ts';
import type { Question, SignInServer } from '../sign-in.ts';
import { type Account, type Accounts, allowedScopes } from './accounts.ts';
import { AttemptLimit } from './attempt-limit.ts';
import type { AuthStore } from './auth-store.ts';
import { type DocumentRules, documentReader } from './client-documents.ts';
import { passwordProblem } from './passwords.ts';
import { providerSettings } from './provider-settings.ts';

const QUARTER_HOUR_MS = 900_000;
/** Failed logins in a quarter of an hour. Behind a proxy, all people have one address. */
const LOGINS_BY_NAME = 10;
const LOGINS_BY_ADDRESS = 60;
/** New clients and invitations that one address may try, in the same time. */
const REGISTRATIONS_BY_ADDRESS = 60;
/** Passwords that are compared or wait for it. */
const MOST_LOGINS_AT_ONCE = 10;

export interface AuthorizationServerParts {
  readonly publicUrl: string;
  readonly store: AuthStore;
  readonly accounts: Accounts;
  readonly documents: DocumentRules;
  readonly logger: Logger;
}

/** Starts the authorization server. @throws ConfigurationError when its package is not installed */
export async function startAuthorizationServer(parts: AuthorizationServerParts): Promise<SignInServer> {
  const { default: ProviderClass, errors } = await withoutNotices(loadOidcProvider);
  const { publicUrl, store, accounts, documents, logger } = parts;
  const fetch = documentReader(documents);
  const provider = await withoutNotices(() =>
    Promise.resolve(
      new ProviderClass(publicUrl, providerSettings({ publicUrl, store, accounts, fetch, errors })),
    ),
  );
  // The headers are those of `answer`, not of a stranger.
  provider.proxy = true;
  provider.on('server_error', (_context, error) => {
    logger.error('the authorization server failed', {}, error);
  });
  return new AuthorizationServer(provider, parts);
}

/** The library prints on standard output and error what its programmers should know, among it the version of Node.js. */
async function withoutNotices<Result>(work: () => Promise<Result>): Promise<Result> {
  const { console: output } = globalThis;
  const before = { ...output };
  output.info = output.warn = () => undefined;
  try {
    return await work();
  } finally {
    Object.assign(output, before);
  }
}

class AuthorizationServer implements SignInServer {
  readonly #provider: Provider;
  readonly #handle: (request: IncomingMessage, response: ServerResponse) => Promise<void>;
  readonly #accounts: Accounts;
  readonly #publicUrl: URL;
  readonly #store: AuthStore;
  readonly #logger: Logger;
  readonly #byName = new AttemptLimit({ most: LOGINS_BY_NAME, windowMs: QUARTER_HOUR_MS });
  readonly #byAddress = new AttemptLimit({ most: LOGINS_BY_ADDRESS, windowMs: QUARTER_HOUR_MS });
  readonly #registrations = new AttemptLimit({ most: REGISTRATIONS_BY_ADDRESS, windowMs: QUARTER_HOUR_MS });
  #logins = 0;

  constructor(provider: Provider, { publicUrl, store, accounts, logger }: AuthorizationServerParts) {
    this.#provider = provider;
    // Koa's type says nothing about the promise that it returns.
    this.#handle = provider.callback();
    this.#publicUrl = new URL(publicUrl);
    this.#store = store;
    this.#accounts = accounts;
    this.#logger = logger;
  }

  async answer(exchange: Exchange): Promise<void> {
    const { incoming, outgoing } = this.#own(exchange);
    const wait = incoming.url?.startsWith('/oauth/register') === true ? this.#registration(incoming) : 0;
    if (wait > 0) {
      outgoing.writeHead(429, { 'Retry-After': String(wait), 'Content-Type': 'application/json' });
      outgoing.end('{"error":"temporarily_unavailable","error_description":"too many registrations"}');
      return;
    }
    const ended = new Promise<void>((resolve) => outgoing.once('close', resolve).once('finish', resolve));
    await this.#handle(incoming, outgoing);
    if (!outgoing.writableFinished && !outgoing.destroyed) await ended;
  }

  async question(exchange: Exchange, uid: string): Promise<Question | undefined> {
    const interaction = await this.#interaction(exchange, uid);
    if (interaction === undefined) return undefined;
    const { params, prompt, session } = interaction;
    const clientId = String(params['client_id']);
    const client = await this.#provider.Client.find(clientId).catch(() => undefined);
    if (client === undefined) return undefined;
    const account = session === undefined ? undefined : this.#accounts.find(session.accountId);
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
    const waitSeconds = Math.max(this.#byName.waitFor(name), this.#byAddress.waitFor(attempt.address));
    if (waitSeconds > 0) return { problem: 'too-many', waitSeconds };
    if (this.#logins >= MOST_LOGINS_AT_ONCE) return { problem: 'too-many', waitSeconds: 5 };
    // Before the password is compared, so that many at once count too.
    this.#byName.count(name);
    this.#byAddress.count(attempt.address);
    this.#logins += 1;
    let account: Account | undefined;
    try {
      account = await this.#accounts.check(attempt.name, attempt.password);
    } finally {
      this.#logins -= 1;
    }
    if (account === undefined) {
      this.#logger.warn('a login failed', { address: attempt.address });
      return { problem: 'wrong' };
    }
    this.#byName.takeBack(name);
    this.#byAddress.takeBack(attempt.address);
    return this.#finish(exchange, { login: { accountId: account.id, amr: ['pwd'] } });
  }

  async decide(exchange: Exchange, uid: string, allowed: ReadonlySet<Scope> | undefined): Promise<Outcome> {
    const interaction = await this.#interaction(exchange, uid);
    const account =
      interaction?.session === undefined ? undefined : this.#accounts.find(interaction.session.accountId);
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
    const session = await this.#provider.Session.get(this.#provider.createContext(incoming, outgoing));
    if (session.accountId !== undefined) await session.destroy();
  }

  invited(invitation: string): string | undefined {
    return this.#accounts.invited(invitation)?.name;
  }

  async acceptInvitation(invitation: string, password: string): Promise<string | undefined> {
    const account = this.#accounts.invited(invitation);
    if (account === undefined) return 'The invitation does not count any more.';
    const problem = passwordProblem(password);
    if (problem !== undefined) return `The password ${problem}.`;
    await this.#accounts.setPassword(account.id, password);
    return undefined;
  }

  close(): void {
    this.#store.close();
  }

  /** A grant for what was allowed now. What was refused is noted, so that it is not asked again at once. */
  async #createGrant(
    { params, prompt }: Interaction,
    account: Account,
    allowed: ReadonlySet<Scope>,
  ): Promise<string> {
    const clientId = String(params['client_id']);
    const grant = new this.#provider.Grant({ accountId: account.id, clientId });
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
    return grant.save();
  }

  async #finish(exchange: Exchange, result: Parameters<Provider['interactionResult']>[2]): Promise<Outcome> {
    const { incoming, outgoing } = this.#own(exchange);
    const next = await this.#provider.interactionResult(incoming, outgoing, result, {
      mergeWithLastSubmission: result.consent !== undefined,
    });
    return { next };
  }

  /** @returns undefined when this browser has no such sign-in under way */
  async #interaction(exchange: Exchange, uid: string): Promise<Interaction | undefined> {
    const { incoming, outgoing } = this.#own(exchange);
    try {
      const interaction = await this.#provider.interactionDetails(incoming, outgoing);
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

  #registration({ socket }: IncomingMessage): number {
    const address = socket.remoteAddress ?? '';
    const wait = this.#registrations.waitFor(address);
    if (wait === 0) this.#registrations.count(address);
    return wait;
  }
}

/** The scopes of this server that a client asks for and the person has; without any word, those that MCP needs. */
function askedScopes(account: Account, scope: unknown): Scope[] {
  return allowedScopes(account, wordsOf(scope).filter(isScope));
}

function wordsOf(scope: unknown): string[] {
  return typeof scope === 'string' ? scope.split(' ').filter((word) => word !== '') : [];
}
