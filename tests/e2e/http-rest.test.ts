import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type HttpClient, httpClient } from '../helpers/http-client.ts';
import { launchServer, type RunningHttpServer, startServer } from '../helpers/http-server.ts';
import { addMemory, idsOf } from '../helpers/rest-memories.ts';

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

/** In two parts, or scanners of secrets would find it here. */
function awsKey(): string {
  return ['AKIA', 'IOSFODNN7EXAMPLQ'].join('');
}

const UNKNOWN = '01a20bac-0000-754d-b50e-12733a895b1c';

describe('one memory', () => {
  test('is stored without a comparison when the caller does not wait', async () => {
    const inQuery = await api.post('/memory/add?wait=false', { text: 'Nobody waits for this one' });
    expect(inQuery).toMatchObject({ status: 201, data: { outcome: 'added', compared: false } });
    const inBody = await api.post('/memory/add-batch', {
      memories: [{ text: 'Nor for this one' }],
      wait: false,
    });
    expect(inBody).toMatchObject({ status: 201, data: { results: [{ outcome: 'added', compared: false }] } });
    const refused = await api.post('/memory/add?wait=soon', { text: 'What is soon?' });
    expect(refused.status).toBe(400);
  });

  test('is added, read, changed, deleted, restored and erased', async () => {
    const draft = { text: 'Ada likes tea', tags: ['drink', 'ada'], source: 'chat', metadata: { year: 1843 } };
    const added = await api.post('/memory/add', draft);
    expect(added).toMatchObject({ status: 201, data: { outcome: 'added' } });
    const path = `/memory/${String(added.data['id'])}`;
    const read = await api.get(path);
    expect(read).toMatchObject({
      status: 200,
      data: { id: added.data['id'], text: 'Ada likes tea', source: 'chat', metadata: { year: 1843 } },
    });
    expect(read.data['tags']).toEqual(expect.arrayContaining(['ada', 'drink']));
    const changed = await api.patch(path, {
      text: 'Ada likes coffee',
      add_tags: ['new'],
      remove_tags: ['ada'],
    });
    expect(changed).toMatchObject({ status: 200, data: { text: 'Ada likes coffee' } });
    expect(new Set(changed.data['tags'] as string[])).toEqual(new Set(['drink', 'new']));
    expect((await api.get(path)).data['versions']).toMatchObject([
      { role: 'replaced', text: 'Ada likes tea', source: 'chat', metadata: { year: 1843 } },
    ]);
    expect(await api.remove(path)).toMatchObject({ status: 200, data: { deleted: 1 } });
    expect(idsOf(await api.get('/memories?which=trash'), 'memories')).toEqual([added.data['id']]);
    expect(await api.post(`${path}/restore`)).toMatchObject({
      status: 200,
      data: { text: 'Ada likes coffee' },
    });
    expect(await api.post(`${path}/purge`)).toMatchObject({ status: 200, data: { erased: 1 } });
    const erased = await api.get(path);
    expect(JSON.stringify(erased.data)).not.toContain('Ada');
  });

  test.each([
    ['GET', ''],
    ['DELETE', ''],
    ['POST', '/restore'],
    ['POST', '/purge'],
  ])('that is unknown is 404 for %s %s', async (method, end) => {
    const answer = await api.send(`/memory/${UNKNOWN}${end}`, { method });
    expect(answer).toMatchObject({
      status: 404,
      data: { code: 'NOT_FOUND', detail: `No memory has the id "${UNKNOWN}"` },
    });
  });

  test('that is unknown cannot be changed', async () => {
    const answer = await api.patch(`/memory/${UNKNOWN}`, { text: 'x' });
    expect(answer).toMatchObject({ status: 404, data: { code: 'NOT_FOUND' } });
  });

  test('is stored without its secrets, and the answer says which', async () => {
    const key = awsKey();
    const added = await api.post('/memory/add', { text: `The key is ${key}` });
    expect(added.data['masked']).toEqual([expect.stringMatching(/AWS/)]);
    const read = await api.get(`/memory/${String(added.data['id'])}`);
    expect(read.text).not.toContain(key);
    const masked = await api.patch(`/memory/${String(added.data['id'])}`, { text: `Now ${key}` });
    expect(masked.data).toMatchObject({ masked: [expect.stringMatching(/AWS/)] });
    expect(masked.text).not.toContain(key);
  });

  test('that the settings refuse is 422', async () => {
    const strict = await startServer({ env: { MEMORY_SECRETS: 'reject' } });
    const answer = await httpClient(strict.address).post('/memory/add', {
      text: `The key is ${awsKey()}`,
    });
    expect(answer).toMatchObject({ status: 422, data: { code: 'SECRET_REJECTED' } });
    expect(answer.text).not.toContain('IOSFODNN7');
  });
});

