import { afterEach, beforeEach, describe, expect, onTestFinished, test } from 'vitest';
import type { PostgresServer } from '../helpers/servers/postgres.ts';
import { digestOf, Replica, TeamLoad, textsOf } from '../helpers/team-load.ts';
import { describeWithPostgres } from '../helpers/with-postgres.ts';

/** Commits are on the disk when they are acknowledged, as usual. */
const DURABLE: readonly string[] = [];

/** The address of one database on both servers. */
function bothOf(url: string, standby: PostgresServer): string {
  return url.replace(/@[^/]*/, (place) => `${place},127.0.0.1:${standby.port}`);
}

async function digests(replicas: readonly Replica[]): Promise<number> {
  return new Set((await Promise.all(replicas.map(digestOf))).map((digest) => JSON.stringify(digest))).size;
}

/** @returns milliseconds until all replicas were equal */
async function untilEqual(replicas: readonly Replica[]): Promise<number> {
  const begun = performance.now();
  await expect.poll(() => digests(replicas), { timeout: 2_000, interval: 20 }).toBe(1);
  return Math.round(performance.now() - begun);
}

await describeWithPostgres(
  'PostgreSQL with a standby',
  (server) => {
    describe('a failover', () => {
      const replicas: Replica[] = [];
      let standby: PostgresServer;
      let url: string;

      beforeEach(async () => {
        url = await server().createDatabase();
        standby = await server().startStandby();
      });

      afterEach(async () => {
        await Promise.all(replicas.splice(0).map((replica) => replica.stop()));
        await standby.stop();
        await server().kill();
        await server().begin();
      });

      async function start(count: number): Promise<void> {
        const env = {
          MEMORY_STORE: 'postgres',
          MEMORY_DATABASE_URL: bothOf(url, standby),
          MEMORY_HTTP_RATE_LIMIT: '0',
        };
        const made = Array.from({ length: count }, () => new Replica(env));
        replicas.push(...made);
        await Promise.all(made.map((replica) => replica.start()));
      }

      test('with synchronous replication loses and doubles no acknowledged write', async () => {
        await server().sql(`ALTER SYSTEM SET synchronous_standby_names = 'standby'`);
        await server().sql('SELECT pg_reload_conf()');
        onTestFinished(async () => {
          await server().sql('ALTER SYSTEM RESET synchronous_standby_names');
          await server().sql('SELECT pg_reload_conf()');
        });
        await start(4);
        const load = new TeamLoad(replicas, 8);
        await load.more(150);
        await server().kill();
        const killed = performance.now();
        await replicas[3]?.kill();
        await standby.promote();
        await load.more(1);
        const back = Math.round(performance.now() - killed);
        await load.more(60);
        await replicas[3]?.start();
        await load.more(60);
        await load.stop();
        const equalMs = await untilEqual(replicas);
        for (const replica of replicas) {
          const texts = await textsOf(replica);
          expect(new Set(texts).size).toBe(texts.length);
          expect([...load.acknowledged].filter((text) => !texts.includes(text))).toEqual([]);
        }
        // For the record of a run.
        console.log(
          `synchronous: ${load.acknowledged.size} acknowledged, ${load.refused} refused, 0 lost, 0 doubled; first write ${back} ms after the kill, equal after ${equalMs} ms`,
        );
      });

      test('with asynchronous replication loses only what the standby never had, and leaves all equal', async () => {
        await start(3);
        const load = new TeamLoad(replicas, 6);
        await load.more(60);
        const before = new Set(load.acknowledged);
        await untilReceived();
        // The standby stops receiving: what is written now is on the primary alone.
        await standby.kill();
        await load.more(40);
        await server().kill();
        await load.pause();
        const during = new Set(load.acknowledged);
        await standby.begin();
        await standby.promote();
        load.resume();
        await load.more(60);
        await load.stop();
        const equalMs = await untilEqual(replicas);
        const texts = await textsOf(replicas[0] ?? raise());
        expect(new Set(texts).size).toBe(texts.length);
        const lost = [...load.acknowledged].filter((text) => !texts.includes(text));
        expect(lost.length).toBeGreaterThan(0);
        expect(lost.filter((text) => before.has(text) || !during.has(text))).toEqual([]);
        for (const replica of replicas) expect((await textsOf(replica)).sort()).toEqual([...texts].sort());
        console.log(
          `asynchronous: ${load.acknowledged.size} acknowledged, ${lost.length} lost of the ${during.size - before.size} that the standby may not have had, 0 doubled, equal after ${equalMs} ms`,
        );
      });

      test('does not use the old primary when it comes back, also in servers that start later', async () => {
        await start(2);
        const [a, b] = replicas;
        if (a === undefined || b === undefined) throw new Error('two replicas were started');
        const add = async (replica: Replica, text: string): Promise<number> =>
          (await replica.api.post('/memory/add', { text })).status;
        expect(await add(a, 'before')).toBe(201);
        await expect
          .poll(async () => (await standby.sql('SELECT text FROM faiss_memory.memory', onStandby())).length)
          .toBe(1);
        await server().kill();
        await standby.promote();
        await expect.poll(() => add(a, 'after')).toBe(201);
        await server().begin();
        expect(await add(a, 'more')).toBe(201);
        await b.lose();
        await b.start();
        expect(await add(b, 'of the new one')).toBe(201);
        expect((await textsOf(b)).sort()).toEqual(['after', 'before', 'more', 'of the new one']);
        expect(await digests(replicas)).toBe(1);
        expect(await server().sql('SELECT text FROM faiss_memory.memory', url)).toEqual([{ text: 'before' }]);
      });

      /** An acknowledgement does not wait for the standby. */
      async function untilReceived(): Promise<void> {
        const [row] = await server().sql('SELECT pg_current_wal_flush_lsn()::text AS position');
        const position = `'${String(row?.['position'])}'::pg_lsn`;
        await expect
          .poll(() => server().sql(`SELECT flush_lsn >= ${position} AS received FROM pg_stat_replication`))
          .toEqual([{ received: true }]);
      }

      function onStandby(): string {
        return standby.url(url.split('/').at(-1));
      }
    });
  },
  DURABLE,
);

function raise(): never {
  throw new Error('replicas were started');
}
