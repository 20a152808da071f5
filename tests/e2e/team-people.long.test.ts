import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { Client } from '@modelcontextprotocol/client';
import { StreamableHTTPClientTransport } from '@modelcontextprotocol/client';
import { describe, expect, test } from 'vitest';
import { openDatabase } from '../../src/store/sqlite/engine.ts';
import { INITIALIZE } from '../helpers/mcp/initialize-message.ts';
import { sendRaw } from '../helpers/raw-request.ts';
import { addMemory, apiOf, startTeam, type TestPerson, type TestTeam } from '../helpers/team.ts';

const MCP_HEADERS = { 'Content-Type': 'application/json', Accept: 'application/json, text/event-stream' };

async function connect(team: TestTeam, path: string, token: string): Promise<Client> {
  const client = new Client({ name: 'test', version: '1' });
  const headers = { Authorization: `Bearer ${token}` };
  await client.connect(
    new StreamableHTTPClientTransport(new URL(path, team.server.address), { requestInit: { headers } }),
  );
  return client;
}

async function search(client: Client, query: string): Promise<string> {
  return JSON.stringify(await client.callTool({ name: 'memory_search', arguments: { query } }));
}

describe('MCP', () => {
  test('has the own space at /mcp and every other below it, with the tools of the role', async () => {
    const team = await startTeam();
    const [ada, bob] = [await team.join('ada'), await team.join('bob')];
    await team.run('space', 'create', 'kitchen', '--owner', 'ada');
    await team.run('space', 'grant', 'kitchen', 'bob');
    await addMemory(ada.api, 'Ada keeps the spare key under the fern');
    await addMemory(ada.api, 'The kitchen key is blue', '/spaces/kitchen');
    const own = await connect(team, '/mcp', ada.token);
    expect(await search(own, 'key')).toContain('fern');
    await own.callTool({ name: 'memory_add', arguments: { text: 'Ada likes green tea' } });
    expect((await ada.api.get('/memories')).text).toContain('green tea');
    const shared = await connect(team, '/mcp/kitchen', bob.token);
    expect(await search(shared, 'key')).toContain('blue');
    expect((await shared.listTools()).tools.map(({ name }) => name)).not.toContain('memory_add');
    const writing = (await (await connect(team, '/mcp/kitchen', ada.token)).listTools()).tools;
    expect(writing.map(({ name }) => name)).toContain('memory_add');
    await expect(connect(team, '/mcp/ada', bob.token)).rejects.toThrow(/404|There is no space/);
    const bobs = await connect(team, '/mcp', bob.token);
    expect(await search(bobs, 'key')).not.toMatch(/fern|blue/);
  });

  test('has every space below /sse too, for programs with the older transport', async () => {
    const team = await startTeam();
    const [ada, bob] = [await team.join('ada'), await team.join('bob')];
    await team.run('space', 'create', 'kitchen', '--owner', 'ada');
    await team.run('space', 'grant', 'kitchen', 'bob');
    await addMemory(ada.api, 'The kitchen key is blue', '/spaces/kitchen');
    const headers = { Authorization: `Bearer ${bob.token}`, 'Content-Type': 'application/json' };
    const call = { jsonrpc: '2.0', id: 1, method: 'tools/call' };
    const params = { name: 'memory_search', arguments: { query: 'key' } };
    const searchAt = async (path: string): Promise<string> => {
      const { body } = await fetch(new URL(path, team.server.address), { headers });
      const reader = body?.pipeThrough(new TextDecoderStream()).getReader();
      let received = '';
      const until = async (pattern: RegExp): Promise<string> => {
        while (!pattern.test(received)) received += (await reader?.read())?.value ?? '';
        return pattern.exec(received)?.[1] ?? '';
      };
      const messages = new URL(await until(/data: (\S+)\n/), team.server.address);
      const posted = await fetch(messages, {
        method: 'POST',
        headers,
        body: JSON.stringify({ ...call, params }),
      });
      expect(posted.status).toBe(202);
      const answer = await until(/data: (\{.*"result".*\})\n/);
      // A session belongs to its space.
      const elsewhere = await fetch(`${team.server.address}/messages${messages.search}`, {
        ...{ method: 'POST', headers, body: JSON.stringify({ ...call, params }) },
      });
      expect(elsewhere.status).toBe(path === '/sse' ? 202 : 404);
      await reader?.cancel();
      return answer;
    };
    expect(await searchAt('/sse/kitchen')).toContain('blue');
    expect(await searchAt('/sse')).not.toContain('blue');
    const refused = await fetch(`${team.server.address}/sse/ada`, { headers });
    expect([refused.status, await refused.text()]).toEqual([
      404,
      expect.stringContaining('There is no space'),
    ]);
  });

  test('refuses the session of another person, space or right', async () => {
    const team = await startTeam();
    const [ada, bob] = [await team.join('ada'), await team.join('bob')];
    await team.run('space', 'create', 'kitchen', '--owner', 'ada');
    await team.run('space', 'grant', 'kitchen', 'bob');
    const list = JSON.stringify({ jsonrpc: '2.0', id: 2, method: 'tools/list' });
    const post = (path: string, token: string, body: string, session?: string) =>
      sendRaw(team.server.address, {
        ...{ method: 'POST', path, body },
        headers: {
          ...MCP_HEADERS,
          Authorization: `Bearer ${token}`,
          ...(session === undefined ? {} : { 'Mcp-Session-Id': session }),
        },
      });
    const started = await post('/mcp/kitchen', ada.token, JSON.stringify(INITIALIZE));
    const session = String(started.headers['mcp-session-id']);
    expect((await post('/mcp/kitchen', ada.token, list, session)).status).toBe(200);
    expect((await post('/mcp/kitchen', bob.token, list, session)).status).toBe(404);
    expect((await post('/mcp', ada.token, list, session)).status).toBe(404);
    const reading = await team.tokenOf('ada', '--scope', 'read');
    expect((await post('/mcp/kitchen', reading, list, session)).status).toBe(404);
    await team.run('space', 'grant', 'kitchen', 'bob', '--role', 'owner');
    await team.run('space', 'revoke', 'kitchen', 'ada');
    expect((await post('/mcp/kitchen', ada.token, list, session)).status).toBe(404);
  });
});

