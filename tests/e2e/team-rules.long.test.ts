import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import type { HttpAnswer } from '../helpers/http-client.ts';
import { addMemory, apiOf, SHARED_TOKEN, startTeam } from '../helpers/team.ts';

describe('quotas', () => {
  test('refuse what is more than a space may hold, also from many at once', async () => {
    const team = await startTeam({ MEMORY_TEAM_SPACE_MEMORIES: '5' });
    const ada = await team.join('ada');
    const id = await addMemory(ada.api, 'number 0');
    const more = Array.from({ length: 8 }, (_, n) =>
      ada.api.post('/memory/add', { text: `number ${n + 1}` }),
    );
    const statuses = (await Promise.all(more)).map(({ status }) => status).sort();
    expect(statuses).toEqual([201, 201, 201, 201, 507, 507, 507, 507]);
    const refused = await ada.api.post('/memory/add', { text: 'one more' });
    expect([refused.status, refused.data['code'], refused.data['detail']]).toEqual([
      507,
      'QUOTA_EXCEEDED',
      'The space "ada" has 5 memories, and may have 5; this was not stored',
    ]);
    const imported = await ada.api.send('/import', {
      method: 'POST',
      body: '{"text":"imported"}\n',
      headers: { Authorization: `Bearer ${ada.token}`, 'Content-Type': 'application/x-ndjson' },
    });
    expect([imported.status, imported.data['code']]).toEqual([507, 'QUOTA_EXCEEDED']);
    expect((await ada.api.get('/stats')).data['live']).toBe(5);
    expect((await ada.api.patch(`/memory/${id}`, { text: 'number zero' })).status).toBe(200);
    expect((await ada.api.remove(`/memory/${id}`)).status).toBe(200);
    await addMemory(ada.api, 'in its place');
    expect((await ada.api.post(`/memory/${id}/restore`, {})).data['code']).toBe('QUOTA_EXCEEDED');
  });

  test('refuse bytes, and requests above the rate with the time to wait', async () => {
    const team = await startTeam({ MEMORY_TEAM_SPACE_MIB: '1', MEMORY_TEAM_PERSON_RATE: '20' });
    const [ada, bob] = [await team.join('ada'), await team.join('bob')];
    const large = await ada.api.post('/memory/add', { text: 'word '.repeat(19_000) });
    expect(large.status).toBe(201);
    const answers: HttpAnswer[] = [];
    for (let n = 0; n < 12; n += 1)
      answers.push(await ada.api.post('/memory/add', { text: `${n} `.repeat(45_000) }));
    expect(answers.at(-1)).toMatchObject({ status: 507, data: { code: 'QUOTA_EXCEEDED' } });
    for (let n = 0; n < 20; n += 1) answers.push(await ada.api.get('/stats'));
    const limited = answers.at(-1);
    expect([limited?.status, limited?.data['code']]).toEqual([429, 'RATE_LIMITED']);
    const wait = Number(limited?.headers.get('retry-after'));
    expect(wait > 0 && wait <= 60).toBe(true);
    expect((await bob.api.get('/stats')).status).toBe(200);
  });

  test('count a request for metrics once', async () => {
    const team = await startTeam({ MEMORY_TEAM_PERSON_RATE: '2' });
    const shared = apiOf(team.server.address, SHARED_TOKEN);
    const untilMinuteEnds = 60_000 - (Date.now() % 60_000);
    if (untilMinuteEnds < 10_000) await new Promise((resolve) => setTimeout(resolve, untilMinuteEnds));
    const statuses: number[] = [];
    for (let n = 0; n < 3; n += 1) statuses.push((await shared.get('/metrics')).status);
    expect(statuses).toEqual([200, 200, 429]);
  });

  test('of a space are not used up by people without a role in it', async () => {
    const team = await startTeam({ MEMORY_TEAM_SPACE_RATE: '20' });
    const [ada, eve] = [await team.join('ada'), await team.join('eve')];
    expect((await ada.api.post('/spaces', { id: 'kitchen' })).status).toBe(201);
    for (let n = 0; n < 25; n += 1) await eve.api.get('/spaces/kitchen/memories');
    expect((await ada.api.get('/spaces/kitchen/memories')).status).toBe(200);
  });

  test('bound how many shared spaces a person owns', async () => {
    const team = await startTeam({ MEMORY_TEAM_PERSON_SPACES: '1' });
    const ada = await team.join('ada');
    expect((await ada.api.post('/spaces', { id: 'one' })).status).toBe(201);
    expect((await ada.api.post('/spaces', { id: 'two' })).status).toBe(403);
  });
});

