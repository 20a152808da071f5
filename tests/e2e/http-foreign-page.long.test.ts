import { readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { once } from 'node:events';
import type { Browser, BrowserContext, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { hasBrowser, launchBrowser } from '../helpers/browser.ts';
import { httpClient } from '../helpers/http-client.ts';
import { type RunningHttpServer, startServer } from '../helpers/http-server.ts';

const ATTACK = readFileSync(new URL('../helpers/page/attack.mjs', import.meta.url), 'utf8');
const PAGE = `<!doctype html><title>Another page</title><body><script>${ATTACK}</script></body>`;
const SECRET = 'the memory that no other page may read';

let browser: Browser;

/** A server with one memory, whose log tells what was asked. */
async function startVictim(
  env: Record<string, string> = {},
): Promise<{ server: RunningHttpServer; id: string }> {
  const server = await startServer({
    env: { MEMORY_LOG_LEVEL: 'info', MEMORY_LOG_FORMAT: 'json', MEMORY_HTTP_RATE_LIMIT: '0', ...env },
  });
  const added = await httpClient(server.address).post('/memory/add', { text: SECRET, source: 'a' });
  return { server, id: String(added.data['id']) };
}

/** A web server of somebody else; its port. */
async function startAttacker(): Promise<number> {
  const server = createServer((_, response) => {
    response.writeHead(200, { 'Content-Type': 'text/html' }).end(PAGE);
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  const address = server.address();
  return typeof address === 'object' && address !== null ? address.port : 0;
}

async function newContext(): Promise<BrowserContext> {
  const context = await browser.newContext();
  onTestFinished(() => context.close());
  return context;
}

/** Lets a page try everything against a server. @returns what it could read */
function attack(
  page: Pick<Page, 'evaluate'>,
  { server, id }: { server: RunningHttpServer; id: string },
  target = server.address,
) {
  return page.evaluate<string[]>(`window.attack(${JSON.stringify(target)}, ${JSON.stringify(id)})`);
}

/** The server has answered many requests of the page, and did nothing but refuse them. */
async function expectUnharmed({ server, id }: { server: RunningHttpServer; id: string }): Promise<void> {
  const entries = server
    .stderr()
    .split('\n')
    .filter((line) => line.startsWith('{'))
    .map((line) => JSON.parse(line) as { route?: string; status?: number });
  // The first of them is of the test itself.
  const [, ...statuses] = entries.map(({ status }) => status).filter((status) => status !== undefined);
  expect(statuses.length).toBeGreaterThan(50);
  expect(new Set(statuses)).toEqual(new Set([403]));
  const api = httpClient(server.address);
  expect((await api.get('/stats')).data).toMatchObject({ live: 1, trash: 0 });
  expect((await api.get(`/memory/${id}`)).data).toMatchObject({ text: SECRET });
  const { backups } = (await api.get('/backups')).data as { backups: { kind: string }[] };
  // The server makes some by itself.
  expect(backups.filter(({ kind }) => kind !== 'auto')).toEqual([]);
}

describe.runIf(hasBrowser)('in a real browser', { timeout: 120_000 }, () => {
  beforeAll(async () => {
    browser = await launchBrowser([
      '--host-resolver-rules=MAP evil.test 127.0.0.1',
      // New browsers have a defence of their own; here the server must do without it.
      '--disable-features=LocalNetworkAccessChecks,BlockInsecurePrivateNetworkRequests',
    ]);
  });
  afterAll(async () => {
    await browser.close();
  });

  test.each(['127.0.0.1', 'localhost', 'evil.test'])(
    'a page of another origin reads nothing and changes nothing (http://%s)',
    async (host) => {
      const victim = await startVictim();
      const page = await (await newContext()).newPage();
      await page.goto(`http://${host}:${await startAttacker()}/`);
      expect(await attack(page, victim)).toEqual([]);
      await expectUnharmed(victim);
    },
  );

  test('a page without an origin neither', async () => {
    const victim = await startVictim();
    const page = await (await newContext()).newPage();
    await page.goto(`http://evil.test:${await startAttacker()}/`);
    const frame = page.locator('iframe#sandbox');
    await page.evaluate(`{
      const frame = Object.assign(document.createElement('iframe'), { id: 'sandbox', src: location.href });
      frame.sandbox = 'allow-scripts allow-forms';
      document.body.append(frame);
    }`);
    const handle = await (await frame.elementHandle()).contentFrame();
    if (handle === null) throw new Error('the frame has no page');
    await handle.waitForFunction('window.attack');
    expect(await handle.evaluate('self.origin')).toBe('null');
    expect(await attack(handle, victim)).toEqual([]);
    await expectUnharmed(victim);
  });

  test('a page whose name was pointed at this machine neither (DNS rebinding)', async () => {
    const victim = await startVictim();
    const { port } = new URL(victim.server.address);
    const page = await (await newContext()).newPage();
    // The attacker's server answered first, at the same port; then the name was pointed here.
    await page.route('**/first', (route) => route.fulfill({ contentType: 'text/html', body: PAGE }));
    await page.goto(`http://evil.test:${port}/first`);
    expect(await attack(page, victim, `http://evil.test:${port}`)).toEqual([]);
    const answer = await page.goto(`http://evil.test:${port}/`);
    expect(answer?.status()).toBe(403);
    await expectUnharmed(victim);
  });

  test('a link leads to the page, and to nothing else', async () => {
    const { server } = await startVictim();
    const context = await newContext();
    const foreign = `http://evil.test:${await startAttacker()}/`;
    for (const [path, status] of [
      ['/', 200],
      ['/export', 403],
      ['/memories', 403],
    ] as const) {
      const page = await context.newPage();
      await page.goto(foreign);
      const answered = page.waitForResponse(server.address + path);
      await page.evaluate(`{
        const link = Object.assign(document.createElement('a'), { href: ${JSON.stringify(server.address + path)} });
        document.body.append(link);
        link.click();
      }`);
      expect([path, (await answered).status()]).toEqual([path, status]);
    }
  });

  test('its own page, and one that the settings allow, can do what the others cannot', async () => {
    const attacker = await startAttacker();
    const origin = `http://evil.test:${attacker}`;
    const { server } = await startVictim({ MEMORY_HTTP_ALLOWED_ORIGINS: origin });
    const page = await (await newContext()).newPage();
    const add = `fetch('${server.address}/memory/add', {
      method: 'POST', headers: { 'Content-Type': 'application/json' }, body: '{"text":"from a friend"}',
    }).then((response) => response.json())`;
    const read = `fetch('${server.address}/memories').then((response) => response.text())`;
    for (const start of [`${server.address}/`, `${origin}/`]) {
      await page.goto(start);
      expect(await page.evaluate(add)).toMatchObject({ id: expect.any(String) as string });
      expect(await page.evaluate(read)).toContain(SECRET);
    }
  });
});
