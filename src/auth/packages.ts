import type * as Jose from 'jose';
import type * as OidcProvider from 'oidc-provider';
import { ConfigurationError } from '../errors/input-errors.ts';
import { loadOptionalPackage, type MissingPackage } from '../util/load-optional-package.ts';

/** Signed tokens. @throws ConfigurationError when the package is not installed */
export function loadJose(): Promise<typeof Jose> {
  return loadOptionalPackage({ name: 'jose', major: 6, load: () => import('jose'), toError });
}

/** An authorization server. @throws ConfigurationError when the package is not installed */
export function loadOidcProvider(): Promise<typeof OidcProvider> {
  return loadOptionalPackage({
    name: 'oidc-provider',
    major: 9,
    load: () => import('oidc-provider'),
    toError,
  });
}

function toError({ problem, fix, cause }: MissingPackage): ConfigurationError {
  const source = 'setting auth.mode';
  const allowed = 'MEMORY_AUTH=token needs no package';
  return new ConfigurationError(
    [{ key: 'auth.mode', problem: `cannot be used: ${problem}`, source, allowed }],
    {
      fix,
      cause,
    },
  );
}
