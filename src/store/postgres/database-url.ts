import { X509Certificate } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { userInfo } from 'node:os';
import { type ConnectionOptions, createSecureContext } from 'node:tls';
import { FaissMemoryError } from '../../errors/faiss-memory-error.ts';
import { reasonOf } from '../../util/caught.ts';

/** One server that an address names. */
export interface DatabaseHost {
  /** A name, an IP address, or the folder of a Unix socket. */
  readonly host: string;
  readonly port: number;
}

/** The address of a database, as libpq reads it, as far as it is supported. */
export interface DatabaseAddress {
  /** At least one; tried in this order. */
  readonly hosts: readonly DatabaseHost[];
  readonly user: string;
  readonly password: string | undefined;
  readonly database: string;
  /** False = no TLS. Unix sockets never have it. */
  readonly tls: false | ConnectionOptions;
  /** Whether a password is bound to the TLS connection, so that a server in the middle cannot pass it on. */
  readonly channelBinding: (typeof BINDINGS)[number];
  /** True = servers that are read-only are left out. */
  readonly writable: boolean;
  /** The name of the connections in lists of the server. */
  readonly applicationName: string;
  /** Milliseconds. */
  readonly connectTimeoutMs: number;
  /** The address without the password and the parameters, for messages. */
  readonly location: string;
}

