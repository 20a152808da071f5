import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import type { HttpAnswer, HttpClient } from '../helpers/http-client.ts';
import { runProgram } from '../helpers/run-program.ts';
import { idsOf } from '../helpers/rest-memories.ts';
import { addMemory, apiOf, SHARED_TOKEN } from '../helpers/team.ts';
import { startTeamOnPostgres } from '../helpers/team-on-postgres.ts';
import { temporaryFolder } from '../helpers/sqlite-store.ts';
import { describeWithPostgres } from '../helpers/with-postgres.ts';

/** What was taken away counts on every server after a second; the rest is for a busy machine. */
const SOON = { timeout: 4_000, interval: 50 };

/** The first list that is not said to be old, which a busy server may say. */
async function freshList(api: HttpClient, path: string): Promise<HttpAnswer> {
  let answer = await api.get(path);
  for (let more = 20; more > 0 && typeof answer.data['stale'] === 'string'; more -= 1)
    answer = await api.get(path);
  return answer;
}

await describeWithPostgres('a team on PostgreSQL', (server) => {
  test('has its people, spaces and roles on every server, and commands work from any machine', async () => {
    const team = await startTeamOnPostgres(server());
    const [ada, bob] = [await team.join('ada'), await team.join('bob')];
    const b = await team.replica();
    const [adaB, bobB] = [apiOf(b.address, ada.token), apiOf(b.address, bob.token)];
    const id = await addMemory(ada.api, 'The spare key is under the fern');
    expect(idsOf(await adaB.post('/search', { query: 'key' }), 'hits')).toEqual([id]);
    expect((await bobB.post('/search', { query: 'key' })).text).not.toContain('fern');
    const elsewhere = { dataDir: temporaryFolder(), env: team.env };
    const command = async (...args: string[]): Promise<void> => {
      const { code, stdout, stderr } = await runProgram([...args, '--json'], elsewhere);
      expect([args, code, code === 0 ? '' : stdout + stderr]).toEqual([args, 0, '']);
    };
    await command('space', 'create', 'kitchen', '--owner', 'ada');
    await command('space', 'grant', 'kitchen', 'bob', '--role', 'writer');
    await addMemory(bobB, 'The kettle is new', '/spaces/kitchen');
    const both = await adaB.post('/search', { query: 'key kettle', spaces: ['ada', 'kitchen'] });
    expect(idsOf(both, 'hits')).toHaveLength(2);
    const copied = await ada.api.post('/spaces/ada/copy', { ids: [id], to: 'kitchen', move: true });
    expect(copied.data).toMatchObject({ moved: 1 });
    expect((await bobB.get('/spaces/kitchen/memories')).data['total']).toBe(2);
    await command('list', '--space', 'kitchen');
    expect((await apiOf(b.address, SHARED_TOKEN).get('/memories')).data['total']).toBe(0);
    // Neither people nor indexes of spaces stay where a command ran, unless it named the space.
    expect(readdirSync(join(elsewhere.dataDir, 'memories', 'spaces'))).toEqual(['kitchen']);
    expect(existsSync(join(elsewhere.dataDir, 'memories', 'team.db'))).toBe(false);
    // A role and a token that are taken away count on the other server too.
    await command('space', 'revoke', 'kitchen', 'bob');
    await expect.poll(async () => (await bobB.get('/spaces/kitchen/memories')).status, SOON).toBe(404);
    expect((await bob.api.get('/memories')).status).toBe(200);
    expect((await bobB.get('/memories')).status).toBe(200);
    await bob.api.remove(`/tokens/${bob.token.slice(0, 13)}`);
    await expect.poll(async () => (await bobB.get('/memories')).status, SOON).toBe(401);
    const { lines } = await team.run('space', 'audit', 'kitchen');
    expect(JSON.stringify(lines)).toMatch(/member\.revoke.*memory\.importBatch|memory\.add/);
  }, 60_000);

  test('keeps what was acknowledged when a space is removed under writers on two servers', async () => {
    const team = await startTeamOnPostgres(server());
    const ada = await team.join('ada');
    const b = await team.replica();
    const places = [ada.api, apiOf(b.address, ada.token)];
    for (let round = 0; round < 3; round += 1) {
      const space = `round-${round}`;
      await ada.api.post('/spaces', { id: space });
      const acknowledged: string[] = [];
      const writers = Array.from({ length: 4 }, async (_, writer) => {
        const api = places[writer % 2] ?? ada.api;
        for (let n = 0, refusals = 0; n < 300 && refusals < 5; n += 1) {
          const text = `${writer} wrote ${n}`;
          const { status } = await api.post(`/spaces/${space}/memory/add`, { text });
          if (status === 201) acknowledged.push(text);
          else {
            expect([404, 503]).toContain(status);
            refusals += 1;
          }
        }
      });
      await expect.poll(() => acknowledged.length, { timeout: 20_000 }).toBeGreaterThan(5);
      if (round === 0) await team.run('space', 'remove', space, '--yes');
      else expect((await places[1]?.remove(`/spaces/${space}?confirm=true`))?.status).toBe(200);
      await Promise.all(writers);
      for (const api of places)
        await expect.poll(async () => (await api.get(`/spaces/${space}/memories`)).status, SOON).toBe(404);
      const asked = await runProgram(['list', '--space', space], {
        dataDir: temporaryFolder(),
        env: team.env,
      });
      expect([asked.code === 0, asked.stderr]).toEqual([false, expect.stringContaining('There is no space')]);
      await team.run('space', 'restore', space);
      for (const api of places) {
        const { status, data, text } = await freshList(api, `/spaces/${space}/memories?limit=1000`);
        expect([status, status === 200 ? '' : text]).toEqual([200, '']);
        const kept = new Set((data['memories'] as readonly { text: string }[]).map((memory) => memory.text));
        expect(acknowledged.filter((one) => !kept.has(one))).toEqual([]);
      }
    }
  }, 120_000);

  test('erases a person from every table, and makes the space anew without anything of before', async () => {
    const team = await startTeamOnPostgres(server());
    const [ada, bob] = [await team.join('ada-lovelace'), await team.join('bob')];
    const b = await team.replica();
    await team.run('space', 'create', 'kitchen', '--owner', 'bob');
    await team.run('space', 'grant', 'kitchen', 'ada-lovelace', '--role', 'writer');
    const id = await addMemory(ada.api, 'my doctor is called quicksilver');
    await ada.api.patch(`/memory/${id}`, { text: 'my doctor is called quicksand' });
    const gone = await addMemory(apiOf(b.address, ada.token), 'my dentist is called cinnabar');
    await ada.api.remove(`/memory/${gone}`);
    expect((await ada.api.get('/spaces/ada-lovelace/audit')).status).toBe(200);
    const file = join(temporaryFolder(), 'ada.zip');
    expect(await team.run('user', 'export', 'ada-lovelace', file)).toMatchObject({
      ...{ facts: 1, trash: 1, tokens: 1 },
    });
    expect(await team.everything()).toMatch(/quicksilver.*ada-lovelace|ada-lovelace.*quicksilver/s);
    await apiOf(b.address, ada.token).get('/memories');
    const erased = await team.run('user', 'erase', 'ada-lovelace', '--yes');
    expect(erased).toMatchObject({ spaces: 1, tokens: 1, sharedSpaces: ['kitchen'] });
    expect(JSON.stringify(erased['elsewhere'])).toContain('VACUUM');
    await bob.api.get('/spaces/kitchen/audit');
    const rest = await team.everything();
    for (const word of ['quicksilver', 'quicksand', 'cinnabar', 'ada-lovelace', ada.token.slice(3, 13)])
      expect([word, rest.includes(word)]).toEqual([word, false]);
    await expect.poll(async () => (await apiOf(b.address, ada.token).get('/stats')).status, SOON).toBe(401);
    // Another person may have the id, and gets an empty space also where the old one was open.
    const again = await team.join('ada-lovelace');
    expect((await apiOf(b.address, again.token).get('/memories')).data['total']).toBe(0);
    await addMemory(apiOf(b.address, again.token), 'a new beginning');
    expect((await again.api.get('/memories')).data['total']).toBe(1);
    expect(readFileSync(file).length).toBeGreaterThan(100);
  }, 60_000);

  test('takes no memories that somebody else keeps under the id of a new space', async () => {
    const team = await startTeamOnPostgres(server());
    await team.join('ada');
    const other = {
      dataDir: temporaryFolder(),
      env: { ...team.env, MEMORY_DATABASE_URL: team.ownerUrl, MEMORY_DATABASE_SPACE: 'kitchen' },
    };
    expect((await runProgram(['add', 'kept by another server'], other)).code).toBe(0);
    const refused = await team.tryRun('space', 'create', 'kitchen', '--owner', 'ada');
    expect([refused.code === 0, refused.stdout + refused.stderr]).toEqual([
      false,
      expect.stringContaining('kitchen'),
    ]);
    const added = await team.run('user', 'add', 'kitchen@example.org');
    expect(added['space']).toBe('kitchen-2');
    const wrong = await runProgram(['user', 'list'], {
      dataDir: temporaryFolder(),
      env: { ...team.env, MEMORY_TEAM: 'true', MEMORY_DATABASE_SPACE: 'kitchen' },
    });
    expect([wrong.code === 0, wrong.stderr]).toEqual([
      false,
      expect.stringContaining('MEMORY_DATABASE_SCHEMA'),
    ]);
  }, 60_000);

  test('bounds spaces by what the database has', async () => {
    const team = await startTeamOnPostgres(server(), {
      MEMORY_TEAM_SPACE_MIB: '1',
      MEMORY_EMBEDDING_PROVIDER: 'none',
    });
    const ada = await team.join('ada');
    const statuses: number[] = [];
    for (let n = 0; n < 12; n += 1)
      statuses.push(
        (await ada.api.post('/memory/add', { text: `${n % 10} `.repeat(45_000) + String(n) })).status,
      );
    expect(statuses.filter((status) => status === 201).length).toBeGreaterThanOrEqual(8);
    expect(statuses.at(-1)).toBe(507);
  }, 60_000);

  describe('without the database', () => {
    test('people go on reading for a while, nobody writes, and strangers stay out', async () => {
      const team = await startTeamOnPostgres(server());
      const ada = await team.join('ada');
      await addMemory(ada.api, 'The heron waits at the pond');
      await ada.api.get('/memories');
      await server().crash();
      try {
        const search = await ada.api.post('/search', { query: 'heron' });
        expect([search.status, idsOf(search, 'hits').length]).toEqual([200, 1]);
        expect(search.data['note']).toMatch(/The shared database/);
        const refused = await ada.api.post('/memory/add', { text: 'The heron flies away' });
        expect([refused.status, refused.data['code']]).toEqual([503, 'STORE_UNAVAILABLE']);
        const stranger = apiOf(team.server.address, `${ada.token.slice(0, -1)}x`);
        expect((await stranger.get('/memories')).status).toBe(401);
        const unknown = apiOf(team.server.address, `fm_0000000000_${ada.token.slice(14)}`);
        expect((await unknown.get('/memories')).status).toBe(503);
      } finally {
        await server().begin();
      }
      await expect
        .poll(async () => (await ada.api.post('/memory/add', { text: 'The heron flies away' })).status, {
          timeout: 10_000,
        })
        .toBe(201);
    }, 60_000);
  });
});
