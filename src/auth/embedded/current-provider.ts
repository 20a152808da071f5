import type * as OidcProvider from 'oidc-provider';
import type { Provider } from 'oidc-provider';
import type { Logger } from '../../logger.ts';
import { loadOidcProvider } from '../packages.ts';
import type { Accounts } from './accounts.ts';
import type { AuthStore } from './auth-store.ts';
import { type DocumentRules, documentReader } from './client-documents.ts';
import { providerSettings } from './provider-settings.ts';
import type { KeyRing, ServerKeys } from './signing-keys.ts';

export interface AuthorizationServerParts {
  readonly publicUrl: string;
  readonly store: AuthStore;
  readonly accounts: Accounts;
  readonly keys: KeyRing;
  readonly documents: DocumentRules;
  readonly logger: Logger;
}

/** When a request is worth another try that found the store unreachable. */
export const RETRY_SECONDS = 5;

/** @throws ConfigurationError when the package is not installed */
export async function loadCurrentProvider(parts: AuthorizationServerParts): Promise<CurrentProvider> {
  return new CurrentProvider(parts, await withoutNotices(loadOidcProvider));
}

/** The library with the keys of now: it takes its keys once, so new ones make it anew. */
export class CurrentProvider {
  readonly #parts: AuthorizationServerParts;
  readonly #library: typeof OidcProvider;
  readonly #fetch: typeof fetch;
  #made: { readonly keys: ServerKeys; readonly provider: Provider } | undefined;

  constructor(parts: AuthorizationServerParts, library: typeof OidcProvider) {
    this.#parts = parts;
    this.#library = library;
    this.#fetch = documentReader(parts.documents);
  }

  /** @throws StoreUnavailableError when the keys were never read */
  async get(): Promise<Provider> {
    const keys = await this.#parts.keys.current();
    if (this.#made?.keys !== keys) this.#made = { keys, provider: await this.#make(keys) };
    return this.#made.provider;
  }

  async #make(keys: ServerKeys): Promise<Provider> {
    const { publicUrl, store, accounts, logger } = this.#parts;
    const { default: ProviderClass, errors } = this.#library;
    const settings = providerSettings({ publicUrl, store, accounts, keys, fetch: this.#fetch, errors });
    const provider = await withoutNotices(() => Promise.resolve(new ProviderClass(publicUrl, settings)));
    // The headers are those of `answer`, not of a stranger.
    provider.proxy = true;
    provider.use(async (context, next) => {
      await next();
      if (context.status === 503) context.set('Retry-After', String(RETRY_SECONDS));
    });
    provider.on('server_error', (_context, error) => {
      logger.error('the authorization server failed', {}, error);
    });
    return provider;
  }
}

/** The library prints notes for its programmers on standard output and error, among them the version of Node.js. */
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
