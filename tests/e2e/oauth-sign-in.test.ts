import { execFileSync } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { createServer } from 'node:https';
import { join } from 'node:path';
import { StreamableHTTPClientTransport, UnauthorizedError } from '@modelcontextprotocol/client';
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { visit } from '../helpers/auth/oauth-requests.ts';
import { connectBySignIn, RememberingProvider } from '../helpers/auth/sdk-client.ts';
import { launchSignInServer } from '../helpers/auth/sign-in-server.ts';
import type { RunningHttpServer } from '../helpers/http-server.ts';
import { httpClient } from '../helpers/http-client.ts';
import { createV2 } from '../helpers/mcp/clients.ts';
import { temporaryFolder } from '../helpers/mcp/server-environment.ts';
import { freePort } from '../helpers/servers/free-port.ts';

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

test('a client that describes itself at an https address signs in, if the settings allow a local one', async () => {
  const folder = temporaryFolder();
  const [certificate, key] = [join(folder, 'c.pem'), join(folder, 'k.pem')];
  const subject = ['-subj', '/CN=localhost', '-addext', 'subjectAltName=IP:127.0.0.1,DNS:localhost'];
  const newKey = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-keyout', key];
  const options = ['-x509', '-days', '1', ...newKey, ...subject, '-out', certificate];
  execFileSync('openssl', ['req', ...options], { stdio: 'pipe' });
  const port = await freePort();
  const documentUrl = `https://localhost:${port}/client.json`;
  const document = {
    client_id: documentUrl,
    client_name: 'Described',
    redirect_uris: ['http://127.0.0.1/callback'],
    token_endpoint_auth_method: 'none',
  };
  let reads = 0;
  const site = createServer({ cert: readFileSync(certificate), key: readFileSync(key) }, (_, response) => {
    reads += 1;
    response.setHeader('Content-Type', 'application/json').end(JSON.stringify(document));
  }).listen(port, '127.0.0.1');
  await once(site, 'listening');
  onTestFinished(() => {
    site.closeAllConnections();
    site.close();
  });
  const trusting = { NODE_EXTRA_CA_CERTS: certificate };
  const open = await launchSignInServer({ ...trusting, MEMORY_AUTH_LOCAL_CLIENTS: 'true' });
  const closed = await launchSignInServer(trusting);
  onTestFinished(async () => {
    await Promise.all([open.stop(), closed.stop()]);
  });
  const provider = new RememberingProvider({ documentUrl });
  const { call } = await connectBySignIn(open.address, person, { provider });
  expect((await call('memory_stats')).isError).toBe(false);
  expect(provider.sentTo?.searchParams.get('client_id')).toBe(documentUrl);
  expect(reads).toBe(1);
  const other = new RememberingProvider({ documentUrl });
  const refused = await connectBySignIn(closed.address, person, { provider: other }).catch(
    (error: unknown) => error,
  );
  expect(refused).toBeInstanceOf(Error);
  expect(other.known).toBeUndefined();
  expect(reads).toBe(1);
});

describe('a client whose user allowed only reading', () => {
  const readOnly = async (url: URL): Promise<URL> => (await visit(url, { scopes: [] })).url;
  const add = { name: 'memory_add', arguments: { text: 'Added after all' } };

  test('is refused with 403 and the scope that a tool needs, signs in again, and succeeds', async () => {
    const { client, provider } = await connectBySignIn(server.address, readOnly);
    expect(provider.known?.scope).toBe('memory:read');
    expect((await client.listTools()).tools.map(({ name }) => name)).not.toContain('memory_add');
    const url = new URL('/mcp', server.address);
    const transport = new StreamableHTTPClientTransport(url, { authProvider: provider });
    const second = createV2({ pin: '2026-07-28' });
    await second.connect(transport);
    provider.sentTo = undefined;
    await expect(second.callTool(add)).rejects.toBeInstanceOf(UnauthorizedError);
    const asked = provider.sentTo as URL | undefined;
    expect(asked?.searchParams.get('scope')?.split(' ')).toEqual(
      expect.arrayContaining(['memory:read', 'memory:write']),
    );
    if (asked === undefined) throw new Error('it did not send its user anywhere');
    await transport.finishAuth((await person(asked)).searchParams);
    expect(provider.known?.scope).toContain('memory:write');
    expect(JSON.stringify(await second.callTool(add))).toContain('"outcome":"added"');
    await second.close();
  });

  test.each([
    ['one call', add, 403],
    ['a batch', [{ name: 'memory_stats', arguments: {} }, add], 403],
    ['a call that changes nothing', { name: 'memory_stats', arguments: {} }, 200],
    ['an unknown tool', { name: 'memory_none', arguments: {} }, 200],
  ])('is answered by RFC 6750: %s', async (_, calls, status) => {
    const { provider } = await connectBySignIn(server.address, readOnly);
    const api = httpClient(server.address, { Authorization: `Bearer ${provider.known?.access_token ?? ''}` });
    const messages = [calls]
      .flat()
      .map((params, id) => ({ jsonrpc: '2.0', id, method: 'tools/call', params }));
    const accept = { Accept: 'application/json, text/event-stream' };
    const answer = await api.post('/mcp', Array.isArray(calls) ? messages : messages[0], accept);
    expect(answer.status).toBe(status);
    const challenge = answer.headers.get('www-authenticate') ?? '';
    if (status === 200) expect(challenge).toBe('');
    else {
      expect(challenge).toContain('error="insufficient_scope"');
      expect(challenge).toContain('scope="memory:read memory:write"');
      expect(challenge).toContain(
        `resource_metadata="${server.address}/.well-known/oauth-protected-resource/mcp"`,
      );
    }
  });
});
