import type { SecretString } from '../util/secret-string.ts';
import type { Settings } from './schema.ts';
import type { SettingProblem } from './setting-problem.ts';

type Http = Settings['http'];

const MIN_TOKEN_LENGTH = 16;

/** What is wrong between the settings of the HTTP server, each of which is right by itself. */
export function findHttpProblems({ http }: Settings): SettingProblem[] {
  const { token, readToken } = http;
  return [
    ...tokenProblem('token', token),
    ...tokenProblem('readToken', readToken),
    ...sameTokens(http),
    ...tlsProblem(http),
  ];
}

function tokenProblem(name: 'token' | 'readToken', token: SecretString | undefined): SettingProblem[] {
  const key = `http.${name}`;
  if (token === undefined) return [];
  const secret = token.reveal();
  if (/[^\x21-\x7e]/.test(secret)) {
    const allowed = 'allowed are visible ASCII characters, for example what "openssl rand -hex 32" prints';
    return [{ key, problem: 'has characters that no header can carry', allowed, decidedBy: key }];
  }
  if (secret.length >= MIN_TOKEN_LENGTH) return [];
  const allowed = `allowed are ${MIN_TOKEN_LENGTH} or more, for example what "openssl rand -hex 32" prints`;
  return [{ key, problem: `has ${secret.length} characters`, allowed, decidedBy: key }];
}

function sameTokens({ token, readToken }: Http): SettingProblem[] {
  const key = 'http.readToken';
  if (readToken === undefined) return [];
  if (token === undefined) {
    const allowed = 'set MEMORY_HTTP_TOKEN too, or nobody could write';
    return [{ key, problem: 'is given without the token that allows everything', allowed, decidedBy: key }];
  }
  if (token.reveal() !== readToken.reveal()) return [];
  return [{ key, problem: 'is the same as http.token', allowed: 'use another one', decidedBy: key }];
}

function tlsProblem({ tlsCertificate, tlsKey }: Http): SettingProblem[] {
  if ((tlsCertificate === undefined) === (tlsKey === undefined)) return [];
  const [missing, given] =
    tlsCertificate === undefined ? ['tlsCertificate', 'tlsKey'] : ['tlsKey', 'tlsCertificate'];
  const allowed = 'set MEMORY_HTTP_TLS_CERTIFICATE and MEMORY_HTTP_TLS_KEY, or neither';
  return [{ key: `http.${missing}`, problem: 'is missing for HTTPS', allowed, decidedBy: `http.${given}` }];
}
