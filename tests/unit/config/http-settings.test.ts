import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { resolveConfig } from '../../../src/config/resolve.ts';
import type { Settings } from '../../../src/config/schema.ts';
import { wordsOf } from '../../../src/config/setting.ts';
import { ConfigurationError } from '../../../src/errors/input-errors.ts';

type Environment = Readonly<Record<string, string>>;

const TOKEN = '0123456789abcdef';
const OTHER_TOKEN = 'fedcba9876543210';

function httpOf(env: Environment): Settings['http'] {
  const machine = { platform: 'linux', homeDirectory: '/home/ada', workingDirectory: '/home/ada' } as const;
  return resolveConfig({ ...machine, env }).settings.http;
}

function problemsOf(env: Environment): string[] {
  try {
    httpOf(env);
  } catch (error) {
    if (error instanceof ConfigurationError) return error.message.split('\n');
    throw error;
  }
  return [];
}

describe('the settings of the HTTP server', () => {
  test('are read from the environment', () => {
    const http = httpOf({
      MEMORY_HTTP_HOST: '0.0.0.0',
      MEMORY_HTTP_PORT: '0',
      MEMORY_HTTP_TOKEN: TOKEN,
      MEMORY_HTTP_READ_TOKEN: OTHER_TOKEN,
      MEMORY_HTTP_TLS_CERTIFICATE: '~/server.crt',
      MEMORY_HTTP_TLS_KEY: '/etc/server.key',
      MEMORY_HTTP_BODY_LIMIT_MIB: '1',
      MEMORY_HTTP_RATE_LIMIT: '0',
    });
    expect(http).toMatchObject({
      host: '0.0.0.0',
      port: 0,
      tlsCertificate: '/home/ada/server.crt',
      tlsKey: '/etc/server.key',
      bodyLimitMiB: 1,
      rateLimit: 0,
    });
    expect([http.token?.reveal(), http.readToken?.reveal()]).toEqual([TOKEN, OTHER_TOKEN]);
    expect(JSON.stringify(http)).not.toContain(TOKEN);
  });

  test.each([
    ['MEMORY_HTTP_PORT', '65536', 'allowed is an integer from 0 to 65535'],
    ['MEMORY_HTTP_PORT', '80.5', 'allowed is an integer from 0 to 65535'],
    ['MEMORY_HTTP_BODY_LIMIT_MIB', '0', 'allowed is an integer from 1 to 1024'],
    ['MEMORY_HTTP_RATE_LIMIT', '-1', 'allowed is an integer from 0 to 10000000'],
    ['MEMORY_HTTP_TLS_KEY', 'server.key', 'allowed is the path of a file'],
    ['MEMORY_LOG_FORMAT', 'xml', 'allowed is one of text, json'],
  ])('refuse %s=%s', (variable, value, message) => {
    expect(problemsOf({ [variable]: value })).toEqual([expect.stringContaining(message)]);
  });
});

describe('tokens', () => {
  test.each<[string, Environment, string]>([
    ['too short', { MEMORY_HTTP_TOKEN: TOKEN.slice(1) }, 'http.token has 15 characters'],
    [
      'with a space',
      { MEMORY_HTTP_TOKEN: `${TOKEN} ${TOKEN}` },
      'http.token has characters that no header can carry',
    ],
    [
      'with a letter of another script',
      { MEMORY_HTTP_TOKEN: `${TOKEN}é` },
      'http.token has characters that no header can carry',
    ],
    [
      'with a line feed',
      { MEMORY_HTTP_TOKEN: `${TOKEN}\nX-Other: 1` },
      'http.token has characters that no header can carry',
    ],
    [
      'to read alone',
      { MEMORY_HTTP_READ_TOKEN: TOKEN },
      'http.readToken is given without the token that allows everything',
    ],
    [
      'that are the same',
      { MEMORY_HTTP_TOKEN: TOKEN, MEMORY_HTTP_READ_TOKEN: TOKEN },
      'http.readToken is the same as http.token',
    ],
    [
      'to read that are too short',
      { MEMORY_HTTP_TOKEN: TOKEN, MEMORY_HTTP_READ_TOKEN: 'short' },
      'http.readToken has 5 characters',
    ],
  ])('%s are refused, and not shown', (_, env, message) => {
    const [first = '', ...others] = problemsOf(env);
    expect(first).toContain(message);
    expect(others).toEqual([]);
    expect(first).not.toContain(TOKEN.slice(1));
  });
});

