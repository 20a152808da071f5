import type { Configuration, errors, JWK } from 'oidc-provider';
import { isOwnResource } from '../protected-resource.ts';
import { SCOPES } from '../principal.ts';
import { PAGE_CLIENT, PROTOCOL_PATHS, SIGN_IN_PATH } from '../sign-in.ts';
import { messagePage, UNAVAILABLE_PAGE } from '../sign-in-pages.ts';
import { type Accounts, allowedScopes } from './accounts.ts';
import type { AuthStore } from './auth-store.ts';
import { EntryAdapter, unavailable } from './entry-adapter.ts';
import { ALGORITHM, type ServerKeys } from './signing-keys.ts';

const MINUTE = 60;
const DAY = 86_400;
/** In seconds. An access token is checked against its account at each use all the same. */
export const ACCESS_TOKEN_SECONDS = 15 * MINUTE;
const LIVES = {
  AccessToken: ACCESS_TOKEN_SECONDS,
  AuthorizationCode: MINUTE,
  Interaction: 15 * MINUTE,
  Session: 14 * DAY,
  RefreshToken: 30 * DAY,
  Grant: 90 * DAY,
};
/** Of an access token of the web page, which gets the next one without a question; so it is soon of no use to others. */
const PAGE_TOKEN = 5 * MINUTE;

/** The claim of access tokens that says of which version of the account they are. */
export const ACCOUNT_CLAIM = 'account_version';

export interface ProviderParts {
  readonly publicUrl: string;
  readonly store: AuthStore;
  readonly accounts: Accounts;
  readonly keys: ServerKeys;
  /** Reads the documents and keys of clients. */
  readonly fetch: typeof fetch;
  /** Those of the library, which it knows how to answer. */
  readonly errors: typeof errors;
}

/** How the library is used: OAuth 2.1 with codes and PKCE only, for one resource, this server. */
export function providerSettings(parts: ProviderParts): Configuration {
  const { publicUrl, store, accounts, keys, errors: protocolErrors } = parts;
  const [, , authorization, , token, registration, revocation, jwks] = PROTOCOL_PATHS;
  const secure = publicUrl.startsWith('https:');
  const cookie = { httpOnly: true, sameSite: 'lax', signed: true, secure } as const;
  return {
    adapter: (kind: string) => new EntryAdapter(store, kind, protocolErrors),
    jwks: { keys: [...keys.signing] as JWK[] },
    cookies: { keys: [...keys.cookies], long: { ...cookie, path: SIGN_IN_PATH }, short: cookie },
    routes: { authorization, token, registration, revocation, jwks },
    interactions: { url: (_context, { uid }) => `${SIGN_IN_PATH}/sign-in/${uid}` },
    findAccount: async (_context, id) => {
      const account = await accounts.find(id).catch((error: unknown) => {
        throw unavailable(error, protocolErrors);
      });
      if (account === undefined) return undefined;
      return { accountId: id, version: account.version, claims: () => ({ sub: id }) };
    },
    extraTokenClaims: async ({ oidc }, token) => {
      // A new password ends grants. The account was read before, so the token is of the older version, or there is none.
      const grantId = 'grantId' in token ? token.grantId : undefined;
      if (grantId === undefined || (await oidc.provider.Grant.find(grantId)) === undefined)
        throw new protocolErrors.InvalidGrant('the grant has ended');
      return { [ACCOUNT_CLAIM]: versionOf(oidc.account) };
    },
    renderError: (context, { error_description: description, error }) => {
      context.type = 'html';
      if (error === 'temporarily_unavailable') {
        context.body = UNAVAILABLE_PAGE;
        return;
      }
      context.body = messagePage(
        'This sign-in cannot go on',
        `The program that sent you here asked wrongly: ${description ?? error}.`,
      );
    },
    responseTypes: ['code'],
    scopes: ['openid', 'offline_access', ...SCOPES],
    pkce: { required: () => true },
    ttl: LIVES,
    clientAuthMethods: ['none', 'client_secret_basic', 'client_secret_post', 'private_key_jwt'],
    clientDefaults: {
      // Loopback addresses with any port, as RFC 8252 wants them, and no plain http elsewhere.
      application_type: 'native',
      grant_types: ['authorization_code', 'refresh_token'],
      response_types: ['code'],
      token_endpoint_auth_method: 'none',
      id_token_signed_response_alg: ALGORITHM,
    },
    enabledJWA: { idTokenSigningAlgValues: [ALGORITHM] },
    clients: [pageClient(publicUrl)],
    loadExistingGrant: pageGrant(parts),
    extraClientMetadata: { properties: ['redirect_uris'], validator: checkClient(parts.errors) },
    rotateRefreshToken: true,
    issueRefreshToken: (_context, client) => Promise.resolve(client.grantTypeAllowed('refresh_token')),
    expiresWithSession: () => false,
    fetch: parts.fetch,
    features: features(parts),
  };
}