describe('the audit log', () => {
  test('says who did what in a space, to its owners, and has no text', async () => {
    const team = await startTeam();
    const [ada, bob, eve] = [await team.join('ada'), await team.join('bob'), await team.join('eve')];
    await team.run('space', 'create', 'kitchen', '--owner', 'ada');
    await ada.api.post('/spaces/kitchen/members', { person: 'bob', role: 'writer' });
    await addMemory(bob.api, 'the word is periwinkle', '/spaces/kitchen');
    await bob.api.post('/search', { query: 'periwinkle', spaces: ['kitchen'] });
    await eve.api.get('/spaces/kitchen/memories');
    const { data } = await ada.api.get('/spaces/kitchen/audit');
    expect(data['lines']).toMatchObject([
      { person: 'eve', action: 'space.enter', refused: 'NOT_FOUND' },
      { person: 'bob', action: 'memory.search', count: 1 },
      { person: 'bob', action: 'memory.add', count: 1 },
      { person: 'ada', action: 'member.writer', about: 'bob' },
      { person: 'console', action: 'space.create', about: 'ada' },
    ]);
    expect((await bob.api.get('/spaces/kitchen/audit')).status).toBe(403);
    const page = await ada.api.get('/spaces/kitchen/audit?limit=2');
    const next = await ada.api.get(`/spaces/kitchen/audit?limit=2&before=${String(page.data['next'])}`);
    expect(next.data['lines']).toMatchObject([{ action: 'memory.add' }, { action: 'member.writer' }]);
    const byBob = await team.run('space', 'audit', 'kitchen', '--person', 'bob');
    expect(byBob['lines']).toHaveLength(2);
    expect(readFileSync(join(team.memories, 'team.db')).includes('periwinkle')).toBe(false);
  });
});

describe('more spaces than may be open', () => {
  test('are closed and opened again under load, and lose nothing', async () => {
    const team = await startTeam({ MEMORY_TEAM_OPEN_SPACES: '2', MEMORY_LOG_LEVEL: 'warn' });
    const ada = await team.join('ada');
    const spaces = Array.from({ length: 6 }, (_, n) => `space-${n}`);
    for (const id of spaces) await ada.api.post('/spaces', { id });
    const writers = spaces.map(async (space) => {
      for (let n = 0; n < 12; n += 1) await addMemory(ada.api, `${space} has ${n}`, `/spaces/${space}`);
    });
    await Promise.all(writers);
    for (const space of spaces) {
      const { data } = await ada.api.get(`/spaces/${space}/memories?limit=100`);
      const texts = (data['memories'] as readonly { text: string }[]).map(({ text }) => text);
      expect([space, texts.length, texts.every((text) => text.startsWith(space))]).toEqual([space, 12, true]);
    }
    expect(team.server.stderr()).not.toMatch(/could not be closed/);
  }, 60_000);
});

