import {
  type OAuthClientMetadata,
  type OAuthClientProvider,
  type OAuthDiscoveryState,
  type StoredOAuthClientInformation,
  type StoredOAuthTokens,
  StreamableHTTPClientTransport,
  UnauthorizedError,
} from '@modelcontextprotocol/client';
import { type ConnectedClient, connected, createV2, type NegotiationMode } from '../mcp/clients.ts';
import { REDIRECT } from './oauth-requests.ts';

/** What a client of SDK v2 keeps of its sign-in. */
export class RememberingProvider implements OAuthClientProvider {
  readonly redirectUrl = REDIRECT;
  readonly clientMetadata: OAuthClientMetadata;
  readonly clientMetadataUrl?: string;
  /** Where it sent its user. */
  sentTo: URL | undefined;
  known: StoredOAuthTokens | undefined;
  #client: StoredOAuthClientInformation | undefined;
  #verifier = '';
  #discovery: OAuthDiscoveryState | undefined;

  constructor(
    options: { readonly client?: StoredOAuthClientInformation; readonly documentUrl?: string } = {},
  ) {
    this.#client = options.client;
    if (options.documentUrl !== undefined) this.clientMetadataUrl = options.documentUrl;
    this.clientMetadata = {
      client_name: 'SDK v2',
      redirect_uris: [REDIRECT],
      grant_types: ['authorization_code', 'refresh_token'],
      token_endpoint_auth_method: 'none',
    };
  }

  state = (): string => 'the-state';
  clientInformation = (): StoredOAuthClientInformation | undefined => this.#client;
  saveClientInformation = (client: StoredOAuthClientInformation): void => {
    this.#client = client;
  };
  tokens = (): StoredOAuthTokens | undefined => this.known;
  saveTokens = (tokens: StoredOAuthTokens): void => {
    this.known = tokens;
  };
  redirectToAuthorization = (url: URL): void => {
    this.sentTo = url;
  };
  saveCodeVerifier = (verifier: string): void => {
    this.#verifier = verifier;
  };
  codeVerifier = (): string => this.#verifier;
  saveDiscoveryState = (state: OAuthDiscoveryState): void => {
    this.#discovery = state;
  };
  discoveryState = (): OAuthDiscoveryState | undefined => this.#discovery;
  invalidateCredentials = (scope: 'all' | 'client' | 'tokens' | 'verifier' | 'discovery'): void => {
    if (scope === 'all' || scope === 'tokens') this.known = undefined;
  };
}

export interface SdkSignIn {
  readonly provider?: RememberingProvider;
  readonly mode?: NegotiationMode;
  readonly path?: string;
}

/**
 * Connects a client of SDK v2 that knows nothing but the address: it is refused, finds out where to sign in, sends its
 * user there, and comes back with the code.
 * @param person goes where the client sends its user; the address at which the client gets its answer
 */
export async function connectBySignIn(
  address: string,
  person: (url: URL) => Promise<URL>,
  { provider = new RememberingProvider(), mode = { pin: '2026-07-28' }, path = '/mcp' }: SdkSignIn = {},
): Promise<ConnectedClient & { readonly provider: RememberingProvider }> {
  const url = new URL(path, address);
  const first = new StreamableHTTPClientTransport(url, { authProvider: provider });
  const refused = await createV2(mode)
    .connect(first)
    .then(
      () => undefined,
      (error: unknown) => error,
    );
  if (!(refused instanceof UnauthorizedError))
    throw new Error('it was not asked to sign in', { cause: refused });
  if (provider.sentTo === undefined) throw new Error('it did not send its user anywhere');
  const answer = await person(provider.sentTo);
  await first.finishAuth(answer.searchParams);
  const client = createV2(mode);
  await client.connect(new StreamableHTTPClientTransport(url, { authProvider: provider }));
  return { ...(await connected(client)), provider };
}
