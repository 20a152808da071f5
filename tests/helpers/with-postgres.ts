import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { findPostgres, isPostgresRequired, PostgresServer } from './servers/postgres.ts';

/**
 * Runs tests on a PostgreSQL server that is started for them. Where there is none, they are left out, which is itself a
 * test: it fails when `REQUIRE_SERVERS` names `postgres`.
 */
export async function describeWithPostgres(
  name: string,
  tests: (server: () => PostgresServer) => void,
  options?: readonly string[] | (() => readonly string[]),
): Promise<void> {
  const programs = await findPostgres();
  describe(name, () => {
    test(`PostgreSQL is ${programs === null ? 'left out, and not required' : 'there'}`, () => {
      expect(programs !== null || !isPostgresRequired()).toBe(true);
    });
    if (programs === null) return;
    let running: PostgresServer | undefined;
    beforeAll(async () => {
      running = await PostgresServer.start(programs, typeof options === 'function' ? options() : options);
    });
    afterAll(() => running?.stop());
    tests(() => {
      if (running === undefined) throw new Error('The server runs only inside a test');
      return running;
    });
  });
}