describe('the removal of a space', () => {
  test('asks, and keeps what was acknowledged, while others write', async () => {
    const team = await startTeam();
    const ada = await team.join('ada');
    const acknowledged: string[] = [];
    for (let round = 0; round < 4; round += 1) {
      const space = `round-${round}`;
      await ada.api.post('/spaces', { id: space });
      acknowledged.length = 0;
      let refusals = 0;
      const writers = Array.from({ length: 6 }, async (_, writer) => {
        for (let n = 0; n < 200 && refusals < 6; n += 1) {
          const text = `${writer} wrote ${n}`;
          const { status } = await ada.api.post(`/spaces/${space}/memory/add`, { text });
          if (status === 201) acknowledged.push(text);
          else {
            expect([404, 503]).toContain(status);
            refusals += 1;
          }
        }
      });
      await new Promise((resolve) => setTimeout(resolve, 50 + 50 * round));
      // Half of the rounds by a request, half by a command beside the running server.
      if (round % 2 === 0) {
        const asked = await ada.api.remove(`/spaces/${space}`);
        expect([asked.status, asked.data['code']]).toEqual([409, 'CONFIRMATION_NEEDED']);
        expect((await ada.api.remove(`/spaces/${space}?confirm=true`)).status).toBe(200);
      } else await team.run('space', 'remove', space, '--yes');
      await Promise.all(writers);
      expect((await ada.api.get(`/spaces/${space}/memories`)).status).toBe(404);
      expect(existsSync(join(team.memories, 'spaces', space))).toBe(false);
      expect(acknowledged.length).toBeGreaterThan(0);
      await team.run('space', 'restore', space);
      const { data } = await ada.api.get(`/spaces/${space}/memories?limit=1000`);
      const kept = new Set((data['memories'] as readonly { text: string }[]).map(({ text }) => text));
      expect(acknowledged.filter((text) => !kept.has(text))).toEqual([]);
    }
  }, 120_000);
});

describe('a person', () => {
  test('is exported whole, and erased so that no file has a text, token or name of theirs', async () => {
    const team = await startTeam();
    const [ada, bob] = [await team.join('ada-lovelace'), await team.join('bob')];
    await team.run('space', 'create', 'kitchen', '--owner', 'bob');
    await team.run('space', 'grant', 'kitchen', 'ada-lovelace', '--role', 'writer');
    const id = await addMemory(ada.api, 'my doctor is called quicksilver');
    await ada.api.patch(`/memory/${id}`, { text: 'my doctor is called quicksand' });
    await ada.api.post('/backup', {});
    await addMemory(bob.api, 'bob keeps this');
    // Lines are written once a second, and before they are read.
    expect((await ada.api.get('/spaces/ada-lovelace/audit')).status).toBe(200);
    const file = join(team.server.dataDir, 'ada.zip');
    const exported = await team.run('user', 'export', 'ada-lovelace', file);
    expect(exported).toMatchObject({ facts: 1, tokens: 1 });
    expect(Number(exported['audit'])).toBeGreaterThan(2);
    const places = (word: string): string[] => filesWith(team.memories, word);
    expect(places('quicksilver').length).toBeGreaterThan(0);
    expect(places('ada-lovelace').length).toBeGreaterThan(0);
    // The server still has lines to write when she is erased.
    await Promise.all(Array.from({ length: 5 }, () => ada.api.get('/memories')));
    const erased = await team.run('user', 'erase', 'ada-lovelace', '--yes');
    expect((await bob.api.get('/spaces/kitchen/audit')).status).toBe(200);
    expect(erased).toMatchObject({ spaces: 1, tokens: 1, sharedSpaces: ['kitchen'] });
    expect(JSON.stringify(erased['elsewhere'])).toContain('kitchen');
    for (const word of ['quicksilver', 'quicksand', 'ada-lovelace', ada.token.slice(3, 13)]) {
      expect([word, places(word)]).toEqual([word, []]);
    }
    expect(readdirSync(join(team.memories, 'spaces')).sort()).toEqual(['bob', 'kitchen']);
    expect((await ada.api.get('/stats')).status).toBe(401);
    expect((await apiOf(team.server.address, bob.token).get('/memories')).text).toContain('bob keeps this');
    const { lines } = await team.run('space', 'audit', '--person', String(erased['pseudonym']));
    expect((lines as readonly object[]).length).toBeGreaterThan(2);
  });
});

/** Files whose bytes have the word, write-ahead logs and backups included. */
function filesWith(folder: string, word: string): string[] {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name))
    .filter((file) => file.includes(word) || readFileSync(file).includes(word));
}
