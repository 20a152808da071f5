import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { type CryptoKey, exportJWK, generateKeyPair, type JWK, SignJWT } from 'jose';
import { afterEach, beforeEach, describe, expect, onTestFinished, test, vi } from 'vitest';
import { OidcAuthenticator } from '../../../src/auth/oidc-authenticator.ts';

const AUDIENCE = 'https://memory.example.org';

interface Key {
  readonly id: string;
  readonly privateKey: CryptoKey;
  readonly publicKey: JWK;
}

async function createKey(id: string): Promise<Key> {
  const { privateKey, publicKey } = await generateKeyPair('ES256');
  return {
    id,
    privateKey,
    publicKey: { ...(await exportJWK(publicKey)), kid: id, alg: 'ES256', use: 'sig' },
  };
}

/** A provider that only publishes metadata and keys. */
class KeyServer {
  keys: readonly Key[] = [];
  /** Paths that were asked for. */
  readonly asked: string[] = [];
  /** Answers instead of the usual ones. */
  answer: ((path: string) => { status: number; body?: string; location?: string } | undefined) | undefined;
  issuer = '';
  readonly #server: Server = createServer((request, response) => {
    const path = request.url ?? '';
    this.asked.push(path);
    const special = this.answer?.(path);
    if (special !== undefined) {
      const headers = special.location === undefined ? {} : { Location: special.location };
      response.writeHead(special.status, headers).end(special.body);
      return;
    }
    const metadata = { issuer: this.issuer, jwks_uri: `${this.issuer}/keys` };
    const body = path === '/keys' ? { keys: this.keys.map(({ publicKey }) => publicKey) } : metadata;
    response.setHeader('Content-Type', 'application/json').end(JSON.stringify(body));
  });

  async start(): Promise<void> {
    this.#server.listen(0, '127.0.0.1');
    await once(this.#server, 'listening');
    // It listens at a host and a port.
    this.issuer = `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  stop(): void {
    this.#server.closeAllConnections();
    this.#server.close();
  }

  reads(): number {
    return this.asked.filter((path) => path === '/keys').length;
  }

  token({ id, privateKey }: Key, seconds = 86_400): Promise<string> {
    return new SignJWT({ scope: 'memory:read', name: 'Ada Lovelace' })
      .setProtectedHeader({ alg: 'ES256', kid: id })
      .setSubject('ada')
      .setIssuer(this.issuer)
      .setAudience(AUDIENCE)
      .setExpirationTime(Math.floor(Date.now() / 1_000) + seconds)
      .sign(privateKey);
  }
}

let provider: KeyServer;
let authenticator: OidcAuthenticator;
beforeEach(async () => {
  vi.useFakeTimers({ toFake: ['Date'] });
  provider = new KeyServer();
  await provider.start();
  authenticator = new OidcAuthenticator({
    issuer: provider.issuer,
    isAudience: (audience) => audience === AUDIENCE,
    claims: { scopes: 'scope', person: 'sub', name: 'name', groups: 'groups', groupScopes: new Map() },
    introspection: undefined,
  });
});
afterEach(() => {
  provider.stop();
  vi.useRealTimers();
});

const later = (seconds: number): void => {
  vi.setSystemTime(Date.now() + seconds * 1_000);
};
const codeOf = (token: string): Promise<string> =>
  authenticator.authenticate(token).then(
    (principal) => principal?.person ?? 'unknown',
    (error: unknown) => (error as { code: string }).code,
  );

describe('the keys of a provider', () => {
  test('are read again for a token of a new key, but not at once', async () => {
    const [old, fresh] = [await createKey('old'), await createKey('fresh')];
    provider.keys = [old];
    expect(await codeOf(await provider.token(old))).toBe('ada');
    provider.keys = [old, fresh];
    later(10);
    expect(await codeOf(await provider.token(fresh))).toBe('UNAUTHORIZED');
    later(30);
    expect(await codeOf(await provider.token(fresh))).toBe('ada');
    expect(provider.reads()).toBe(2);
  });

  test('that were taken back count ten minutes longer at most', async () => {
    const [old, fresh] = [await createKey('old'), await createKey('fresh')];
    provider.keys = [old];
    const token = await provider.token(old);
    expect(await codeOf(token)).toBe('ada');
    provider.keys = [fresh];
    later(601);
    expect(await codeOf(token)).toBe('UNAUTHORIZED');
  });

  test('go on for hours while the provider gives nothing', async () => {
    const key = await createKey('one');
    provider.keys = [key];
    const token = await provider.token(key);
    expect(await codeOf(token)).toBe('ada');
    provider.answer = () => ({ status: 500 });
    for (let hour = 0; hour < 5; hour += 1) {
      later(3_600);
      expect(await codeOf(token)).toBe('ada');
    }
  });
});

describe('a provider', () => {
  test('is not followed to another address', async () => {
    const other = new KeyServer();
    await other.start();
    onTestFinished(() => {
      other.stop();
    });
    const key = await createKey('one');
    other.keys = [key];
    provider.answer = (path) =>
      path === '/keys' ? { status: 302, location: `${other.issuer}/keys` } : undefined;
    expect(await codeOf(await provider.token(key))).toBe('AUTH_UNAVAILABLE');
    expect(other.asked).toEqual([]);
  });

  test('whose answer has no end costs half a mebibyte', async () => {
    provider.answer = (path) => (path === '/keys' ? { status: 200, body: 'x'.repeat(2 ** 20) } : undefined);
    expect(await codeOf(await provider.token(await createKey('one')))).toBe('AUTH_UNAVAILABLE');
  });

  test('that calls itself by another name is refused', async () => {
    provider.answer = (path) =>
      path === '/keys'
        ? undefined
        : {
            status: 200,
            body: '{"issuer":"https://other.example.org","jwks_uri":"https://other.example.org/keys"}',
          };
    expect(await codeOf(await provider.token(await createKey('one')))).toBe('AUTH_UNAVAILABLE');
    expect(provider.reads()).toBe(0);
  });

  test('that names keys at an address without encryption is refused', async () => {
    provider.answer = (path) =>
      path === '/keys'
        ? undefined
        : {
            status: 200,
            body: JSON.stringify({ issuer: provider.issuer, jwks_uri: 'http://keys.example.org/' }),
          };
    expect(await codeOf(await provider.token(await createKey('one')))).toBe('AUTH_UNAVAILABLE');
  });

  test('that is down is asked again after a while, not for each request', async () => {
    const key = await createKey('one');
    provider.keys = [key];
    const token = await provider.token(key);
    provider.answer = () => ({ status: 503 });
    for (let time = 0; time < 5; time += 1) expect(await codeOf(token)).toBe('AUTH_UNAVAILABLE');
    expect(new Set(provider.asked).size).toBe(provider.asked.length);
    provider.answer = undefined;
    later(6);
    expect(await codeOf(token)).toBe('ada');
  });
});
