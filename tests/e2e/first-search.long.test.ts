import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { hasBrowser, launchBrowser } from '../helpers/browser.ts';
import { startServer } from '../helpers/http-server.ts';
import { RawServer } from '../helpers/mcp/raw-server.ts';
import { temporaryFolder, WITH_MODEL } from '../helpers/mcp/server-environment.ts';
import { entry, openPageWith } from '../helpers/page/open-with.ts';
import { runProgram } from '../helpers/run-program.ts';
import { sendJson } from '../helpers/send-json.ts';

const TEA = 'Ada drinks no coffee, only tea';
const INVOICE = 'The beverage invoice goes to Berlin';
/** One word of it is in the other memory. */
const QUESTION = 'favourite hot beverage of Ada';

/** A folder whose memories have their embeddings, so that no server loads the model for them. */
async function embeddedMemories(): Promise<string> {
  const dataDir = temporaryFolder();
  for (const text of [TEA, INVOICE]) {
    const { stdout } = await runProgram(['add', text], { dataDir, env: WITH_MODEL });
    expect(stdout).not.toContain('no embedding');
  }
  return dataDir;
}

async function isModelReady(address: string): Promise<boolean> {
  const stats = (await (await fetch(`${address}/stats`)).json()) as { embedding: { ready: boolean } };
  return stats.embedding.ready;
}

let lastId = 0;

async function mcp(address: string, method: string, params: object = {}): Promise<Record<string, unknown>> {
  lastId += 1;
  const response = await fetch(`${address}/mcp`, {
    method: 'POST',
    headers: { 'Content-Type': 'application/json', Accept: 'application/json' },
    body: JSON.stringify({ jsonrpc: '2.0', id: lastId, method, params }),
  });
  return ((await response.json()) as { result: Record<string, unknown> }).result;
}

const HELLO = {
  protocolVersion: '2025-06-18',
  capabilities: {},
  clientInfo: { name: 'tests', version: '1' },
};

/** Long enough for a model that loads on a busy machine. */
const LOADED = { timeout: 60_000 };

test('a list of tools begins to load the model, hello does not, and the first search is by meaning', async () => {
  const dataDir = await embeddedMemories();
  const env = { ...WITH_MODEL, MEMORY_EMBEDDING_IDLE_UNLOAD_MINUTES: '0.1' };
  const { address } = await startServer({ dataDir, env });
  await mcp(address, 'initialize', HELLO);
  expect(await isModelReady(address)).toBe(false);
  await mcp(address, 'tools/list');
  await expect.poll(() => isModelReady(address), LOADED).toBe(true);
  const { structuredContent } = await mcp(address, 'tools/call', {
    name: 'memory_search',
    arguments: { query: QUESTION },
  });
  expect(structuredContent).toMatchObject({ mode: 'hybrid', hits: expect.any(Array) as unknown });
  const { hits } = structuredContent as { hits: { text: string; similarity?: number }[] };
  expect(hits.find(({ text }) => text === TEA)?.similarity).toBeGreaterThan(0);
  // An idle server gives the memory back, although somebody looks at its numbers.
  await expect.poll(() => isModelReady(address), LOADED).toBe(false);
});

test('an empty store loads no model for a list or for the page', async () => {
  const { address } = await startServer({ env: WITH_MODEL });
  await mcp(address, 'tools/list');
  await fetch(`${address}/memories`);
  const { structuredContent } = await mcp(address, 'tools/call', { name: 'memory_stats', arguments: {} });
  expect(structuredContent).toMatchObject({ live: 0, embedding: { ready: false } });
});

test('opening the page begins to load the model too', async () => {
  const { address } = await startServer({ dataDir: await embeddedMemories(), env: WITH_MODEL });
  await fetch(`${address}/memories`);
  await expect.poll(() => isModelReady(address), LOADED).toBe(true);
});

test('over stdio, any call of a tool begins to load it', async () => {
  const server = new RawServer(await embeddedMemories(), WITH_MODEL);
  await server.initialize();
  const isReady = async (): Promise<unknown> => {
    const { data } = await server.call('memory_stats');
    return (data['embedding'] as { ready: boolean }).ready;
  };
  await expect.poll(isReady, LOADED).toBe(true);
  const { data } = await server.call('memory_search', { query: QUESTION });
  expect(data['mode']).toBe('hybrid');
});

test('a model that cannot load leaves answers by words, which say why', async () => {
  const dataDir = await embeddedMemories();
  const env = { ...WITH_MODEL, MEMORY_EMBEDDING_MODEL_DIRECTORY: temporaryFolder() };
  const server = new RawServer(dataDir, env);
  await server.initialize();
  await server.request('tools/list');
  const { data } = await server.call('memory_search', { query: QUESTION });
  expect(data).toMatchObject({ mode: 'keyword' });
  expect((data['hits'] as object[]).length).toBeGreaterThan(0);
  expect(data['note']).toMatch(/^Hits are by words only, because search by meaning failed: /);
});

describe.runIf(hasBrowser)('the page', () => {
  let browser: Browser;
  beforeAll(async () => {
    browser = await launchBrowser();
  });
  afterAll(async () => {
    await browser.close();
  });

  test('asks again by itself while the model loads', async () => {
    const { page, address } = await openPageWith(browser, [INVOICE]);
    const note = 'The model is loading.';
    let searches = 0;
    await page.route(`${address}/search`, async (route) => {
      searches += 1;
      if (searches > 2) return route.continue();
      const json = { hits: [], mode: 'keyword', note, model_loading: true };
      return route.fulfill({ json });
    });
    await page.getByRole('searchbox', { name: 'Search memories' }).fill('invoice');
    await entry(page, INVOICE).getByText('contains the word').waitFor();
    expect(searches).toBe(3);
    expect(await page.getByText(note).count()).toBe(0);
  });
});

test('switched off by a setting is no failure', async () => {
  const { address } = await startServer();
  await sendJson('POST', `${address}/memory/add`, { text: TEA });
  const found = await sendJson('POST', `${address}/search`, { query: 'tea' });
  expect(found).toMatchObject({ mode: 'keyword', note: 'Search is by words: embeddings are switched off.' });
  expect(found).not.toHaveProperty('model_loading');
});