describe('tokens', () => {
  test('end when they are revoked or their person is removed; what is kept of them is a hash', async () => {
    const team = await startTeam();
    const ada = await team.join('ada');
    const made = await ada.api.post('/tokens', { name: 'laptop', days: 30 });
    expect(made.data).toMatchObject({ scope: 'write', name: 'laptop' });
    const token = String(made.data['token']);
    expect(token).toMatch(/^fm_[a-z0-9]{10}_[\w-]{43}$/);
    const laptop = apiOf(team.server.address, token);
    expect((await laptop.get('/stats')).status).toBe(200);
    const listed = (await ada.api.get('/tokens')).data['tokens'] as readonly Record<string, unknown>[];
    expect(listed[1]).toMatchObject({
      id: made.data['id'],
      last_used: new Date().toISOString().slice(0, 10),
    });
    expect((await ada.api.remove(`/tokens/${String(made.data['id'])}`)).status).toBe(200);
    const refused = await laptop.get('/stats');
    expect([refused.status, refused.data['detail']]).toEqual([401, 'The personal token is not known']);
    const almost = `${ada.token.slice(0, -1)}${ada.token.endsWith('A') ? 'B' : 'A'}`;
    expect((await apiOf(team.server.address, almost).get('/stats')).status).toBe(401);
    for (const file of filesOf(team.server.dataDir)) {
      expect([file, readFileSync(file).includes(ada.token.slice(14))]).toEqual([file, false]);
    }
    expect(statSync(join(team.memories, 'team.db')).mode & 0o777).toBe(0o600);
    expect(team.server.stderr()).not.toContain(ada.token);
    await team.run('user', 'remove', 'ada', '--yes');
    expect((await ada.api.get('/stats')).status).toBe(401);
  });

  test('end on their day', async () => {
    const team = await startTeam();
    const ada = await team.join('ada');
    const token = await team.tokenOf('ada', '--days', '1');
    expect((await apiOf(team.server.address, token).get('/stats')).status).toBe(200);
    const database = openDatabase(join(team.memories, 'team.db'));
    database.exec(`UPDATE token SET expires = ${Date.now() - 1} WHERE expires IS NOT NULL`);
    database.close();
    const refused = await apiOf(team.server.address, token).get('/stats');
    expect([refused.status, refused.data['detail']]).toEqual([401, 'The personal token has expired']);
    expect((await ada.api.get('/stats')).status).toBe(200);
  });

  test('an invitation gives one, once', async () => {
    const team = await startTeam();
    await team.run('user', 'add', 'ada@example.org', '--name', 'Ada');
    const { code } = await team.run('user', 'invite', 'ada@example.org');
    const nobody = apiOf(team.server.address, 'x');
    const accepted = await nobody.post('/invitations/accept', { code, name: 'first' });
    expect([accepted.status, accepted.data['scope']]).toEqual([201, 'admin']);
    const me = await apiOf(team.server.address, String(accepted.data['token'])).get('/me');
    expect(me.data).toMatchObject({ person: 'ada@example.org', name: 'Ada', space: 'ada' });
    expect((await nobody.post('/invitations/accept', { code })).status).toBe(403);
    expect((await nobody.post('/invitations/accept', { code: 'guess' })).status).toBe(403);
  });
});