/** As `findAccount` gave it. */
function versionOf(account: Readonly<Record<string, unknown>> | undefined): string {
  return String(account?.['version']);
}

function features({ publicUrl, errors }: ProviderParts): NonNullable<Configuration['features']> {
  return {
    devInteractions: { enabled: false },
    userinfo: { enabled: false },
    rpInitiatedLogout: { enabled: false },
    dPoP: { enabled: false },
    pushedAuthorizationRequests: { enabled: false },
    revocation: { enabled: true },
    registration: { enabled: true, issueRegistrationAccessToken: false },
    clientIdMetadataDocument: { enabled: true, ack: 'draft-02' },
    resourceIndicators: {
      enabled: true,
      defaultResource: () => publicUrl,
      useGrantedResource: () => true,
      getResourceServerInfo: (_context, indicator, { clientId }) => {
        if (!isOwnResource(publicUrl, indicator)) throw new errors.InvalidTarget();
        return {
          scope: SCOPES.join(' '),
          audience: indicator,
          accessTokenFormat: 'jwt',
          accessTokenTTL: clientId === PAGE_CLIENT ? PAGE_TOKEN : LIVES.AccessToken,
          jwt: { sign: { alg: ALGORITHM } },
        };
      },
    },
  };
}

/** `web`, because a `native` client may come back to any port of the same computer. */
function pageClient(publicUrl: string): NonNullable<Configuration['clients']>[number] {
  return {
    client_id: PAGE_CLIENT,
    client_name: 'The web page of this server',
    application_type: 'web',
    grant_types: ['authorization_code'],
    redirect_uris: [`${publicUrl}/`],
  };
}

/** The page is this server's own, so it gets all rights of the person without a question. */
function pageGrant(parts: ProviderParts): NonNullable<Configuration['loadExistingGrant']> {
  const { publicUrl, accounts } = parts;
  return async ({ oidc: { client, session, result, provider } }) => {
    const clientId = client?.clientId ?? '';
    const grantId = result?.consent?.grantId ?? session?.grantIdFor(clientId);
    const known = grantId === undefined ? undefined : await provider.Grant.find(grantId);
    const person = session?.accountId;
    if (known !== undefined || clientId !== PAGE_CLIENT || person === undefined) return known;
    const account = await accounts.find(person).catch((error: unknown) => {
      throw unavailable(error, parts.errors);
    });
    if (account === undefined) return undefined;
    const grant = new provider.Grant({ accountId: account.id, clientId });
    grant.addOIDCScope(SCOPES.join(' '));
    const allowed = allowedScopes(account, SCOPES);
    grant.addResourceScope(publicUrl, allowed.join(' '));
    // Those that the account lacks are decided too, so that no question is left.
    const others = SCOPES.filter((scope) => !allowed.includes(scope));
    if (others.length > 0) grant.rejectResourceScope(publicUrl, others.join(' '));
    await grant.save();
    return grant;
  };
}

type ClientValidator = NonNullable<NonNullable<Configuration['extraClientMetadata']>['validator']>;

/** Clients register any scopes; each sign-in decides their rights. */
function checkClient({ InvalidRedirectUri }: typeof errors): ClientValidator {
  const invalid = (problem: string): Error => {
    const error = new InvalidRedirectUri();
    error.error_description = problem;
    return error;
  };
  return (...[, , value, metadata]) => {
    // It would forbid the client to ask for more later, although its user allows it.
    delete metadata.scope;
    const addresses: unknown[] = Array.isArray(value) ? value : [];
    if (addresses.length > MOST_ADDRESSES) throw invalid(`more than ${MOST_ADDRESSES} redirect_uris`);
    for (const address of addresses) {
      const problem = typeof address === 'string' ? addressProblem(address) : 'is no text';
      if (problem !== undefined) throw invalid(`a redirect_uri ${problem}`);
    }
  };
}

const MOST_ADDRESSES = 20;
const LONGEST_ADDRESS = 2_000;

function addressProblem(address: string): string | undefined {
  if (address.length > LONGEST_ADDRESS || !URL.canParse(address)) return 'is no address';
  const { protocol, hostname, username, password } = new URL(address);
  if (username !== '' || password !== '') return 'has a user name';
  const isLoopback = ['localhost', '127.0.0.1', '[::1]'].includes(hostname);
  return protocol === 'http:' && !isLoopback ? 'is neither encrypted nor of the own computer' : undefined;
}
