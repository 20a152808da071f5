import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type HttpClient, httpClient } from '../helpers/http-client.ts';
import { launchServer, type RunningHttpServer, startServer } from '../helpers/http-server.ts';
import { addMemory, idsOf } from '../helpers/rest-memories.ts';
import { WITH_MODEL } from '../helpers/mcp/server-environment.ts';

let server: RunningHttpServer;
let api: HttpClient;
beforeAll(async () => {
  server = await launchServer();
  api = httpClient(server.address);
});
afterAll(async () => {
  await server.stop();
  expect(server.stdout()).toBe('');
});

const add = (text: string, more: object = {}): Promise<string> => addMemory(api, text, more);

describe('search', () => {
  test('finds by words, under both names of the limit', async () => {
    for (const number of [1, 2, 3]) await add(`the zebra number ${number}`);
    const all = await api.post('/search', { query: 'zebra' });
    expect(all).toMatchObject({ status: 200, data: { mode: 'keyword' } });
    expect(all.data['hits']).toHaveLength(3);
    expect(all.data['hits']).toContainEqual(expect.objectContaining({ words: ['zebra'], word_rank: 1 }));
    for (const name of ['limit', 'k']) {
      expect((await api.post('/search', { query: 'zebra', [name]: 2 })).data['hits']).toHaveLength(2);
    }
    const nothing = await api.post('/search', { query: 'zebra', tags: ['none such'] });
    expect(nothing.data).toMatchObject({
      hits: [],
      note: expect.stringContaining('Nothing found') as string,
    });
  });

  test('by meaning alone falls back to words without a model, and says so', async () => {
    for (const fields of [{ mode: 'vector' }, { hybrid: false }]) {
      const { data } = await api.post('/search', { query: 'zebra', ...fields });
      expect(data['mode']).toBe('keyword');
      expect(data['note']).toBe('Search is by words: embeddings are switched off.');
    }
  });
});

describe('delete-by-source', () => {
  test('is a dry run until its token comes back', async () => {
    for (const number of [1, 2]) await add(`from a file ${number}`, { source: `file:///a/${number}` });
    const kept = await add('from another file', { source: 'file:///b' });
    const dry = await api.post('/memory/delete-by-source', { source: 'file:///a/' });
    expect(dry).toMatchObject({ status: 200, data: { dry_run: true, count: 2 } });
    expect(dry.data['examples']).toHaveLength(2);
    expect((await api.get('/memories?source=file:///')).data['total']).toBe(3);
    const { confirm } = dry.data;
    const refused = await api.post('/memory/delete-by-source', { source: 'file:///', confirm });
    expect(refused).toMatchObject({
      status: 409,
      data: { code: 'STATE_CHANGED', fix: expect.stringContaining('dry run') as string },
    });
    const done = await api.post('/memory/delete-by-source', { source_pattern: 'file:///a/', confirm });
    expect(done.data).toMatchObject({ dry_run: false, count: 2 });
    expect(idsOf(await api.get('/memories?source=file:///'), 'memories')).toEqual([kept]);
  });

  test.each([
    [{}, 'source is missing; give the beginning of the sources'],
    [{ source: '' }, 'source is missing; give the beginning of the sources'],
    [{ source: 'a', dry_run: false }, 'confirm is missing; make a dry run first and pass its token'],
  ])('refuses %j', async (fields, detail) => {
    const answer = await api.post('/memory/delete-by-source', fields);
    expect(answer).toMatchObject({ status: 400, data: { code: 'INVALID_INPUT', detail } });
  });
});

describe('without an embedding model', () => {
  test.each([
    ['POST', '/memory/is-novel', '{"text":"anything"}'],
    ['POST', '/memory/deduplicate', '{}'],
    ['GET', '/memories/map', undefined],
  ])('%s %s is 503', async (method, path, body) => {
    const headers = { 'Content-Type': 'application/json' };
    const answer = await api.send(path, { method, headers, ...(body === undefined ? {} : { body }) });
    expect(answer).toMatchObject({ status: 503, data: { code: 'EMBEDDING_UNAVAILABLE' } });
    expect(answer.data['fix']).toMatch(/\w/);
  });
});

describe('with the bundled model', () => {
  test('tells what is new, removes what says the same, and draws a map', async () => {
    const { address } = await startServer({ env: WITH_MODEL });
    const client = httpClient(address);
    await client.post('/search', { query: 'warm up', mode: 'vector' });
    const first = await client.post('/memory/add', { text: 'The staging server is at 10.0.0.5' });
    await client.post('/memory/add', { text: 'The staging server is at 10.0.0.6' });
    await client.post('/memory/add', { text: 'Staging server is at 10.0.0.5.' });
    await client.post('/memory/add', { text: 'Ada drinks no coffee, only tea' });
    const known = await client.post('/memory/is-novel', { text: 'The staging server is at 10.0.0.5' });
    expect(known).toMatchObject({
      status: 200,
      data: { is_novel: false, most_similar: { id: first.data['id'] } },
    });
    const other = await client.post('/memory/is-novel', { text: 'The staging server is at 10.0.0.7' });
    expect(other.data).toMatchObject({ is_novel: true, most_similar: { differs: 'numbers' } });
    const novel = await client.post('/memory/is-novel', { text: 'Invoices go to the office in Berlin' });
    expect(novel.data).toMatchObject({ is_novel: true, threshold: 0.88 });
    const dry = await client.post('/memory/deduplicate', { threshold: 0.9 });
    expect(dry.data).toMatchObject({ dry_run: true, compared: 4, count: 1 });
    expect(dry.data['groups']).toMatchObject([{ keep: { id: first.data['id'] } }]);
    expect(dry.data['alike']).toMatchObject([
      { memory: { id: first.data['id'] }, similar: [{ differs: 'numbers' }] },
    ]);
    expect((await client.get('/stats')).data['live']).toBe(4);
    const done = await client.post('/memory/deduplicate', { threshold: 0.9, dry_run: false });
    expect(done.data).toMatchObject({ dry_run: false, count: 1 });
    expect((await client.get('/stats')).data).toMatchObject({ live: 3, trash: 1 });
    const map = await client.get('/memories/map');
    expect(map.data).toMatchObject({ total: 3 });
    expect(map.data['points']).toContainEqual(
      expect.objectContaining({ id: first.data['id'], text: 'The staging server is at 10.0.0.5' }),
    );
  });
});