describe('several spaces', () => {
  async function kitchenTeam(): Promise<{ team: TestTeam; ada: TestPerson }> {
    const team = await startTeam();
    const ada = await team.join('ada');
    await team.run('space', 'create', 'kitchen', '--owner', 'ada');
    return { team, ada };
  }

  test('are searched at once; each hit has its space, and the better list counts more', async () => {
    const { ada } = await kitchenTeam();
    await addMemory(ada.api, 'the oven needs a new fuse');
    await addMemory(ada.api, 'the oven of the kitchen is preheated to 200 degrees', '/spaces/kitchen');
    await addMemory(ada.api, 'nothing about it', '/spaces/kitchen');
    const answer = await ada.api.post('/search', {
      query: 'kitchen oven degrees',
      spaces: ['ada', 'kitchen'],
    });
    const hits = answer.data['hits'] as readonly Record<string, unknown>[];
    expect(hits.map(({ space }) => space)).toEqual(['kitchen', 'ada']);
    expect(hits[0]?.['score']).toBe(1);
    expect(Number(hits[1]?.['score'])).toBeLessThan(1);
    const own = await ada.api.post('/search', { query: 'oven' });
    expect((own.data['hits'] as readonly object[]).length).toBe(1);
  });

  test('exchange memories: a copy has its own id and all else, and a moved one is in the trash', async () => {
    const { team, ada } = await kitchenTeam();
    const bob = await team.join('bob');
    await team.run('space', 'grant', 'kitchen', 'bob');
    const [first, second] = [await addMemory(ada.api, 'first'), await addMemory(ada.api, 'second')];
    await ada.api.patch(`/memory/${first}`, { tags: ['blue'], metadata: { shelf: 3 } });
    const copied = await ada.api.post('/spaces/ada/copy', { ids: [first], to: 'kitchen' });
    expect(copied.data).toMatchObject({ copied: [{ id: first }], left: [], moved: 0 });
    const [{ copy } = { copy: '' }] = copied.data['copied'] as readonly { copy: string }[];
    expect(copy).not.toBe(first);
    const [there, here] = [
      await ada.api.get(`/spaces/kitchen/memory/${copy}`),
      await ada.api.get(`/memory/${first}`),
    ];
    for (const field of ['text', 'tags', 'metadata', 'created', 'updated']) {
      expect([field, there.data[field]]).toEqual([field, here.data[field]]);
    }
    expect(
      (await ada.api.post('/spaces/ada/copy', { ids: [second], to: 'kitchen', move: true })).data['moved'],
    ).toBe(1);
    expect((await ada.api.get('/memories?which=trash')).text).toContain('second');
    expect((await ada.api.get('/spaces/kitchen/memories')).data['total']).toBe(2);
    const out = await bob.api.post('/spaces/kitchen/copy', { ids: [copy], to: 'bob' });
    expect(out.status).toBe(200);
    expect((await bob.api.post('/spaces/kitchen/copy', { ids: [copy], to: 'bob', move: true })).status).toBe(
      403,
    );
    expect((await bob.api.post('/spaces/bob/copy', { ids: [copy], to: 'kitchen' })).status).toBe(403);
    const onMachine = await team.run('space', 'copy', 'kitchen', 'bob', copy);
    expect(onMachine['copied']).toMatchObject([{ id: copy, existed: true }]);
    expect(await team.run('list', '--space', 'kitchen')).toMatchObject({ total: 2 });
  });
});

export function filesOf(folder: string): string[] {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name));
}
