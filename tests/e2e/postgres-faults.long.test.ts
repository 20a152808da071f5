import { setTimeout as delay } from 'node:timers/promises';
import { afterEach, expect, test } from 'vitest';
import { digestOf, Replica, TeamLoad, textsOf } from '../helpers/team-load.ts';
import { describeWithPostgres } from '../helpers/with-postgres.ts';

const ROUNDS = 6;
/** Commits are on the disk when they are acknowledged, as usual. */
const DURABLE: readonly string[] = [];

await describeWithPostgres(
  'faults of servers on PostgreSQL',
  (server) => {
    const replicas: Replica[] = [];
    afterEach(async () => {
      await Promise.all(replicas.splice(0).map((replica) => replica.stop()));
    });

    test('lose and double no acknowledged write, and leave all servers equal', async () => {
      const env = {
        MEMORY_STORE: 'postgres',
        MEMORY_DATABASE_URL: await server().createDatabase(),
        MEMORY_HTTP_RATE_LIMIT: '0',
      };
      replicas.push(...[1, 2, 3, 4].map(() => new Replica(env)));
      for (const replica of replicas) await replica.start();
      const load = new TeamLoad(replicas, 8);
      for (let round = 0; round < ROUNDS; round += 1) {
        const victim = replicas[round % replicas.length];
        await load.more(60);
        await server().sql(
          `SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'faiss-memory'`,
        );
        await load.more(20);
        await (round % 2 === 0 ? victim?.kill() : victim?.lose());
        await load.more(20);
        await server().crash();
        await delay(Math.random() * 1_000);
        await server().begin();
        await victim?.start();
      }
      await load.more(60);
      await load.stop();
      const before = performance.now();
      const digests = async (): Promise<number> =>
        new Set((await Promise.all(replicas.map(digestOf))).map((digest) => JSON.stringify(digest))).size;
      await expect.poll(digests, { timeout: 10_000 }).toBe(1);
      const equalAfterMs = performance.now() - before;
      for (const replica of replicas) {
        const texts = await textsOf(replica);
        expect(new Set(texts).size).toBe(texts.length);
        expect([...load.acknowledged].filter((text) => !texts.includes(text))).toEqual([]);
      }
      expect(load.acknowledged.size).toBeGreaterThan(ROUNDS * 100);
      // For the record of a run.
      console.log(
        `${load.acknowledged.size} writes acknowledged, ${load.refused} refused, equal after ${Math.round(equalAfterMs)} ms`,
      );
    });
  },
  DURABLE,
);
