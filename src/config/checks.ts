import { posix, win32 } from 'node:path';
import type { ConfigurationProblem } from '../errors/input-errors.ts';
import type { SecretString } from '../util/secret-string.ts';
import type { Settings } from './schema.ts';
import { describeSource, type SettingSource, show } from './sources.ts';

/** A contradiction between settings, each of which is valid alone. */
interface SettingProblem extends Omit<ConfigurationProblem, 'source'> {
  /** Key of the setting that causes the problem; its source is shown. */
  readonly decidedBy: string;
}

export function toConfigurationProblem(
  { decidedBy, ...problem }: SettingProblem,
  sources: Readonly<Record<string, SettingSource>>,
): ConfigurationProblem {
  return { ...problem, source: describeSource(sources[decidedBy] ?? { kind: 'default' }) };
}

/** Contradictions between the settings of the model, each of which is valid alone. */
export function findEmbeddingProblems({ embedding }: Settings): SettingProblem[] {
  if (embedding.provider !== 'local' || embedding.modelDirectory !== undefined) return [];
  const allowed =
    'name one with "faiss-memory model use <folder>" or MEMORY_EMBEDDING_MODEL_DIRECTORY, or set MEMORY_EMBEDDING_PROVIDER=bundled';
  const decidedBy = 'embedding.provider';
  return [{ key: 'embedding.modelDirectory', problem: 'is missing for a local model', allowed, decidedBy }];
}

/** A shared database needs its address. */
export function findStoreProblems({ store, database, team }: Settings): SettingProblem[] {
  if (store === 'postgres' && team.enabled && database.space !== 'default') {
    const problem = `is ${show(database.space)}, and the people of a team have spaces of their own`;
    const allowed = 'unset MEMORY_DATABASE_SPACE; two teams in one database differ by MEMORY_DATABASE_SCHEMA';
    return [{ key: 'database.space', problem, allowed, decidedBy: 'database.space' }];
  }
  if (store !== 'postgres' || database.url !== undefined) return [];
  const allowed =
    'set MEMORY_DATABASE_URL, for example postgres://user:password@host:5432/database?sslmode=verify-full';
  return [
    { key: 'database.url', problem: 'is missing for MEMORY_STORE=postgres', allowed, decidedBy: 'store' },
  ];
}

type Http = Settings['http'];

const MIN_TOKEN_LENGTH = 16;

/** Contradictions between the settings of the HTTP server, each of which is valid alone. */
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
    const allowed = 'allowed are visible ASCII characters, for example the output of "openssl rand -hex 32"';
    return [{ key, problem: 'has characters that no header can carry', allowed, decidedBy: key }];
  }
  if (secret.length >= MIN_TOKEN_LENGTH) return [];
  const allowed = `allowed are ${MIN_TOKEN_LENGTH} or more, for example the output of "openssl rand -hex 32"`;
  return [{ key, problem: `has ${secret.length} characters`, allowed, decidedBy: key }];
}

