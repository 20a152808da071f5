import { createServer } from 'node:http';
import { once } from 'node:events';
import { join } from 'node:path';
import { StdioClientTransport } from '@modelcontextprotocol/client/stdio';
import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { startIdentityProvider } from '../helpers/auth/identity-provider.ts';
import { answerIn, signInHere } from '../helpers/auth/browser-person.ts';
import { authorizationUrl, createPkce, registered } from '../helpers/auth/oauth-requests.ts';
import { connectBySignIn } from '../helpers/auth/sdk-client.ts';
import { launchSignInServer, PASSWORD, PERSON } from '../helpers/auth/sign-in-server.ts';
import { hasBrowser, launchBrowser } from '../helpers/browser.ts';
import { launchServer, type RunningHttpServer } from '../helpers/http-server.ts';
import { connected, createV2 } from '../helpers/mcp/clients.ts';
import { temporaryFolder } from '../helpers/mcp/server-environment.ts';
import { runProgram } from '../helpers/run-program.ts';
import { freePort } from '../helpers/servers/free-port.ts';

const MCP_REMOTE = join('node_modules', 'mcp-remote', 'dist', 'proxy.js');

let browser: Browser;
let server: RunningHttpServer;

/** A person at the development pages of the other provider. */
async function signInThere(page: Page): Promise<void> {
  await page.getByPlaceholder('Enter any login').fill('ada');
  await page.getByPlaceholder('and password').fill('any');
  await page.getByRole('button', { name: 'Sign-in' }).click();
  await page.getByRole('button', { name: 'Continue' }).click();
}

async function newPage(): Promise<Page> {
  const context = await browser.newContext();
  onTestFinished(() => context.close());
  return context.newPage();
}

/** Connects through mcp-remote, which sends its user to sign in. */
async function connectThroughRemote(address: string, answer: (page: Page) => Promise<void>) {
  const transport = new StdioClientTransport({
    command: process.execPath,
    args: [MCP_REMOTE, `${address}/mcp`, String(await freePort())],
    // Without a browser of its own.
    env: { PATH: '', HOME: temporaryFolder(), MCP_REMOTE_CONFIG_DIR: temporaryFolder() },
    stderr: 'pipe',
  });
  let said = '';
  const asked = new Promise<string>((resolve) => {
    transport.stderr?.on('data', (bytes: Buffer) => {
      said += bytes.toString();
      const url = /https?:\/\/\S+[?&]code_challenge=\S+/.exec(said)?.[0];
      if (url !== undefined && said.includes('\n', said.indexOf(url))) resolve(url);
    });
  });
  const client = createV2('legacy');
  const connecting = client.connect(transport);
  const page = await newPage();
  const url = await Promise.race([asked, connecting.then(() => '')]);
  if (url === '') throw new Error(`mcp-remote did not ask to sign in: ${said}`);
  await page.goto(url);
  await answer(page);
  await connecting;
  return connected(client);
}