describe('a certificate and its key', () => {
  test.each([
    ['MEMORY_HTTP_TLS_CERTIFICATE', 'http.tlsKey is missing for HTTPS'],
    ['MEMORY_HTTP_TLS_KEY', 'http.tlsCertificate is missing for HTTPS'],
  ])('belong together: %s alone', (variable, message) => {
    const [first] = problemsOf({ [variable]: '/etc/file.pem' });
    expect(first).toContain(message);
    expect(first).toContain(variable);
  });
});

describe('names and origins', () => {
  test('are lists with commas, in the form that browsers send', () => {
    const http = httpOf({
      MEMORY_HTTP_ALLOWED_HOSTS: ' Memory.Home.ARPA:8765 ,nas.local,, ',
      MEMORY_HTTP_ALLOWED_ORIGINS: 'HTTPS://Notes.Example.org:443/ , http://localhost:5173',
    });
    expect(wordsOf(http.allowedHosts)).toEqual(['memory.home.arpa', 'nas.local']);
    expect(wordsOf(http.allowedOrigins)).toEqual(['https://notes.example.org', 'http://localhost:5173']);
  });

  test.each([
    '*',
    'null',
    'notes.example.org',
    'https://',
    'https://a/path',
    'https://a?b',
    'https://u@a',
    'ftp://a',
    'file:///',
    'https://a b',
  ])('no origin is %j', (origin) => {
    expect(problemsOf({ MEMORY_HTTP_ALLOWED_ORIGINS: `https://notes.example.org,${origin}` })).toEqual([
      expect.stringContaining('http.allowedOrigins is'),
    ]);
  });

  test('that are accepted are exactly what a page of that address sends', () => {
    fc.assert(
      fc.property(fc.webUrl({ validSchemes: ['http', 'https'], size: 'small' }), (address) => {
        const { origin } = new URL(address);
        expect(wordsOf(httpOf({ MEMORY_HTTP_ALLOWED_ORIGINS: origin }).allowedOrigins)).toEqual([origin]);
      }),
    );
  });
});

describe('sign-in', () => {
  const OIDC = { MEMORY_AUTH: 'oidc', MEMORY_AUTH_ISSUER: 'https://login.example.org/realms/team' };

  test.each<[string, Environment, string]>([
    ['oidc without an issuer', { MEMORY_AUTH: 'oidc' }, 'auth.issuer is missing for oidc'],
    [
      'no public address while listening to the network',
      { ...OIDC, MEMORY_HTTP_HOST: '0.0.0.0' },
      'auth.publicUrl is missing for sign-in',
    ],
    ['no public address and a free port', { ...OIDC, MEMORY_HTTP_PORT: '0' }, 'auth.publicUrl is missing'],
    [
      'a public address without TLS',
      { MEMORY_AUTH: 'embedded', MEMORY_PUBLIC_URL: 'http://memory.example.org' },
      'auth.publicUrl is "http://memory.example.org", which anyone on the way can read',
    ],
    [
      'an issuer without TLS',
      { ...OIDC, MEMORY_AUTH_ISSUER: 'http://login.example.org' },
      'auth.issuer is "http://login.example.org", which anyone on the way can read',
    ],
    [
      'a public address with a path',
      { ...OIDC, MEMORY_PUBLIC_URL: 'https://example.org/memory' },
      'auth.publicUrl is "https://example.org/memory"',
    ],
    [
      'an unknown scope of a group',
      { ...OIDC, MEMORY_AUTH_GROUP_SCOPES: 'admins=memory:all' },
      'auth.groupScopes is "admins=memory:all"',
    ],
    ['a client id alone', { ...OIDC, MEMORY_AUTH_CLIENT_ID: 'memory' }, 'auth.clientSecret is missing'],
  ])('refuses %s', (_, env, problem) => {
    expect(problemsOf(env)).toEqual([expect.stringContaining(problem)]);
  });

  test('needs nothing but an issuer on this machine itself', () => {
    expect(problemsOf({ ...OIDC, MEMORY_AUTH_ISSUER: 'http://127.0.0.1:8080' })).toEqual([]);
    expect(problemsOf({ MEMORY_AUTH: 'embedded' })).toEqual([]);
  });

  test('keeps the slash at the end of an issuer, which is part of its name', () => {
    const machine = { platform: 'linux', homeDirectory: '/home/ada', workingDirectory: '/home/ada' } as const;
    const env = { ...OIDC, MEMORY_AUTH_ISSUER: 'https://login.example.org/application/o/memory/' };
    expect(resolveConfig({ ...machine, env }).settings.auth.issuer).toBe(env.MEMORY_AUTH_ISSUER);
  });
});
