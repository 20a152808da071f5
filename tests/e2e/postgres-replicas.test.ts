import { afterEach, describe, expect, test } from 'vitest';
import { INITIALIZE } from '../helpers/mcp/initialize-message.ts';
import { idsOf } from '../helpers/rest-memories.ts';
import type { PostgresServer } from '../helpers/servers/postgres.ts';
import { digestOf, Replica, TeamLoad, textsOf } from '../helpers/team-load.ts';
import { describeWithPostgres } from '../helpers/with-postgres.ts';

const JSON_HEADERS = { 'Content-Type': 'application/json', Accept: 'application/json, text/event-stream' };

/** Every row of every table of the database, as text. */
async function everything(server: PostgresServer, url: string): Promise<string> {
  const tables = await server.sql(`SELECT tablename FROM pg_tables WHERE schemaname = 'faiss_memory'`, url);
  const rows = await Promise.all(
    tables.map(({ tablename }) => server.sql(`SELECT t::text FROM faiss_memory.${String(tablename)} t`, url)),
  );
  return JSON.stringify(rows);
}

await describeWithPostgres('replicas on PostgreSQL', (server) => {
  const replicas: Replica[] = [];
  afterEach(async () => {
    await Promise.all(replicas.splice(0).map((replica) => replica.stop()));
  });

  async function start(url: string, count: number): Promise<Replica[]> {
    const env = { MEMORY_STORE: 'postgres', MEMORY_DATABASE_URL: url, MEMORY_HTTP_RATE_LIMIT: '0' };
    const made = Array.from({ length: count }, () => new Replica(env));
    replicas.push(...made);
    return Promise.all(made.map((replica) => replica.start()));
  }

  test('find at once what another one wrote, changed, deleted and erased', async () => {
    const url = await server().createDatabase();
    const [a, b] = await start(url, 2);
    if (a === undefined || b === undefined) throw new Error('two replicas were started');
    const added = await a.api.post('/memory/add', { text: 'The zebra sleeps in Nairobi', tags: ['animals'] });
    expect(added.status).toBe(201);
    const id = String(added.data['id']);
    const found = async (replica: Replica, query: string): Promise<unknown[]> =>
      idsOf(await replica.api.post('/search', { query }), 'hits');
    expect(await found(b, 'zebra')).toEqual([id]);
    expect((await b.api.patch(`/memory/${id}`, { text: 'The okapi sleeps in Nairobi' })).status).toBe(200);
    expect(await found(a, 'okapi')).toEqual([id]);
    expect(await found(a, 'zebra')).toEqual([]);
    expect(await server().sql('SELECT text, tags, state FROM faiss_memory.memory', url)).toEqual([
      { text: 'The okapi sleeps in Nairobi', tags: ['animals'], state: 'live' },
    ]);
    expect(await everything(server(), url)).toContain('zebra');
    await a.api.remove(`/memory/${id}`);
    expect(await found(b, 'okapi')).toEqual([]);
    const erased = await b.api.post(`/memory/${id}/purge`, { confirm: true });
    expect([erased.status, erased.text]).toEqual([200, expect.any(String)]);
    expect(await everything(server(), url)).not.toMatch(/zebra|okapi|animals/);
    expect(await digestOf(a)).toEqual(await digestOf(b));
  });

  test('go on reading without the database, say so, and refuse writes until it is back', async () => {
    const url = await server().createDatabase();
    const [a, b] = await start(url, 2);
    if (a === undefined || b === undefined) throw new Error('two replicas were started');
    const added = await a.api.post('/memory/add', { text: 'The heron waits at the pond' });
    const id = String(added.data['id']);
    expect(await textsOf(b)).toHaveLength(1);
    expect((await b.api.get(`/memory/${id}`)).data).not.toHaveProperty('stale');
    await server().crash();
    const begun = performance.now();
    const search = await b.api.post('/search', { query: 'heron' });
    expect(idsOf(search, 'hits')).toHaveLength(1);
    const said = /The shared database (last answered \d+ s ago|has not answered)/;
    expect(search.data['note']).toMatch(said);
    expect((await b.api.get('/memories')).data['stale']).toMatch(said);
    for (const more of ['', '?max_tokens=1000', `?as_of=${new Date().toISOString()}`])
      expect((await b.api.get(`/memory/${id}${more}`)).data['stale']).toMatch(said);
    expect((await b.api.get(`/memory/${id.replaceAll(/[0-9a-f]/g, '0')}`)).text).toMatch(said);
    expect(await b.run('get', id)).toMatchObject({ code: 0, stdout: expect.stringMatching(said) as string });
    expect(await b.run('list')).toMatchObject({ code: 0, stdout: expect.stringMatching(said) as string });
    expect(await b.run('add', 'The heron flies away')).toMatchObject({ code: 4 });
    const refused = await b.api.post('/memory/add', { text: 'The heron flies away' });
    expect([refused.status, refused.data['code'], refused.data['retryable']]).toEqual([
      503,
      'STORE_UNAVAILABLE',
      true,
    ]);
    expect(Number(refused.headers.get('Retry-After'))).toBeGreaterThan(0);
    expect(refused.text).not.toContain('owner');
    const tool = await b.api.post(
      '/mcp',
      {
        ...{ jsonrpc: '2.0', id: 1, method: 'tools/call' },
        params: { name: 'memory_add', arguments: { text: 'The heron flies away' } },
      },
      JSON_HEADERS,
    );
    expect(tool.text).toContain('cannot be reached');
    const listed = { ...{ jsonrpc: '2.0', id: 2, method: 'tools/call' }, params: { name: 'memory_list' } };
    expect((await b.api.post('/mcp', listed, JSON_HEADERS)).text).toMatch(said);
    const got = { ...listed, params: { name: 'memory_get', arguments: { ids: [id] } } };
    expect((await b.api.post('/mcp', got, JSON_HEADERS)).text).toMatch(said);
    expect(performance.now() - begun).toBeLessThan(20_000);
    await server().begin();
    await expect
      .poll(async () => (await b.api.post('/memory/add', { text: 'The heron flies away' })).status)
      .toBe(201);
    expect(await textsOf(a)).toHaveLength(2);
    expect(await digestOf(a)).toEqual(await digestOf(b));
  });

  test('lose and double nothing when one is killed, and when connections are cut, under load', async () => {
    const url = await server().createDatabase();
    const [a, b, c] = await start(url, 3);
    if (a === undefined || b === undefined || c === undefined) throw new Error('three replicas were started');
    const load = new TeamLoad([a, b, c], 6);
    await load.more(30);
    await server().sql(
      `SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'faiss-memory'`,
    );
    await load.more(30);
    await c.kill();
    await load.more(30);
    await Promise.all([
      server()
        .crash()
        .then(() => server().begin()),
      c.start(),
    ]);
    await load.more(30);
    await load.stop();
    await expect
      .poll(
        async () =>
          new Set((await Promise.all([a, b, c].map(digestOf))).map((digest) => JSON.stringify(digest))).size,
        {
          timeout: 10_000,
        },
      )
      .toBe(1);
    const texts = await textsOf(b);
    expect(new Set(texts).size).toBe(texts.length);
    expect([...load.acknowledged].filter((text) => !texts.includes(text))).toEqual([]);
    await c.lose();
    await c.start();
    expect(await digestOf(c)).toEqual(await digestOf(a));
  });

  describe('a session of MCP', () => {
    test('of another replica is refused, so that the client begins a new one', async () => {
      const [a, b] = await start(await server().createDatabase(), 2);
      if (a === undefined || b === undefined) throw new Error('two replicas were started');
      const begun = await a.api.post('/mcp', INITIALIZE, JSON_HEADERS);
      const session = begun.headers.get('Mcp-Session-Id') ?? '';
      expect(session).not.toBe('');
      const ask = { jsonrpc: '2.0', id: 2, method: 'tools/list' };
      const headers = { ...JSON_HEADERS, 'Mcp-Session-Id': session, 'Mcp-Protocol-Version': '2025-06-18' };
      expect((await a.api.post('/mcp', ask, headers)).status).toBe(200);
      expect((await b.api.post('/mcp', ask, headers)).status).toBe(404);
    });
  });
});
