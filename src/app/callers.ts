import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { OidcAuthenticator } from '../auth/oidc-authenticator.ts';
import { Accounts } from '../auth/embedded/accounts.ts';
import type { AuthStore } from '../auth/embedded/auth-store.ts';
import { startAuthorizationServer } from '../auth/embedded/authorization-server.ts';
import { EmbeddedAuthenticator } from '../auth/embedded/embedded-authenticator.ts';
import { SecretSeal } from '../auth/embedded/secret-seal.ts';
import { KeyRing } from '../auth/embedded/signing-keys.ts';
import { AUTH_DATABASE, SqliteAuthStore } from '../auth/embedded/sqlite-auth-store.ts';
import type { Authenticator, Scope } from '../auth/principal.ts';
import { isOwnResource, type ProtectedResource } from '../auth/protected-resource.ts';
import { SIGN_IN_PATH, type SignInServer } from '../auth/sign-in.ts';
import type { Settings } from '../config/schema.ts';
import { pairsOf, wordsOf } from '../config/setting.ts';
import type { Logger } from '../logger.ts';
import type { PersonAccounts } from '../people/people-service.ts';

const HOUR_MS = 3_600_000;

/** How the callers of an HTTP server sign in, beside its shared tokens. */
export interface Callers {
  readonly authenticators: readonly Authenticator[];
  /** Undefined = no OAuth. */
  readonly signIn:
    | {
        readonly resource: ProtectedResource;
        readonly server: SignInServer | undefined;
        /** Name of the web page at the identity provider. */
        readonly pageClient?: string | undefined;
      }
    | undefined;
}

/** @throws ConfigurationError when a package is missing that the settings need */
export async function openCallers(settings: Settings, logger: Logger): Promise<Callers> {
  const { mode, issuer } = settings.auth;
  if (mode === 'token') return { authenticators: [], signIn: undefined };
  const publicUrl = publicUrlOf(settings);
  if (mode === 'embedded') return openEmbedded(settings, publicUrl, logger);
  // The settings are checked: with `oidc` there is one.
  const url = issuer ?? '';
  return {
    authenticators: [createOidcAuthenticator(settings, publicUrl, url)],
    signIn: {
      ...{ resource: { publicUrl, authorizationServers: [url] }, server: undefined },
      pageClient: settings.auth.pageClientId,
    },
  };
}

function createOidcAuthenticator({ auth }: Settings, publicUrl: string, issuer: string): OidcAuthenticator {
  const audiences = wordsOf(auth.audience);
  const { clientId, clientSecret } = auth;
  return new OidcAuthenticator({
    issuer,
    isAudience: (audience) => audiences.includes(audience) || isOwnResource(publicUrl, audience),
    claims: {
      scopes: auth.scopeClaim,
      person: auth.personClaim,
      name: auth.nameClaim,
      groups: auth.groupsClaim,
      // Only words of the list pass the check of the setting.
      groupScopes: new Map(pairsOf(auth.groupScopes) as [string, Scope][]),
    },
    introspection:
      clientId === undefined || clientSecret === undefined ? undefined : { clientId, clientSecret },
  });
}

async function openEmbedded(settings: Settings, publicUrl: string, logger: Logger): Promise<Callers> {
  const store = await openAuthStore(settings);
  if (hasUnusedAccounts(settings))
    logger.warn(`the accounts of ${AUTH_DATABASE} are not used: those of the database are`);
  try {
    const accounts = new Accounts(store);
    const keys = new KeyRing(store, new SecretSeal(settings.auth.secret));
    const documents = { allowLocal: settings.auth.localClients };
    const server = await startAuthorizationServer({ publicUrl, store, accounts, keys, documents, logger });
    return {
      authenticators: [new EmbeddedAuthenticator(publicUrl, accounts, keys)],
      signIn: { resource: { publicUrl, authorizationServers: [publicUrl] }, server },
    };
  } catch (error) {
    await store.close();
    throw error;
  }
}

/** In the database that servers share, or in the data folder. */
async function openAuthStore({ store, database, dataDir }: Settings): Promise<AuthStore> {
  const url = database.url?.reveal();
  if (store !== 'postgres' || url === undefined) return new SqliteAuthStore(dataDir);
  const { PostgresAuthStore } = await import('../auth/embedded/postgres-auth-store.ts');
  return new PostgresAuthStore({ url, schema: database.schema });
}

/** True for a folder with accounts of a time before the database. */
function hasUnusedAccounts({ store, dataDir }: Settings): boolean {
  return store === 'postgres' && existsSync(join(dataDir, AUTH_DATABASE));
}

/** The address of the server without a slash at its end. */
export function publicUrlOf({ auth, http }: Settings): string {
  const scheme = http.tlsCertificate === undefined ? 'http' : 'https';
  const host = http.host.includes(':') ? `[${http.host}]` : http.host;
  return auth.publicUrl ?? new URL(`${scheme}://${host}:${http.port}`).origin;
}

/** The accounts of the authorization server in this program, for the command line. */
export interface OpenAccounts {
  readonly accounts: Accounts;
  /** The address at which the holder of an invitation chooses a password. */
  readonly linkOf: (invitation: string) => string;
  readonly rotateSigningKey: () => Promise<void>;
  readonly close: () => Promise<void>;
}

export async function openAccounts(settings: Settings): Promise<OpenAccounts> {
  const store = await openAuthStore(settings);
  return {
    accounts: new Accounts(store),
    linkOf: (invitation) => `${publicUrlOf(settings)}${SIGN_IN_PATH}/invitation/${invitation}`,
    rotateSigningKey: () => new KeyRing(store, new SecretSeal(settings.auth.secret)).rotate(),
    close: () => store.close(),
  };
}

/** The accounts of the people of a team. Opens the store for each call, as commands make few. */
export function personAccounts(settings: Settings): PersonAccounts {
  const inUse = settings.auth.mode === 'embedded';
  const use = async <Result>(work: (open: OpenAccounts) => Promise<Result>): Promise<Result> => {
    const open = await openAccounts(settings);
    try {
      return await work(open);
    } finally {
      await open.close();
    }
  };
  return {
    inUse,
    requireFree: (person) => use(({ accounts }) => accounts.requireFree(person)),
    invite: (person, hours) =>
      use(async ({ accounts, linkOf }) => linkOf(await accounts.invitePerson(person, hours * HOUR_MS))),
    remove: async (person) => {
      // Whatever the settings of this command are, those of the server may know accounts.
      if (settings.store === 'sqlite' && !existsSync(join(settings.dataDir, AUTH_DATABASE))) return;
      await use(({ accounts }) => accounts.remove(person));
    },
    states: () =>
      use(async ({ accounts }) => {
        const known = await accounts.list();
        return new Map(known.map(({ id, hasPassword }) => [id, hasPassword ? 'yes' : 'invited']));
      }),
  };
}