function sameTokens({ token, readToken }: Http): SettingProblem[] {
  const key = 'http.readToken';
  if (readToken === undefined) return [];
  if (token === undefined) {
    const allowed = 'set MEMORY_HTTP_TOKEN too, because no client could write without it';
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

/** Contradictions between the settings of sign-in, each of which is valid alone. */
export function findAuthProblems({ auth, http }: Settings): SettingProblem[] {
  const { mode, publicUrl, issuer, clientId, clientSecret } = auth;
  const decidedBy = 'auth.mode';
  if (mode === 'token') return [];
  const problems: SettingProblem[] = [];
  if (publicUrl === undefined && (!isLoopback(http.host) || http.port === 0)) {
    const allowed = 'set MEMORY_PUBLIC_URL to the address at which clients reach this server';
    problems.push({ key: 'auth.publicUrl', problem: 'is missing for sign-in', allowed, decidedBy });
  }
  for (const [key, address] of [
    ['auth.publicUrl', publicUrl],
    ['auth.issuer', mode === 'oidc' ? issuer : undefined],
  ] as const) {
    if (address === undefined || new URL(address).protocol === 'https:') continue;
    if (isLoopback(new URL(address).hostname)) continue;
    const allowed = 'allowed is an address with https:, or one of this machine itself';
    problems.push({
      key,
      problem: `is ${show(address)}, which anyone on the way can read`,
      allowed,
      decidedBy: key,
    });
  }
  problems.push(...shortSecret(auth));
  if (mode === 'oidc' && issuer === undefined) {
    const allowed = 'set MEMORY_AUTH_ISSUER to the issuer of the identity provider';
    problems.push({ key: 'auth.issuer', problem: 'is missing for oidc', allowed, decidedBy });
  }
  if ((clientId === undefined) !== (clientSecret === undefined)) {
    const allowed = 'set MEMORY_AUTH_CLIENT_ID and MEMORY_AUTH_CLIENT_SECRET, or neither';
    const [missing, given] =
      clientId === undefined ? ['clientId', 'clientSecret'] : ['clientSecret', 'clientId'];
    problems.push({ key: `auth.${missing}`, problem: 'is missing', allowed, decidedBy: `auth.${given}` });
  }
  return problems;
}

const MIN_AUTH_SECRET = 32;

function shortSecret({ secret }: Settings['auth']): SettingProblem[] {
  const { length } = secret?.reveal() ?? { length: Infinity };
  if (length >= MIN_AUTH_SECRET) return [];
  const key = 'auth.secret';
  const allowed = `allowed are ${MIN_AUTH_SECRET} or more, for example the output of "openssl rand -hex 32"`;
  return [{ key, problem: `has ${length} characters`, allowed, decidedBy: key }];
}

function isLoopback(host: string): boolean {
  return /^(?:localhost|127(?:\.\d{1,3}){3}|\[?::1\]?)$/i.test(host);
}

/** Contradictions between the settings of sync, each of which is valid alone. */
export function findSyncProblems({ sync }: Settings): SettingProblem[] {
  const checks = [bucketProblem(sync), keysProblem(sync), accountProblem(sync), endpointProblem(sync)];
  return [...unusedSettings(sync), ...checks.filter((found) => found !== undefined)];
}

type Sync = Settings['sync'];

function bucketProblem({ enabled, provider, bucket }: Sync): SettingProblem | undefined {
  const key = 'sync.bucket';
  if (bucket === '') {
    if (!enabled) return undefined;
    const target = provider === 'folder' ? 'the path of an existing folder' : 'the name of a bucket';
    const allowed = `set CLOUD_SYNC_BUCKET to ${target}, or CLOUD_SYNC_ENABLED=false`;
    return { key, problem: 'is missing, and sync is on', allowed, decidedBy: 'sync.enabled' };
  }
  const isPath = posix.isAbsolute(bucket) || win32.isAbsolute(bucket);
  if (provider === 'folder' && !isPath) {
    const allowed = 'with CLOUD_SYNC_PROVIDER=folder set CLOUD_SYNC_BUCKET to the absolute path of a folder';
    return { key, problem: `is ${show(bucket)}`, allowed, decidedBy: key };
  }
  if (provider !== 'folder' && isPath) {
    const allowed = 'set CLOUD_SYNC_BUCKET to the name of a bucket, or CLOUD_SYNC_PROVIDER=folder';
    return { key, problem: `is the path ${show(bucket)}`, allowed, decidedBy: key };
  }
  return undefined;
}

/** The settings that only one way to a remote knows: with another one something was meant that does not happen. */
const ONLY_WITH = {
  sasToken: ['azure', 'CLOUD_SYNC_SAS_TOKEN'],
  connectionString: ['azure', 'CLOUD_SYNC_CONNECTION_STRING'],
  keyFile: ['gcs', 'CLOUD_SYNC_KEY_FILE'],
  projectId: ['gcs', 'CLOUD_SYNC_PROJECT_ID'],
} as const satisfies Partial<Record<keyof Sync, readonly [provider: Sync['provider'], variable: string]>>;

function unusedSettings(sync: Sync): SettingProblem[] {
  const { provider, sessionToken } = sync;
  const names = Object.keys(ONLY_WITH) as (keyof typeof ONLY_WITH)[];
  const foreign = names.flatMap((name): SettingProblem[] => {
    const [only, variable] = ONLY_WITH[name];
    if (sync[name] === undefined || provider === only) return [];
    const allowed = `unset ${variable}, or set CLOUD_SYNC_PROVIDER=${only}`;
    return [unused(`sync.${name}`, provider, allowed)];
  });
  if (sessionToken === undefined || !['gcs', 'azure', 'folder'].includes(provider)) return foreign;
  return [...foreign, unused('sync.sessionToken', provider, 'unset CLOUD_SYNC_SESSION_TOKEN')];
}

function unused(key: string, provider: string, allowed: string): SettingProblem {
  return { key, problem: `is not used by the provider ${provider}`, allowed, decidedBy: key };
}

function keysProblem(sync: Sync): SettingProblem | undefined {
  const { provider, accessKey, secretKey, sessionToken } = sync;
  if (provider === 'gcs' && (accessKey !== undefined || secretKey !== undefined)) {
    const allowed =
      'unset it and name the key file of a service account in CLOUD_SYNC_KEY_FILE; for a pair of HMAC keys set CLOUD_SYNC_PROVIDER=gcs-s3';
    return unused(accessKey === undefined ? 'sync.secretKey' : 'sync.accessKey', provider, allowed);
  }
  if (provider === 'azure' && (sync.sasToken !== undefined || sync.connectionString !== undefined)) {
    return azureProblem(sync);
  }
  if (sessionToken !== undefined && accessKey === undefined && secretKey === undefined) {
    const allowed =
      'set CLOUD_SYNC_ACCESS_KEY and CLOUD_SYNC_SECRET_KEY too, or unset CLOUD_SYNC_SESSION_TOKEN';
    const problem = 'is missing beside the session token';
    return { key: 'sync.accessKey', problem, allowed, decidedBy: 'sync.sessionToken' };
  }
  if ((accessKey === undefined) === (secretKey === undefined)) return undefined;
  const [missing, given] =
    accessKey === undefined ? (['access', 'secret'] as const) : (['secret', 'access'] as const);
  const variable = `CLOUD_SYNC_${missing.toUpperCase()}_KEY`;
  const other = `CLOUD_SYNC_${given.toUpperCase()}_KEY`;
  return {
    key: `sync.${missing}Key`,
    problem: `is missing beside the ${given} key`,
    allowed: `set ${variable} (or ${variable}_FILE) too, or unset ${other}`,
    decidedBy: `sync.${given}Key`,
  };
}

/** Instead of the account key: one of the two others, and nothing that it would leave unused. */
function azureProblem(sync: Sync): SettingProblem | undefined {
  const { connectionString, sasToken, accessKey, endpoint } = sync;
  const decidedBy = connectionString === undefined ? 'sync.sasToken' : 'sync.connectionString';
  const others = ['accessKey', 'secretKey', 'sasToken', 'endpoint'] as const;
  const excluded = connectionString === undefined ? (['secretKey'] as const) : others;
  const beside = excluded.find((name) => sync[name] !== undefined);
  if (beside !== undefined) {
    const whole = connectionString === undefined ? 'a shared access signature' : 'a connection string';
    const problem = `is not used beside ${whole}`;
    return { key: `sync.${beside}`, problem, allowed: 'unset one of the two', decidedBy };
  }
  if (sasToken === undefined || accessKey !== undefined || endpoint !== undefined) return undefined;
  const allowed =
    'set CLOUD_SYNC_ACCESS_KEY to the name of the storage account, or CLOUD_SYNC_ENDPOINT to its address';
  return {
    key: 'sync.accessKey',
    problem: 'is missing beside the shared access signature',
    allowed,
    decidedBy,
  };
}

function accountProblem(sync: Sync): SettingProblem | undefined {
  const { enabled, provider, accessKey, accountId, endpoint } = sync;
  if (!enabled) return undefined;
  const other = sync.sasToken ?? sync.connectionString;
  if (provider === 'azure' && accessKey === undefined && other === undefined) {
    const allowed =
      'set CLOUD_SYNC_ACCESS_KEY to the name of the storage account and CLOUD_SYNC_SECRET_KEY to one of its keys or CLOUD_SYNC_SAS_TOKEN to a signature, or set CLOUD_SYNC_CONNECTION_STRING';
    return { key: 'sync.accessKey', problem: 'is missing', allowed, decidedBy: 'sync.provider' };
  }
  if (provider === 'r2' && accountId === undefined && endpoint === undefined) {
    const allowed = 'set MEMORY_SYNC_ACCOUNT_ID, or CLOUD_SYNC_ENDPOINT to the address that contains it';
    return { key: 'sync.accountId', problem: 'is missing', allowed, decidedBy: 'sync.provider' };
  }
  return undefined;
}

const OWN_SERVERS: readonly string[] = ['minio', 'ceph', 'idrive', 'other'];

function endpointProblem({ enabled, provider, endpoint }: Sync): SettingProblem | undefined {
  if (!enabled || endpoint !== undefined || !OWN_SERVERS.includes(provider)) return undefined;
  const allowed = `set CLOUD_SYNC_ENDPOINT to the address of the server, for example http://127.0.0.1:9000`;
  return { key: 'sync.endpoint', problem: `is missing for ${provider}`, allowed, decidedBy: 'sync.provider' };
}
