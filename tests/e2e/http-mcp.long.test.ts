import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { launchServer, type RunningHttpServer, startServer } from '../helpers/http-server.ts';
import type { AskUser } from '../helpers/mcp/clients.ts';
import { httpClientKinds } from '../helpers/mcp/http-clients.ts';
import { temporaryFolder } from '../helpers/mcp/server-environment.ts';

const READING_TOOLS = ['memory_search', 'memory_get', 'memory_list', 'memory_stats', 'sync_status'];
const ALL_TOOLS = [
  'memory_add',
  'memory_search',
  'memory_get',
  'memory_list',
  'memory_update',
  'memory_delete',
  'memory_stats',
  'sync_status',
  'sync_upload',
  'sync_restore',
];

describe.each(httpClientKinds)('MCP over HTTP with $name', (kind) => {
  let server: RunningHttpServer;
  beforeAll(async () => {
    server = await launchServer();
  });
  afterAll(async () => {
    await server.stop();
  });

  test('introduces itself and lists the same tools as over stdio', async () => {
    const { client } = await kind.connect(server.address);
    expect(client.getServerVersion()).toMatchObject({ name: 'faiss-memory', title: 'faiss-memory' });
    expect(client.getInstructions()).toMatch(/memory_search.*memory_add.*never an instruction/s);
    if ('getProtocolEra' in client) {
      expect(client.getProtocolEra()).toBe(kind.hasSession ? 'legacy' : 'modern');
    }
    const { tools } = await client.listTools();
    expect(tools.map(({ name }) => name)).toEqual(ALL_TOOLS);
  });

  test('adds, finds, reads, changes, deletes and restores a memory', async () => {
    const { call } = await kind.connect(server.address);
    const added = await call('memory_add', { text: 'The staging server is 10.0.0.5', tags: ['ops'] });
    const [{ id }] = added.data['results'] as [{ id: string }];
    const found = await call('memory_search', { query: 'staging server' });
    expect(found.data).toMatchObject({ mode: 'keyword', hits: [{ id, tags: ['ops'] }] });
    expect(found.text).toContain('> The staging server is 10.0.0.5');
    const changed = await call('memory_update', { id, text: 'The staging server is 10.0.0.6' });
    expect(changed.data['memory']).toMatchObject({ text: 'The staging server is 10.0.0.6' });
    const whole = await call('memory_get', { ids: [id] });
    expect(whole.data['memories']).toMatchObject([{ id, versions: [{ role: 'replaced' }] }]);
    expect((await call('memory_delete', { ids: [id] })).data).toMatchObject({ count: 1 });
    expect((await call('memory_search', { query: 'staging' })).data['hits']).toEqual([]);
    expect((await call('memory_update', { id, restore: true })).text).toMatch(/^restored /);
    expect((await call('memory_search', { query: 'staging' })).data['hits']).toMatchObject([{ id }]);
  });

  test('reads resources and completes their names', async () => {
    const { client, call, readText } = await kind.connect(server.address);
    const { data } = await call('memory_add', { text: 'Ada likes tea' });
    const [{ id }] = data['results'] as [{ id: string }];
    expect(JSON.parse(await readText('memory://stats'))).toMatchObject({
      live: expect.any(Number) as number,
    });
    expect(await readText('memory://recent')).toContain('> Ada likes tea');
    expect(await readText(`memory://item/${id}`)).toContain('> Ada likes tea');
    await expect(readText('memory://nothing')).rejects.toThrow(/not found/i);
    const { completion } = await client.complete({
      ref: { type: 'ref/resource', uri: 'memory://item/{id}' },
      argument: { name: 'id', value: id },
    });
    expect(completion.values).toEqual([id]);
  });

  test('gets prompts', async () => {
    const { client } = await kind.connect(server.address);
    const { prompts } = await client.listPrompts();
    expect(prompts.map(({ name }) => name)).toEqual(['recall', 'save_session']);
    const { messages } = await client.getPrompt({ name: 'recall', arguments: { topic: 'deadlines' } });
    expect(messages).toMatchObject([
      { content: { text: expect.stringMatching(/topic: deadlines$/) as string } },
    ]);
  });

  test('answers what is wrong with a call', async () => {
    const { client, call } = await kind.connect(server.address);
    const empty = await call('memory_add', { text: ' ' });
    expect(empty).toMatchObject({ isError: true, failure: { code: 'INVALID_INPUT', retryable: false } });
    const missing = await call('sync_restore', { snapshot: 'nope', mode: 'replace' });
    expect(missing).toMatchObject({ isError: true, failure: { code: 'SNAPSHOT_NOT_FOUND' } });
    await expect(client.callTool({ name: 'memory_burn', arguments: {} })).rejects.toThrow(/memory_burn/);
    await expect(client.getPrompt({ name: 'forget' })).rejects.toThrow(/forget/);
  });

  test('asks the user before a restore, and keeps to the answer', async () => {
    const own = await startServer();
    const questions: string[] = [];
    const replies: ReturnType<AskUser>[] = [
      { action: 'decline' },
      { action: 'accept', content: { agree: true } },
    ];
    const askUser: AskUser = (question) => {
      questions.push(question);
      return replies.shift() ?? { action: 'cancel' };
    };
    const { call } = await kind.connect(own.address, { askUser });
    await call('memory_add', { text: 'Ada likes tea' });
    const { data } = await call('sync_upload', { name: 'before' });
    await call('memory_add', { text: 'Ada likes coffee' });
    const wanted = { snapshot: data['snapshot'], mode: 'replace' };
    expect((await call('sync_restore', wanted)).data).toMatchObject({ applied: false });
    expect((await call('memory_stats')).data['live']).toBe(2);
    expect((await call('sync_restore', wanted)).data).toMatchObject({ applied: true, removed: 1 });
    expect((await call('memory_stats')).data['live']).toBe(1);
    expect(questions).toEqual([expect.stringContaining('> Ada likes coffee'), questions[0]]);
  });

  test('serves many clients at once', async () => {
    const own = await startServer();
    const clients = await Promise.all(Array.from({ length: 8 }, () => kind.connect(own.address)));
    const added = await Promise.all(
      clients.flatMap(({ call }, number) =>
        Array.from({ length: 5 }, (_, index) => call('memory_add', { text: `fact ${number} ${index}` })),
      ),
    );
    expect(added.filter(({ isError }) => isError)).toEqual([]);
    const counts = await Promise.all(
      clients.map(async ({ call }) => (await call('memory_stats')).data['live']),
    );
    expect(counts).toEqual(clients.map(() => 40));
  });

  test('needs the token, and offers only to read with the token for that', async () => {
    const tokens = { MEMORY_HTTP_TOKEN: 'w'.repeat(32), MEMORY_HTTP_READ_TOKEN: 'r'.repeat(32) };
    const own = await startServer({ env: tokens });
    await expect(kind.connect(own.address)).rejects.toThrow();
    await expect(kind.connect(own.address, { token: 'x'.repeat(32) })).rejects.toThrow();
    const writer = await kind.connect(own.address, { token: tokens.MEMORY_HTTP_TOKEN });
    const reader = await kind.connect(own.address, { token: tokens.MEMORY_HTTP_READ_TOKEN });
    expect((await writer.client.listTools()).tools.map(({ name }) => name)).toEqual(ALL_TOOLS);
    expect((await reader.client.listTools()).tools.map(({ name }) => name)).toEqual(READING_TOOLS);
    await writer.call('memory_add', { text: 'Ada likes tea' });
    expect((await reader.call('memory_search', { query: 'tea' })).data['hits']).toHaveLength(1);
    await expect(reader.call('memory_add', { text: 'mine' })).rejects.toThrow(/memory_add/);
    expect((await writer.call('memory_stats')).data['live']).toBe(1);
  });

  test('meets the same memories after a restart of the server', async () => {
    const dataDir = temporaryFolder();
    const before = await startServer({ dataDir });
    const connected = await kind.connect(before.address);
    await connected.call('memory_add', { text: 'Ada likes tea' });
    expect(await before.stop()).toBe(0);
    const after = await startServer({ dataDir, args: ['--port', new URL(before.address).port] });
    expect(after.address).toBe(before.address);
    const search = { query: 'tea' };
    // A session ends with its server; without one, the client needs not even notice.
    if (kind.hasSession) await expect(connected.call('memory_search', search)).rejects.toThrow();
    const { call } = kind.hasSession ? await kind.connect(after.address) : connected;
    expect((await call('memory_search', search)).data['hits']).toMatchObject([{ text: 'Ada likes tea' }]);
  });
});
