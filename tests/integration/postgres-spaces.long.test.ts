import { existsSync, mkdirSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, describe, expect, test } from 'vitest';
import { DatabaseHome } from '../../src/app/space-homes.ts';
import { resolveConfig } from '../../src/config/resolve.ts';
import { PostgresPeopleStore } from '../../src/people/postgres-people-store.ts';
import { PreparedDatabase } from '../../src/store/postgres/prepared-database.ts';
import { SpaceRows } from '../../src/store/postgres/space-rows.ts';
import { SharedThreads, startWorkerStore, type WorkerStore } from '../../src/store/worker/client.ts';
import { draft } from '../helpers/drafts.ts';
import { WireProxy } from '../helpers/servers/wire-proxy.ts';
import { temporaryFolder } from '../helpers/sqlite-store.ts';
import { fencedDatabase } from '../helpers/team-on-postgres.ts';
import { describeWithPostgres } from '../helpers/with-postgres.ts';

const SCHEMA = 'faiss_memory';
/** All spaces of one server share so many connections: 4 for reads and 6 for changes, and 4 of the thread of searches. */
const MOST_CONNECTIONS = 14;

await describeWithPostgres('spaces of one server', (server) => {
  const closing: (() => Promise<void>)[] = [];
  afterEach(async () => {
    for (const close of closing.splice(0).reverse()) await close();
  });

  function prepared(url: string): PreparedDatabase {
    const database = new PreparedDatabase({ url, schema: SCHEMA });
    closing.push(() => database.close());
    return database;
  }

  /** The stores of some spaces, as a server has them. */
  async function open(url: string, spaces: readonly string[]): Promise<WorkerStore[]> {
    const rows = new SpaceRows(prepared(url));
    const threads = new SharedThreads();
    const folder = temporaryFolder();
    closing.push(() => threads.close());
    const stores: WorkerStore[] = [];
    for (const space of spaces) {
      await rows.create(space, crypto.randomUUID());
      const dataDir = join(folder, space);
      stores.push(
        startWorkerStore({ dataDir, database: { url, schema: SCHEMA, space, ofTeam: true } }, threads),
      );
    }
    return stores;
  }

  test('do not each wait for a database that is silent, and are searched all the same', async () => {
    const proxy = await WireProxy.start(server().port);
    closing.push(() => proxy.close());
    const spaces = Array.from({ length: 6 }, (_, number) => `silent-${number}`);
    const stores = await open(proxy.url(await server().createDatabase()), spaces);
    const scale = { depth: 50, usualGap: null, trust: 1 };
    const ranking = { scale, preference: { period: undefined, project: null } };
    const asked = {
      filter: {},
      limit: 9,
      best: 5,
      words: 'apple',
      standingsAt: 0,
      neighbours: false,
      ranking,
    };
    const search = async ({ memory }: WorkerStore): Promise<number> => (await memory.best(asked)).best.length;
    for (const store of stores) {
      await store.memory.add([draft('apple')]);
      expect(await search(store)).toBe(1);
    }
    proxy.harm({ kind: 'swallow' });
    const begun = performance.now();
    expect(await Promise.all(stores.map(search))).toEqual(spaces.map(() => 1));
    // One of them waits two seconds; two at a time, all of them would wait six.
    expect(performance.now() - begun).toBeLessThan(5_000);
  });

  test('do not wait for the slow commits of each other, neither with reads nor with writes', async () => {
    const url = await server().createDatabase();
    const slow = ['slow-1', 'slow-2', 'slow-3'];
    const [fast, ...slowOnes] = await open(url, ['fast', ...slow]);
    if (fast === undefined) throw new Error('it was opened');
    for (const store of [fast, ...slowOnes]) await store.memory.add([draft('the first fact')]);
    await server().sql(
      `CREATE FUNCTION pause() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN PERFORM pg_sleep(0.5); RETURN NULL; END $$;
       CREATE CONSTRAINT TRIGGER slow_commit AFTER INSERT ON ${SCHEMA}.entry DEFERRABLE INITIALLY DEFERRED
         FOR EACH ROW WHEN (NEW.space LIKE 'slow%') EXECUTE FUNCTION pause()`,
      url,
    );
    let isOver = false;
    const commits = slowOnes.map(async ({ memory }) => {
      let count = 0;
      for (; !isOver; count += 1) await memory.add([draft(`slow fact ${count}`)]);
      return count;
    });
    const times: number[] = [];
    const begun = performance.now();
    for (let n = 0; performance.now() - begun < 2_500; n += 1) {
      const start = performance.now();
      await fast.memory.add([draft(`fast fact ${n}`)]);
      await fast.memory.stats();
      times.push(performance.now() - start);
    }
    isOver = true;
    const counts = await Promise.all(commits);
    // Each of the slow ones committed again and again meanwhile.
    expect(Math.min(...counts)).toBeGreaterThanOrEqual(2);
    const median = times.sort((a, b) => a - b)[Math.floor(times.length / 2)] ?? Infinity;
    expect(median).toBeLessThan(250);
  });

  test('share a bounded number of connections, however many are open', async () => {
    const url = await server().createDatabase();
    const spaces = Array.from({ length: 60 }, (_, n) => `space-${n}`);
    const stores = await open(url, spaces);
    await Promise.all(stores.map(({ memory }, n) => memory.add([draft(`fact of ${n}`)])));
    await Promise.all(stores.map(({ memory }) => memory.getCurrent([])));
    const [row] = await server().sql(
      `SELECT count(*)::integer AS count FROM pg_stat_activity
       WHERE application_name = 'faiss-memory' AND datname = current_database()`,
      url,
    );
    // Two more made the tables and the spaces.
    expect(Number(row?.['count'])).toBeLessThanOrEqual(MOST_CONNECTIONS + 2);
    for (const { memory } of stores) expect((await memory.stats()).live).toBe(1);
  });

  test('have a fence in the database: a statement for another space sees and changes nothing', async () => {
    const { url, ownerUrl } = await fencedDatabase(server());
    const [ada] = await open(url, ['ada', 'bob']);
    await ada?.memory.add([draft('the secret of Ada')]);
    const database = prepared(url);
    const texts = async (space: string | undefined): Promise<unknown[]> =>
      database.run(`SELECT text FROM ${SCHEMA}.version WHERE $1::text IS NOT NULL`, ['x'], {
        withinMs: 5_000,
        space,
      });
    expect(await texts('ada')).toEqual([{ text: 'the secret of Ada' }]);
    expect([await texts('bob'), await texts(undefined)]).toEqual([[], []]);
    const scope = { withinMs: 5_000, space: 'bob' };
    expect(
      await database.run(`DELETE FROM ${SCHEMA}.version WHERE space = $1 RETURNING 1`, ['ada'], scope),
    ).toEqual([]);
    await expect(
      database.run(`INSERT INTO ${SCHEMA}.lease VALUES ($1, 'x', 'y', now())`, ['ada'], scope),
    ).rejects.toThrow(/row-level security|permission/);
    const inTransaction = await database.transaction(
      (statement) => statement(`SELECT text FROM ${SCHEMA}.version`),
      { withinMs: 5_000, space: 'bob' },
    );
    expect(inTransaction).toEqual([]);
    // The view obeys too, and nothing stays in the session.
    const view = (): ReturnType<typeof texts> =>
      database.run(`SELECT text FROM ${SCHEMA}.memory WHERE $1 <> ''`, ['x'], { withinMs: 5_000 });
    if (await server().hasViewsOfReaders()) expect(await view()).toEqual([]);
    else await expect(view()).rejects.toThrow('permission denied for view memory');
    expect(await server().sql(`SELECT text FROM ${SCHEMA}.memory`, ownerUrl)).toHaveLength(1);
  });

  describe('indexes of them', () => {
    test('are removed when the space is gone, and when nobody used them for a day', async () => {
      const url = await server().createDatabase();
      const database = prepared(url);
      const people = new PostgresPeopleStore(prepared(url));
      const folder = temporaryFolder();
      const { settings } = resolveConfig({
        ...{ env: {}, platform: 'linux', homeDirectory: folder, workingDirectory: folder },
      });
      const home = new DatabaseHome(database, { ...settings, dataDir: folder });
      for (const id of ['used', 'idle', 'trash', 'open']) {
        await people.addSpace({ id, name: id, kind: 'shared', created: 1, removed: null }, 'ada');
        await home.create(id);
      }
      await people.setRemoved('trash', 5, null);
      const indexOf = (space: string): string => join(folder, 'spaces', space, 'index.sqlite');
      for (const space of ['used', 'idle', 'trash', 'open', 'erased']) {
        mkdirSync(join(folder, 'spaces', space), { recursive: true });
        writeFileSync(indexOf(space), 'x');
      }
      const longAgo = new Date(Date.now() - 2 * 86_400_000);
      for (const space of ['idle', 'open']) utimesSync(indexOf(space), longAgo, longAgo);
      const closed: string[] = [];
      await home.sweep(new Set(['open']), async (space, work) => {
        expect(existsSync(indexOf(space))).toBe(true);
        closed.push(space);
        await work();
      });
      const left = ['used', 'idle', 'trash', 'open', 'erased'].filter((space) => existsSync(indexOf(space)));
      expect([left, closed.sort()]).toEqual([
        ['used', 'open'],
        ['erased', 'idle', 'trash'],
      ]);
      await expect(home.erase({ id: 'used', removed: 5 })).rejects.toThrow(/changed/);
      await expect(home.erase({ id: 'trash', removed: 4 })).rejects.toThrow(/changed/);
      expect(await home.toTidy(['used', 'idle'])).toEqual([]);
      await home.erase({ id: 'trash', removed: 5 });
      await expect(home.bringBack('trash')).rejects.toThrow('There is no space');
    });
  });
});
