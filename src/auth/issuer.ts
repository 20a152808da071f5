import { AuthUnavailableError } from '../errors/input-errors.ts';
import { isLoopbackAddress } from '../util/proxy.ts';
import { fetchObject } from './bounded-fetch.ts';

const FRESH_MS = 600_000;
/** How long a provider that failed is not asked again. */
const REST_MS = 5_000;

/** The part of an authorization server's metadata that a resource server reads. */
export interface IssuerMetadata {
  readonly jwksUri: string;
  /** Absent: the provider says nothing about opaque tokens. */
  readonly introspectionEndpoint: string | undefined;
}

/**
 * An authorization server that is found by its metadata (RFC 8414, or OpenID Connect Discovery). Metadata that was read
 * once goes on while the provider cannot be reached.
 */
export class Issuer {
  readonly url: string;
  #known: { readonly metadata: IssuerMetadata; readonly readAt: number } | undefined;
  #failure: { readonly error: unknown; readonly at: number } | undefined;
  #reading: Promise<IssuerMetadata> | undefined;

  /** @param url the identifier, exactly as the tokens have it in `iss` */
  constructor(url: string) {
    this.url = url;
  }

  /** @throws AuthUnavailableError when it was never read and cannot be read now */
  async metadata(): Promise<IssuerMetadata> {
    const now = Date.now();
    if (this.#known !== undefined && now - this.#known.readAt < FRESH_MS) return this.#known.metadata;
    if (this.#failure !== undefined && now - this.#failure.at < REST_MS) {
      if (this.#known !== undefined) return this.#known.metadata;
      throw this.#failure.error;
    }
    this.#reading ??= this.#read().finally(() => {
      this.#reading = undefined;
    });
    return this.#reading;
  }

  async #read(): Promise<IssuerMetadata> {
    try {
      const metadata = await discover(this.url);
      this.#known = { metadata, readAt: Date.now() };
      this.#failure = undefined;
      return metadata;
    } catch (error) {
      this.#failure = { error, at: Date.now() };
      if (this.#known !== undefined) return this.#known.metadata;
      throw error;
    }
  }
}

async function discover(issuer: string): Promise<IssuerMetadata> {
  let failure: unknown;
  for (const address of discoveryAddresses(issuer)) {
    try {
      return readMetadata(issuer, await fetchObject(address));
    } catch (error) {
      failure = error;
    }
  }
  throw failure;
}

/** In the order of the MCP specification. */
function discoveryAddresses(issuer: string): readonly string[] {
  const { origin, pathname } = new URL(issuer);
  const path = pathname.replace(/\/+$/, '');
  const own = `${issuer.replace(/\/+$/, '')}/.well-known/openid-configuration`;
  const others = ['oauth-authorization-server', 'openid-configuration'].map(
    (name) => `${origin}/.well-known/${name}${path}`,
  );
  return [...new Set([...others, own])];
}

function readMetadata(issuer: string, found: Readonly<Record<string, unknown>>): IssuerMetadata {
  if (found['issuer'] !== issuer) {
    throw new AuthUnavailableError(
      `the provider calls itself ${JSON.stringify(found['issuer'])}, not ${JSON.stringify(issuer)}`,
    );
  }
  const introspection = found['introspection_endpoint'];
  return {
    jwksUri: endpointOf(issuer, found['jwks_uri']),
    introspectionEndpoint: introspection === undefined ? undefined : endpointOf(issuer, introspection),
  };
}

/** An address of the metadata: encrypted as the issuer's own is. */
function endpointOf(issuer: string, value: unknown): string {
  if (typeof value === 'string' && URL.canParse(value)) {
    const url = new URL(value);
    const isPlain =
      url.protocol === 'http:' && (url.origin === new URL(issuer).origin || isLoopbackAddress(url));
    if (url.protocol === 'https:' || isPlain) return value;
  }
  throw new AuthUnavailableError(`the metadata of ${issuer} has no usable address: ${JSON.stringify(value)}`);
}
