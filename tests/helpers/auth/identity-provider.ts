import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import { generateKeyPair, exportJWK, type JWK } from 'jose';
import type { Provider } from 'oidc-provider';
import { vi } from 'vitest';
import { freePort } from '../servers/free-port.ts';

export interface IdentityProvider {
  readonly issuer: string;
  /** Stops answering; its port stays free for `start`. */
  stop(): Promise<void>;
  start(): Promise<void>;
  /** Another key signs from now on, and the old one is no longer published. */
  rotateKey(): Promise<void>;
  /** How often its keys were read. */
  keyReads(): number;
  /** How often it was asked about a token. */
  questions(): number;
}

export interface IdentityProviderOptions {
  /** Of the access tokens; default `jwt`. */
  readonly format?: 'jwt' | 'opaque';
  /** Default: the audience that the client asks for. */
  readonly audience?: string;
  /** Where the web page of a server comes back to, which is then a client of it. */
  readonly pageRedirect?: string;
}

/** Name of the web page at the provider. */
export const PAGE_AT_PROVIDER = 'memory-page';
export const INTROSPECTOR = { id: 'memory-server', secret: 'a-secret-of-the-memory-server' };
const GROUPS: Readonly<Record<string, string[]>> = { ada: ['admins', 'team'], bob: ['team'] };

/**
 * An identity provider that knows nothing of this program: the same library as it comes, with its own sign-in pages for
 * development, where any name and password do.
 */
export async function startIdentityProvider(
  options: IdentityProviderOptions = {},
): Promise<IdentityProvider> {
  const port = await freePort();
  const issuer = `http://127.0.0.1:${port}`;
  const reads = { keys: 0, questions: 0 };
  let handle = (await createProvider(issuer, options)).callback();
  let server: Server | undefined;
  const start = async (): Promise<void> => {
    server = createServer((request, response) => {
      if (request.url === '/jwks') reads.keys += 1;
      if (request.url === '/token/introspection') reads.questions += 1;
      void handle(request, response);
    }).listen(port, '127.0.0.1');
    await once(server, 'listening');
  };
  const stop = async (): Promise<void> => {
    server?.closeAllConnections();
    const ended = server === undefined ? [] : once(server, 'close');
    server?.close();
    await ended;
  };
  await start();
  return {
    issuer,
    start,
    stop,
    rotateKey: async () => {
      handle = (await createProvider(issuer, options)).callback();
    },
    keyReads: () => reads.keys,
    questions: () => reads.questions,
  };
}

async function createKey(): Promise<JWK> {
  const { privateKey } = await generateKeyPair('RS256', { extractable: true });
  return { ...(await exportJWK(privateKey)), alg: 'RS256', use: 'sig' };
}

function pageClient(redirect: string) {
  return {
    ...{ client_id: PAGE_AT_PROVIDER, application_type: 'web' as const, redirect_uris: [redirect] },
    ...{ token_endpoint_auth_method: 'none' as const, grant_types: ['authorization_code', 'refresh_token'] },
  };
}

async function createProvider(
  issuer: string,
  { format = 'jwt', audience, pageRedirect }: IdentityProviderOptions,
): Promise<Provider> {
  // It says on the console, again and again, that this is not for production.
  for (const name of ['warn', 'info'] as const) vi.spyOn(console, name).mockImplementation(() => undefined);
  const { Provider: ProviderClass } = await import('oidc-provider');
  const key = await createKey();
  return new ProviderClass(issuer, {
    jwks: { keys: [key] },
    cookies: { keys: ['a key for tests'] },
    clients: [
      {
        client_id: INTROSPECTOR.id,
        client_secret: INTROSPECTOR.secret,
        redirect_uris: [],
        response_types: [],
        grant_types: [],
      },
      ...(pageRedirect === undefined ? [] : [pageClient(pageRedirect)]),
    ],
    scopes: ['openid', 'offline_access', 'profile', 'memory:read', 'memory:write', 'memory:admin'],
    findAccount: (_context, id) => ({ accountId: id, claims: () => ({ sub: id, name: id }) }),
    extraTokenClaims: (_context, token) =>
      'accountId' in token
        ? { name: `${token.accountId} of the team`, realm: { groups: GROUPS[token.accountId] ?? [] } }
        : {},
    pkce: { required: () => true },
    // As providers do for pages, without the scope offline_access.
    issueRefreshToken: (_context, client, code) =>
      Promise.resolve(
        client.grantTypeAllowed('refresh_token') &&
          (client.clientId === PAGE_AT_PROVIDER || code.scopes.has('offline_access')),
      ),
    clientDefaults: { application_type: 'native', id_token_signed_response_alg: 'RS256' },
    features: {
      devInteractions: { enabled: true },
      registration: { enabled: true },
      revocation: { enabled: true },
      introspection: { enabled: true, allowedPolicy: () => true },
      resourceIndicators: {
        enabled: true,
        defaultResource: () => 'https://default.example.org',
        useGrantedResource: () => true,
        getResourceServerInfo: (_context, indicator) => ({
          scope: 'memory:read memory:write memory:admin',
          audience: audience ?? indicator,
          accessTokenFormat: format,
          ...(format === 'jwt' ? { jwt: { sign: { alg: 'RS256' } } } : {}),
        }),
      },
    },
  });
}
