import { afterEach, describe, expect, test } from 'vitest';
import { findPgBouncer, isPgBouncerRequired, PgBouncer } from '../helpers/servers/pgbouncer.ts';
import { digestOf, Replica, TeamLoad, textsOf } from '../helpers/team-load.ts';
import { describeWithPostgres } from '../helpers/with-postgres.ts';

const program = await findPgBouncer();

await describeWithPostgres('replicas behind PgBouncer in transaction mode', (server) => {
  test(`PgBouncer is ${program === null ? 'left out, and not required' : 'there'}`, () => {
    expect(program !== null || !isPgBouncerRequired()).toBe(true);
  });
  if (program === null) return;

  describe('with an empty database', () => {
    const replicas: Replica[] = [];
    let bouncer: PgBouncer | undefined;
    afterEach(async () => {
      await Promise.all(replicas.splice(0).map((replica) => replica.stop()));
      await bouncer?.stop();
    });

    test('make the tables together, and lose and double nothing when it is killed under load', async () => {
      const made = (bouncer = await PgBouncer.start(program, server()));
      const url = await server().createDatabase();
      const env = {
        MEMORY_STORE: 'postgres',
        MEMORY_DATABASE_URL: made.url(url),
        MEMORY_HTTP_RATE_LIMIT: '0',
      };
      replicas.push(new Replica(env), new Replica(env));
      await Promise.all(replicas.map((replica) => replica.start()));
      const load = new TeamLoad(replicas, 6);
      await load.more(30);
      await made.kill();
      await made.begin();
      await load.more(30);
      // Its sessions of the server end in the middle of transactions of its clients.
      await server().endSessions(url);
      await load.more(30);
      await load.stop();
      const digests = async (): Promise<number> =>
        new Set((await Promise.all(replicas.map(digestOf))).map((digest) => JSON.stringify(digest))).size;
      await expect.poll(digests, { timeout: 2_000 }).toBe(1);
      for (const replica of replicas) {
        const texts = await textsOf(replica);
        expect(new Set(texts).size).toBe(texts.length);
        expect([...load.acknowledged].filter((text) => !texts.includes(text))).toEqual([]);
      }
      // Many connections of the replicas, few of the server.
      const used = `SELECT count(*)::integer AS count FROM pg_stat_activity WHERE datname = current_database()`;
      const [row] = await server().sql(`${used} AND pid <> pg_backend_pid()`, url);
      expect(row?.['count']).toBeLessThanOrEqual(3);
    });
  });
});