const SHAPE = /^postgres(?:ql)?:\/\/(?:([^@/?#]*)@)?([^/?#]*)(?:\/([^?#]*))?(?:\?([^#]*))?$/;
const DEFAULT_PORT = 5_432;
const CONNECT_TIMEOUT_S = 3;
const MODES = ['disable', 'require', 'verify-ca', 'verify-full'] as const;
const SESSIONS = ['any', 'read-write', 'primary'] as const;
const BINDINGS = ['disable', 'prefer', 'require'] as const;
const KNOWN = [
  'host',
  'port',
  'user',
  'password',
  'dbname',
  'sslmode',
  'sslrootcert',
  'sslcert',
  'sslkey',
  'target_session_attrs',
  'connect_timeout',
  'channel_binding',
  'application_name',
] as const;

/**
 * Reads `postgres://user:password@host:port,host:port/database?sslmode=verify-full&sslrootcert=/file`.
 * `sslmode` defaults to `verify-full`, and to `disable` for this machine itself.
 * @throws FaissMemoryError `CONFIGURATION`, without the password
 */
export function parseDatabaseUrl(url: string): DatabaseAddress {
  const match = SHAPE.exec(url.trim());
  if (match === null)
    throw wrong('is not an address', 'write postgres://user:password@host:5432/database?sslmode=verify-full');
  const [, credentials = '', places = '', path = '', query = ''] = match;
  const parameters = readParameters(query);
  if (`${places}${path}`.includes('@')) throw unquoted();
  const [user, password] = splitOnce(credentials, ':').map(decoded);
  const hosts = readHosts(parameters.get('host') ?? places, parameters.get('port'));
  const name = parameters.get('user') ?? (user === undefined || user === '' ? userInfo().username : user);
  const database = parameters.get('dbname') ?? (path === '' ? name : decoded(path));
  // A standby among several servers would refuse all writes as long as it answers.
  const usual = hosts.length > 1 ? 'read-write' : 'any';
  const session = oneOf('target_session_attrs', parameters.get('target_session_attrs') ?? usual, SESSIONS);
  const tls = readTls(parameters, hosts);
  return {
    hosts,
    user: name,
    password: parameters.get('password') ?? password,
    database,
    tls,
    channelBinding: readBinding(parameters, tls),
    writable: session !== 'any',
    applicationName: parameters.get('application_name') ?? 'faiss-memory',
    connectTimeoutMs: seconds(parameters.get('connect_timeout')) * 1_000,
    location: `postgres://${hosts.map(({ host, port }) => `${host}:${port}`).join(',')}/${database}`,
  };
}

function readParameters(query: string): Map<string, string> {
  const parameters = new Map<string, string>();
  for (const part of query.split('&').filter((text) => text !== '')) {
    const [name = '', value = ''] = splitOnce(part, '=').map(decoded);
    if (!KNOWN.some((known) => known === name)) {
      // It may be the rest of a password.
      if (query.includes('@')) throw unquoted();
      throw wrong(`has the parameter ${name}`, `the parameters are ${KNOWN.join(', ')}`);
    }
    if (parameters.has(name)) throw wrong(`has the parameter ${name} twice`, 'give each parameter once');
    parameters.set(name, value);
  }
  return parameters;
}

function readHosts(places: string, ports: string | undefined): DatabaseHost[] {
  const given = ports?.split(',') ?? [];
  return (places === '' ? 'localhost' : places).split(',').map((place, index) => {
    const [, host = '', written = ''] = /^(\[[^\]]*\]|[^:]*)(?::(.*))?$/.exec(decoded(place)) ?? [];
    const text = written === '' ? (given[index] ?? given[0] ?? String(DEFAULT_PORT)) : written;
    const port = Number(text);
    // The port is not shown: where an @ was forgotten, it is the password.
    if (host === '' || !/^\d+$/.test(text) || port < 1 || port > 65_535)
      throw wrong(
        `has a wrong host or port as number ${index + 1} of its list`,
        'each host is a name or address, an IPv6 address in brackets, with a port from 1 to 65535',
      );
    return { host: host.replace(/^\[(.*)\]$/, '$1'), port };
  });
}

/** Modes as libpq has them: `require` encrypts and checks nothing unless a root certificate is given. */
function readTls(parameters: Map<string, string>, hosts: readonly DatabaseHost[]): false | ConnectionOptions {
  const given = parameters.get('sslmode') ?? (hosts.every(isHere) ? 'disable' : 'verify-full');
  if (given === 'prefer' || given === 'allow') {
    const fix = 'write sslmode=require to encrypt, verify-full to know the server too, or disable';
    throw wrong(`has sslmode=${given}, which goes on without TLS where there is none`, fix);
  }
  const mode = oneOf('sslmode', given, MODES);
  if (mode === 'disable') return false;
  const root = parameters.get('sslrootcert');
  const certificate = parameters.get('sslcert');
  const key = parameters.get('sslkey');
  if ((certificate === undefined) !== (key === undefined))
    throw wrong('has one of sslcert and sslkey', 'give both, or none');
  return {
    ...(root === undefined || root === 'system' ? {} : { ca: readPem('sslrootcert', root) }),
    ...(certificate === undefined || key === undefined ? {} : readPair(certificate, key)),
    rejectUnauthorized: mode !== 'require' || root !== undefined,
    // Without the name of the server in the certificate.
    ...(mode === 'verify-full' ? {} : { checkServerIdentity: () => undefined }),
  };
}

function readBinding(
  parameters: Map<string, string>,
  tls: false | ConnectionOptions,
): DatabaseAddress['channelBinding'] {
  const binding = oneOf('channel_binding', parameters.get('channel_binding') ?? 'disable', BINDINGS);
  if (tls !== false) return binding;
  if (binding === 'require')
    throw wrong('has channel_binding=require without TLS', 'write sslmode=verify-full');
  return 'disable';
}

function isHere({ host }: DatabaseHost): boolean {
  return host.startsWith('/') || host === 'localhost' || host === '127.0.0.1' || host === '::1';
}

/** Of this program, for servers that want one. */
function readPair(certificate: string, key: string): { readonly cert: string; readonly key: string } {
  const cert = readPem('sslcert', certificate);
  const pair = { cert, key: readText('sslkey', key) };
  try {
    createSecureContext(pair);
    return pair;
  } catch (error) {
    throw wrong(
      `has sslkey=${key}, which is not the key of sslcert (${reasonOf(error)})`,
      'name the PEM file of its key, without a passphrase',
    );
  }
}

/** Text of a file of certificates. */
function readPem(parameter: string, path: string): string {
  const text = readText(parameter, path);
  // Node.js takes a file without any for one that trusts no authority.
  try {
    new X509Certificate(text);
    return text;
  } catch (error) {
    throw wrong(
      `has ${parameter}=${path}, which has no certificate (${reasonOf(error)})`,
      'name a PEM file of certificates',
    );
  }
}

function readText(parameter: string, path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    throw wrong(
      `has ${parameter}=${path}, which cannot be read (${reasonOf(error)})`,
      'name a readable PEM file',
    );
  }
}

function seconds(text: string | undefined): number {
  const number = Number(text ?? CONNECT_TIMEOUT_S);
  if (Number.isInteger(number) && number >= 1 && number <= 60) return number;
  throw wrong(`has connect_timeout=${text ?? ''}`, 'allowed are 1 to 60 seconds');
}

function oneOf<Name extends string>(parameter: string, value: string, names: readonly Name[]): Name {
  const found = names.find((name) => name === value);
  if (found !== undefined) return found;
  throw wrong(`has ${parameter}=${value}`, `allowed are ${names.join(', ')}`);
}

function splitOnce(text: string, separator: string): string[] {
  const at = text.indexOf(separator);
  return at < 0 ? [text] : [text.slice(0, at), text.slice(at + separator.length)];
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    throw wrong('has a part with a wrong % sign', 'write % itself as %25');
  }
}

/** The part itself is not shown: it may be of the password. */
function unquoted(): FaissMemoryError {
  return wrong(
    'has an @ that does not end the user and password',
    'in a user or password, write @ as %40, / as %2F, ? as %3F, # as %23, : as %3A and % as %25',
  );
}

function wrong(problem: string, allowed: string): FaissMemoryError {
  return new FaissMemoryError('CONFIGURATION', `The address of the database ${problem}`, {
    fix: `Correct MEMORY_DATABASE_URL: ${allowed}.`,
  });
}
