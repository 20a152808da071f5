import { describe, expect, test } from 'vitest';
import { clientKinds } from '../helpers/mcp/clients.ts';
import { RawServer } from '../helpers/mcp/raw-server.ts';
import { temporaryFolder } from '../helpers/mcp/server-environment.ts';

describe.each(clientKinds)('MCP over stdio with $name', ({ name, connect }) => {
  test('introduces itself with instructions and a version', async () => {
    const { client } = await connect(temporaryFolder());
    expect(client.getServerVersion()).toMatchObject({ name: 'faiss-memory', title: 'faiss-memory' });
    expect(client.getInstructions()).toMatch(/memory_search.*memory_add.*never an instruction/s);
    expect(client.getServerCapabilities()).toMatchObject({ tools: {}, resources: {}, prompts: {} });
    if ('getProtocolEra' in client) {
      expect(client.getProtocolEra()).toBe(name.includes('2025') ? 'legacy' : 'modern');
    }
  });

  test('lists ten tools with titles, schemas and all annotations', async () => {
    const { client } = await connect(temporaryFolder());
    const { tools } = await client.listTools();
    expect(tools.map((tool) => tool.name)).toEqual([
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
    ]);
    for (const { title, description, inputSchema, outputSchema, annotations } of tools) {
      expect(title).not.toBe('');
      expect(description).not.toBe('');
      expect(inputSchema).toMatchObject({ type: 'object' });
      expect(outputSchema).toMatchObject({ type: 'object' });
      expect(Object.keys(annotations ?? {}).sort()).toEqual([
        'destructiveHint',
        'idempotentHint',
        'openWorldHint',
        'readOnlyHint',
      ]);
    }
  });

  test('adds, finds, reads, changes, deletes and restores a memory', async () => {
    const { call } = await connect(temporaryFolder());
    const added = await call('memory_add', {
      text: 'The staging server is 10.0.0.5',
      tags: ['ops', 'servers'],
      source: 'standup',
      project: 'website',
      metadata: { ticket: 7 },
    });
    expect(added.isError).toBe(false);
    const [{ id }] = added.data['results'] as [{ id: string; outcome: string }];
    expect(added.text).toContain(`added [${id}]`);

    const found = await call('memory_search', { query: 'staging server', project: 'website', tags: ['ops'] });
    expect(found.data).toMatchObject({
      mode: 'keyword',
      hits: [{ id, text: 'The staging server is 10.0.0.5', tags: ['ops', 'servers'], source: 'standup' }],
    });
    expect(found.text).toContain('> The staging server is 10.0.0.5');
    expect(found.text).toMatch(/from standup #ops #servers/);

    const changed = await call('memory_update', {
      id,
      text: 'The staging server is 10.0.0.6',
      add_tags: ['moved'],
      remove_tags: ['ops'],
      metadata: { ticket: null, owner: 'Ada' },
    });
    expect(changed.data['memory']).toMatchObject({
      text: 'The staging server is 10.0.0.6',
      tags: ['moved', 'servers'],
      metadata: { owner: 'Ada', project: 'website' },
    });

    const whole = await call('memory_get', { ids: [id] });
    expect(whole.data['memories']).toMatchObject([
      { id, versions: [{ text: 'The staging server is 10.0.0.5', role: 'replaced' }] },
    ]);

    expect((await call('memory_delete', { ids: [id] })).data).toMatchObject({ dry_run: false, count: 1 });
    expect((await call('memory_search', { query: 'staging' })).data['hits']).toEqual([]);
    expect((await call('memory_list', { which: 'trash' })).data).toMatchObject({
      total: 1,
      memories: [{ id, state: 'deleted' }],
    });
    expect((await call('memory_update', { id, restore: true })).text).toMatch(/^restored /);
    expect((await call('memory_stats')).data).toMatchObject({ live: 1, trash: 0, tags: { moved: 1 } });
  });

  test('offers resources, a template and completions', async () => {
    const { client, call, readText } = await connect(temporaryFolder());
    const added = await call('memory_add', { text: 'Ada likes tea' });
    const [{ id }] = added.data['results'] as [{ id: string }];
    const { resources } = await client.listResources();
    expect(resources.map(({ uri }) => uri)).toEqual(['memory://stats', 'memory://recent']);
    const { resourceTemplates } = await client.listResourceTemplates();
    expect(resourceTemplates.map(({ uriTemplate }) => uriTemplate)).toEqual(['memory://item/{id}']);
    expect(JSON.parse(await readText('memory://stats'))).toMatchObject({ live: 1 });
    expect(await readText('memory://recent')).toContain('> Ada likes tea');
    expect(await readText(`memory://item/${id}`)).toContain('> Ada likes tea');
    await expect(readText('memory://item/0198c0de-0000-7000-8000-000000000001')).rejects.toThrow(
      /not found/i,
    );
    await expect(readText('memory://nothing')).rejects.toThrow(/not found/i);
    const { completion } = await client.complete({
      ref: { type: 'ref/resource', uri: 'memory://item/{id}' },
      argument: { name: 'id', value: id.slice(0, 4) },
    });
    expect(completion.values).toEqual([id]);
  });

  test('offers prompts with their arguments', async () => {
    const { client } = await connect(temporaryFolder());
    const { prompts } = await client.listPrompts();
    expect(prompts.map((prompt) => [prompt.name, prompt.arguments ?? []])).toEqual([
      ['recall', [{ name: 'topic', description: 'what to recall', required: false }]],
      ['save_session', []],
    ]);
    const about = await client.getPrompt({ name: 'recall', arguments: { topic: ' our deadlines ' } });
    expect(about.messages).toMatchObject([
      {
        role: 'user',
        content: { type: 'text', text: expect.stringMatching(/topic: our deadlines$/) as string },
      },
    ]);
    const open = await client.getPrompt({ name: 'recall' });
    expect(open.messages[0]?.content).toMatchObject({
      text: expect.stringContaining('this conversation') as string,
    });
    const save = await client.getPrompt({ name: 'save_session' });
    expect(save.messages[0]?.content).toMatchObject({
      text: expect.stringContaining('memory_add') as string,
    });
  });

  test('masks secrets and says so', async () => {
    const { call } = await connect(temporaryFolder());
    const secret = ['ghp', 'A1b2C3d4E5f6G7h8I9j0K1l2M3n4O5p6Q7r8'].join('_');
    const added = await call('memory_add', { text: `The deploy token is ${secret}` });
    expect(added.text).toContain('Secrets were masked');
    const [{ id }] = added.data['results'] as [{ id: string }];
    expect(added.data['results']).toMatchObject([{ masked: [expect.any(String)] }]);
    const updated = await call('memory_update', { id, text: `Now it is ${secret}` });
    expect(updated.data).toMatchObject({ masked: [expect.any(String)] });
    const everything = JSON.stringify([added, updated, await call('memory_get', { ids: [id] })]);
    expect(everything).not.toContain(secret);
  });
});

test('the first answer needs no Intl, whose first object takes a tenth of the start', async () => {
  const withoutIntl = '--import=data:text/javascript,delete(globalThis.Intl)';
  const server = new RawServer(temporaryFolder(), { NODE_OPTIONS: withoutIntl });
  expect(await server.initialize()).toBeDefined();
  server.child.kill('SIGKILL');
  await server.exited;
});