describe('many memories', () => {
  test('are added at once, an exact duplicate only when asked for', async () => {
    const memories = [{ text: 'one of a batch' }, { text: 'two of a batch', project: 'web' }];
    const first = await api.post('/memory/add-batch', { memories });
    expect(first).toMatchObject({
      status: 201,
      data: { results: [{ outcome: 'added' }, { outcome: 'added' }] },
    });
    const again = await api.post('/memory/add-batch', { memories });
    expect(again.data).toMatchObject({ results: [{ outcome: 'existing' }, { outcome: 'existing' }] });
    expect(idsOf(again, 'results')).toEqual(idsOf(first, 'results'));
    const forced = await api.post('/memory/add-batch', { memories, on_duplicate: 'add' });
    expect(forced.data).toMatchObject({ results: [{ outcome: 'added' }, { outcome: 'added' }] });
  });

  test('of which one is not allowed are all left out', async () => {
    const { data } = await api.get('/stats');
    const answer = await api.post('/memory/add-batch', { memories: [{ text: 'fine' }, { text: '' }] });
    expect(answer).toMatchObject({ status: 400, data: { code: 'INVALID_INPUT' } });
    expect(answer.data['detail']).toContain('memories[1].text');
    expect((await api.get('/stats')).data['live']).toBe(data['live']);
  });

  test('are browsed page by page', async () => {
    for (const number of [1, 2, 3]) await add(`page ${number}`, { source: 'pages/' });
    const query = '/memories?source=pages/&order=oldest&limit=2';
    const page = await api.get(query);
    expect(page.data).toMatchObject({ total: 3, memories: [{ text: 'page 1' }, { text: 'page 2' }] });
    const next = await api.get(`${query}&cursor=${encodeURIComponent(String(page.data['next_cursor']))}`);
    expect(next.data).toMatchObject({ memories: [{ text: 'page 3' }] });
    expect(next.data).not.toHaveProperty('next_cursor');
  });

  test('are filtered by tags, project and metadata, which the query carries as JSON', async () => {
    const id = await add('to be filtered', { tags: ['f1', 'f2'], project: 'filters', metadata: { n: 1 } });
    const other = await add('another one to be filtered', { tags: ['f2', 'f3'] });
    expect(idsOf(await api.get('/memories?tags=f1&tags=f9'), 'memories')).toEqual([id]);
    expect(idsOf(await api.get('/memories?tags=f2,f3&order=oldest'), 'memories')).toEqual([id, other]);
    expect(idsOf(await api.get('/memories?all_tags=f2,f3'), 'memories')).toEqual([other]);
    expect(idsOf(await api.get('/memories?project=filters'), 'memories')).toEqual([id]);
    const metadata = encodeURIComponent('{"n":1}');
    expect(idsOf(await api.get(`/memories?metadata=${metadata}`), 'memories')).toEqual([id]);
  });

  test('are counted', async () => {
    const { data } = await api.get('/stats');
    const { total } = (await api.get('/memories')).data;
    expect(data).toMatchObject({ live: total, conflicts: 0, embedding: { ready: false } });
    expect((data['tags'] as Record<string, number>)['f2']).toBe(2);
    const { days } = (await api.get('/stats/growth')).data as { days: { day: string; added: number }[] };
    expect(days.reduce((sum, { added }) => sum + added, 0)).toBeGreaterThanOrEqual(Number(total));
    expect(days[0]?.day).toMatch(/^\d{4}-\d\d-\d\d$/);
    const elsewhere = (await api.get('/stats/growth?time_zone=Asia%2FTokyo')).data;
    expect(elsewhere['time_zone']).toBe('Asia/Tokyo');
    const refused = await api.get('/stats/growth?time_zone=Mars%2FOlympus');
    expect([refused.status, JSON.stringify(refused.data)]).toEqual([
      400,
      expect.stringContaining('Mars/Olympus'),
    ]);
  });
});