describe.runIf(hasBrowser)('in Chromium', () => {
  beforeAll(async () => {
    browser = await launchBrowser();
    server = await launchSignInServer();
  });
  afterAll(async () => {
    await server.stop();
    await browser.close();
  });

  test('a person signs in and allows a client of SDK v2, and is not asked for the password again', async () => {
    const page = await newPage();
    const { call } = await connectBySignIn(server.address, (url) => answerIn(page, url, signInHere));
    expect((await call('memory_add', { text: 'Signed in with a browser' })).isError).toBe(false);
    await connectBySignIn(server.address, (url) =>
      answerIn(page, url, async (again) => {
        expect(await again.getByText('wants to use the memories of Ada').count()).toBe(1);
        await again.getByRole('button', { name: 'Allow' }).click();
      }),
    );
  });

  test('the pages break no policy and need no script', async () => {
    const context = await browser.newContext({ javaScriptEnabled: false });
    onTestFinished(() => context.close());
    const page = await context.newPage();
    const complaints: string[] = [];
    page.on('console', (message) => complaints.push(message.text()));
    const { call } = await connectBySignIn(server.address, (url) => answerIn(page, url, signInHere));
    expect((await call('memory_stats')).isError).toBe(false);
    expect(complaints).toEqual([]);
  });

  test('a wrong password and a refusal are said in words', async () => {
    const clientId = await registered(server.address);
    const url = authorizationUrl(server.address, {
      client_id: clientId,
      code_challenge: createPkce().challenge,
    });
    const page = await newPage();
    const end = await answerIn(page, url, async () => {
      await page.getByLabel('Name').fill(PERSON);
      await page.getByLabel('Password').fill('not this one');
      await page.getByRole('button', { name: 'Sign in' }).click();
      await page.getByRole('alert').getByText('The name or the password is wrong.').waitFor();
      await page.getByLabel('Name').fill(PERSON);
      await page.getByLabel('Password').fill(PASSWORD);
      await page.getByRole('button', { name: 'Sign in' }).click();
      await page.getByText('a program on this computer').waitFor();
      await page.getByRole('button', { name: 'Refuse' }).click();
    });
    expect(end.searchParams.get('error')).toBe('access_denied');
  });

  test('somebody who is invited chooses a password and signs in with it', async () => {
    const invited = await runProgram(['account', 'invite', 'Grace', '--right', 'read'], {
      dataDir: server.dataDir,
      env: { MEMORY_PUBLIC_URL: server.address },
    });
    const page = await newPage();
    await page.goto(invited.stdout.trim());
    await page.getByLabel('Password').fill('a password of Grace');
    await page.getByRole('button', { name: 'Save' }).click();
    await page.getByRole('heading', { name: 'Your password is saved' }).waitFor();
    await page.goto(invited.stdout.trim());
    await page.getByRole('heading', { name: 'This invitation does not count' }).waitFor();
    const { client } = await connectBySignIn(server.address, (url) =>
      answerIn(page, url, async () => {
        await page.getByLabel('Name').fill('grace');
        await page.getByLabel('Password').fill('a password of Grace');
        await page.getByRole('button', { name: 'Sign in' }).click();
        await page.getByRole('button', { name: 'Allow' }).click();
      }),
    );
    const { tools } = await client.listTools();
    expect(tools.map(({ name }) => name)).not.toContain('memory_add');
  });

  test('a page of another site cannot answer for the person', async () => {
    const clientId = await registered(server.address);
    const url = authorizationUrl(server.address, {
      client_id: clientId,
      code_challenge: createPkce().challenge,
    });
    const page = await newPage();
    await page.goto(url.href);
    await page.getByLabel('Name').fill(PERSON);
    await page.getByLabel('Password').fill(PASSWORD);
    await page.getByRole('button', { name: 'Sign in' }).click();
    await page.getByRole('button', { name: 'Allow' }).waitFor();
    const target = `${page.url()}/consent`;
    const evil = createServer((_, response) => {
      const fields = '<input name="decision" value="allow"><input name="scope" value="memory:write">';
      const form = `<form id="f" method="post" action="${target}">${fields}</form><script>f.submit()</script>`;
      const frame = `<iframe src="${page.url()}"></iframe>`;
      response.setHeader('Content-Type', 'text/html').end(form + frame);
    }).listen(await freePort(), '127.0.0.1');
    await once(evil, 'listening');
    onTestFinished(() => {
      evil.closeAllConnections();
      evil.close();
    });
    const address = evil.address();
    const answered = page.waitForResponse((response) => response.request().method() === 'POST');
    await page.goto(`http://127.0.0.1:${typeof address === 'object' ? (address?.port ?? 0) : 0}/`);
    expect((await answered).status()).toBe(403);
    expect(page.url()).not.toContain('code=');
  });

  test('mcp-remote signs in here', async () => {
    const { call } = await connectThroughRemote(server.address, signInHere);
    expect((await call('memory_add', { text: 'Through mcp-remote' })).isError).toBe(false);
  });

  test('mcp-remote and SDK v2 sign in at another provider', async () => {
    const idp = await startIdentityProvider();
    const own = await launchServer({
      args: ['--port', String(await freePort())],
      env: { MEMORY_AUTH: 'oidc', MEMORY_AUTH_ISSUER: idp.issuer },
    });
    onTestFinished(async () => {
      await own.stop();
      await idp.stop();
    });
    const remote = await connectThroughRemote(own.address, signInThere);
    expect((await remote.call('memory_add', { text: 'From another provider' })).isError).toBe(false);
    const page = await newPage();
    const { call } = await connectBySignIn(own.address, (url) => answerIn(page, url, signInThere));
    expect((await call('memory_search', { query: 'provider' })).text).toContain('From another provider');
  });
});
