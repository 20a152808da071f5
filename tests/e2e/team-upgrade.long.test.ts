import { cpSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { ComposedTeam, looksOfCaddy, type ReplicaName } from '../helpers/composed-team.ts';
import { httpClient } from '../helpers/http-client.ts';
import { temporaryFolder } from '../helpers/mcp/server-environment.ts';
import { findCaddy, isCaddyRequired } from '../helpers/servers/caddy.ts';
import { describeWithPostgres } from '../helpers/with-postgres.ts';

/** The built program as the next version might be: with one more addition to the tables. @returns its path */
function nextVersion(): string {
  const folder = temporaryFolder();
  cpSync('dist', join(folder, 'dist'), { recursive: true });
  for (const name of ['models', 'node_modules', 'vendor']) symlinkSync(resolve(name), join(folder, name));
  const description = JSON.parse(readFileSync('package.json', 'utf8')) as object;
  writeFileSync(join(folder, 'package.json'), JSON.stringify({ ...description, version: '99.0.0' }));
  const addition = '"CREATE TABLE @.of_the_next_version (id integer)"';
  const changed = readdirSync(join(folder, 'dist'), { recursive: true, encoding: 'utf8' }).filter((name) => {
    if (!name.endsWith('.js')) return false;
    const path = join(folder, 'dist', name);
    const text = readFileSync(path, 'utf8');
    const next = text.replace(/ADDITIONS = \[([\w, ]+)\]/, `ADDITIONS = [$1, ${addition}]`);
    if (next !== text) writeFileSync(path, next);
    return next !== text;
  });
  expect(changed).toHaveLength(1);
  return join(folder, 'dist', 'bin', 'faiss-memory.js');
}

/** Clients of the front door that write and search all the time, and send nothing twice. */
class Visitors {
  readonly written: string[] = [];
  searches = 0;
  readonly failures: string[] = [];
  readonly #team: ComposedTeam;
  readonly #running: Promise<void>[];
  #leaving = false;

  constructor(team: ComposedTeam) {
    this.#team = team;
    this.#running = [
      this.#write('ada'),
      this.#write('bob'),
      this.#write('eve'),
      this.#search(),
      this.#search(),
    ];
  }

  async leave(): Promise<void> {
    this.#leaving = true;
    await Promise.all(this.#running);
  }

  async #write(name: string): Promise<void> {
    for (let number = 0; !this.#leaving; number += 1) {
      const text = `${name} saw bird number ${number}`;
      // A copy would be a memory of its own.
      if (await this.#send('/memory/add', { text, on_duplicate: 'add' }, 201)) this.written.push(text);
    }
  }

  async #search(): Promise<void> {
    while (!this.#leaving) {
      if (await this.#send('/search', { query: 'bird' }, 200)) this.searches += 1;
    }
  }

  async #send(path: string, body: object, expected: number): Promise<boolean> {
    const headers = { Authorization: `Bearer ${this.#team.token}`, 'Content-Type': 'application/json' };
    try {
      const answer = await this.#team.fetch(this.#team.address + path, {
        ...{ method: 'POST', headers, body: JSON.stringify(body) },
      });
      const text = await answer.text();
      if (answer.status !== expected) this.failures.push(`${path} ${answer.status} ${text.slice(0, 300)}`);
      return answer.status === expected;
    } catch (error) {
      this.failures.push(`${path} ${String(error)}`);
      return false;
    }
  }
}

const caddy = await findCaddy();

test(`Caddy is ${caddy === null ? 'left out, and not required' : 'there'}`, () => {
  expect(caddy !== null || !isCaddyRequired()).toBe(true);
});

if (caddy !== null)
  await describeWithPostgres('an upgrade of one replica after the other', (server) => {
    let running: { readonly team: ComposedTeam; readonly url: string } | undefined;
    beforeAll(async () => {
      const url = await server().createDatabase();
      running = { url, team: await ComposedTeam.start({ caddy, databaseUrl: url }) };
    });
    afterAll(() => running?.team.stop());

    test('fails no request, loses none and doubles none, there and back', async () => {
      if (running === undefined) throw new Error('The team was not started');
      const { team, url } = running;
      const next = nextVersion();
      const api = (name: ReplicaName): ReturnType<typeof httpClient> =>
        httpClient(team.addressOf(name), { Authorization: `Bearer ${team.token}` });
      const visitors = new Visitors(team);
      const versions: unknown[] = [];
      for (const program of [next, undefined]) {
        for (const name of ['memory-1', 'memory-2'] as const) {
          const before = visitors.written.length;
          expect(await team.end(name)).toBe(0);
          await team.begin(name, program);
          await expect.poll(() => looksOfCaddy(team, name)).toBeGreaterThan(3);
          const both = visitors.written.length;
          await expect.poll(() => visitors.written.length).toBeGreaterThan(both + 20);
          expect(visitors.written.length).toBeGreaterThan(before + 20);
          const { info } = (await api(name).get('/openapi.json')).data as { info: { version: string } };
          versions.push(info.version === '99.0.0' ? 'next' : 'this');
        }
      }
      await visitors.leave();
      expect(visitors.failures).toEqual([]);
      expect(versions).toEqual(['next', 'next', 'this', 'this']);
      expect(visitors.searches).toBeGreaterThan(20);
      const rows = await server().sql('SELECT text FROM faiss_memory.memory ORDER BY text', url);
      expect(rows.map(({ text }) => text)).toEqual([...visitors.written].sort());
      expect(await server().sql('SELECT version, additions FROM faiss_memory.schema_version', url)).toEqual([
        { version: 1, additions: 3 },
      ]);
      const digests = await Promise.all(
        (['memory-1', 'memory-2'] as const).map(
          async (name) => (await api(name).get('/stats')).data['state_digest'],
        ),
      );
      expect(digests[0]).toEqual(digests[1]);
    });
  });
