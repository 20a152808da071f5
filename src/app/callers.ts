import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { OidcAuthenticator } from '../auth/oidc-authenticator.ts';
import { Accounts } from '../auth/embedded/accounts.ts';
import { AUTH_DATABASE, AuthStore } from '../auth/embedded/auth-store.ts';
import { startAuthorizationServer } from '../auth/embedded/authorization-server.ts';
import { EmbeddedAuthenticator } from '../auth/embedded/embedded-authenticator.ts';
import { rotateSigningKey } from '../auth/embedded/signing-keys.ts';
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
  const store = new AuthStore(settings.dataDir);
  try {
    const accounts = new Accounts(store);
    const documents = { allowLocal: settings.auth.localClients };
    const server = await startAuthorizationServer({ publicUrl, store, accounts, documents, logger });
    return {
      authenticators: [new EmbeddedAuthenticator(publicUrl, store, accounts)],
      signIn: { resource: { publicUrl, authorizationServers: [publicUrl] }, server },
    };
  } catch (error) {
    store.close();
    throw error;
  }
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
  readonly rotateSigningKey: () => void;
  readonly close: () => void;
}

export function openAccounts(settings: Settings): OpenAccounts {
  const store = new AuthStore(settings.dataDir);
  return {
    accounts: new Accounts(store),
    linkOf: (invitation) => `${publicUrlOf(settings)}${SIGN_IN_PATH}/invitation/${invitation}`,
    rotateSigningKey: () => {
      rotateSigningKey(store);
    },
    close: () => {
      store.close();
    },
  };
}

/** The accounts of the people of a team. Opens the database for each call, as commands make few. */
export function personAccounts(settings: Settings): PersonAccounts {
  const inUse = settings.auth.mode === 'embedded';
  const use = <Result>(work: (open: OpenAccounts) => Result): Result => {
    const open = openAccounts(settings);
    try {
      return work(open);
    } finally {
      open.close();
    }
  };
  return {
    inUse,
    requireFree: (person) => {
      use(({ accounts }) => {
        accounts.requireFree(person);
      });
    },
    invite: (person, hours) =>
      use(({ accounts, linkOf }) => linkOf(accounts.invitePerson(person, hours * HOUR_MS))),
    remove: (person) => {
      // Whatever the settings of this command are, those of the server may know accounts.
      if (!existsSync(join(settings.dataDir, AUTH_DATABASE))) return;
      use(({ accounts }) => {
        accounts.remove(person);
      });
    },
    states: () =>
      use(
        ({ accounts }) =>
          new Map(accounts.list().map(({ id, hasPassword }) => [id, hasPassword ? 'yes' : 'invited'])),
      ),
  };
}
