import { describe, expect, test } from 'vitest';
import { everyRoute } from '../helpers/every-route.ts';
import { startServer } from '../helpers/http-server.ts';
import { sendRaw } from '../helpers/raw-request.ts';

describe('a request of a page that the settings allow', () => {
  const origin = 'https://notes.example.org';

  test('is answered with CORS headers, its preflight and its errors too', async () => {
    const { address } = await startServer({
      env: { MEMORY_HTTP_ALLOWED_ORIGINS: `${origin}/, http://other.test` },
    });
    const preflight = await sendRaw(address, {
      method: 'OPTIONS',
      path: '/memory/add',
      headers: { Origin: origin, 'Access-Control-Request-Method': 'POST' },
    });
    expect(preflight.status).toBe(204);
    expect(preflight.headers).toMatchObject({
      'access-control-allow-origin': origin,
      'access-control-allow-methods': 'GET,POST,PATCH,DELETE',
      vary: expect.stringContaining('Origin') as string,
    });
    expect(preflight.headers['access-control-allow-headers']).toContain('Authorization');
    expect(preflight.headers).not.toHaveProperty('access-control-allow-credentials');
    for (const path of ['/stats', '/no/such/path', '/memories?limit=0', '/health']) {
      const answer = await sendRaw(address, { method: 'GET', path, headers: { Origin: origin } });
      expect(answer.headers).toMatchObject({
        'access-control-allow-origin': origin,
        'cross-origin-resource-policy': 'cross-origin',
      });
      expect(answer.headers['access-control-expose-headers']).toContain('X-Request-Id');
    }
  });

  test('is still refused from any other origin', async () => {
    const { address } = await startServer({ env: { MEMORY_HTTP_ALLOWED_ORIGINS: origin } });
    for (const other of [
      'http://notes.example.org',
      'https://notes.example.org:8443',
      'https://example.org',
      'null',
    ]) {
      const answer = await sendRaw(address, { method: 'GET', path: '/stats', headers: { Origin: other } });
      expect(answer.status).toBe(403);
      expect(answer.text).toContain('ORIGIN_NOT_ALLOWED');
      expect(answer.headers).not.toHaveProperty('access-control-allow-origin');
    }
  });
});

describe('security headers', () => {
  test('are in every answer, refused or not', async () => {
    const { address } = await startServer();
    const routes = (await everyRoute(address)).filter(({ path }) => path !== '/sse');
    for (const { method, path, headers, body } of routes) {
      for (const more of [{}, { Origin: 'http://evil.test' }, { Host: 'evil.test' }]) {
        const request = {
          method,
          path,
          headers: { ...headers, ...more },
          ...(body === undefined ? {} : { body }),
        };
        const answer = await sendRaw(address, request);
        expect(answer.headers, `${method} ${path}`).toMatchObject({
          'cache-control': expect.stringMatching(/^no-(store|cache)/) as string,
          'content-security-policy': expect.stringMatching(
            /^default-src 'none'; script-src 'self'; /,
          ) as string,
          'cross-origin-opener-policy': 'same-origin',
          'cross-origin-resource-policy': 'same-origin',
          'referrer-policy': 'no-referrer',
          'x-content-type-options': 'nosniff',
          'x-frame-options': 'DENY',
        });
        for (const name of ['x-powered-by', 'server', 'strict-transport-security']) {
          expect(answer.headers).not.toHaveProperty(name);
        }
      }
    }
  });
});
