import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { visit } from '../helpers/auth/oauth-requests.ts';
import { connectBySignIn, RememberingProvider } from '../helpers/auth/sdk-client.ts';
import { launchSignInServer } from '../helpers/auth/sign-in-server.ts';
import type { RunningHttpServer } from '../helpers/http-server.ts';

let server: RunningHttpServer;
beforeAll(async () => {
  server = await launchSignInServer();
});
afterAll(async () => {
  await server.stop();
  expect(server.stderr()).not.toMatch(/Error|WARNING/);
  expect(server.stdout()).toBe('');
});

const person = async (url: URL): Promise<URL> => (await visit(url)).url;

describe('a client of SDK v2 that knows only the address', () => {
  test.each([{ pin: '2026-07-28' }, 'legacy', 'auto'] as const)('signs in and works (%o)', async (mode) => {
    const { call, provider } = await connectBySignIn(server.address, person, { mode });
    const added = await call('memory_add', { text: `Signed in as ${JSON.stringify(mode)}` });
    expect(added.isError).toBe(false);
    expect(provider.sentTo?.searchParams.get('resource')).toBe(`${server.address}/mcp`);
    expect(provider.sentTo?.searchParams.get('scope')).toContain('memory:read memory:write');
    expect(provider.known?.refresh_token).toMatch(/^\S{20,}$/);
  });

  test('goes on with its refresh token when the access token has ended', async () => {
    const { call, provider } = await connectBySignIn(server.address, person);
    const before = provider.known;
    provider.known = { ...before, access_token: 'a.b.c', token_type: 'Bearer' };
    provider.sentTo = undefined;
    expect((await call('memory_stats')).isError).toBe(false);
    expect(provider.sentTo).toBeUndefined();
    expect(provider.known.refresh_token).not.toBe(before?.refresh_token);
  });

  test('works at the path of a space as well', async () => {
    const provider = new RememberingProvider();
    await connectBySignIn(server.address, person, { provider, path: '/mcp/team' }).catch(() => undefined);
    expect(provider.sentTo?.searchParams.get('resource')).toBe(`${server.address}/mcp/team`);
    expect(provider.known?.access_token).toMatch(/^ey/);
  });
});
