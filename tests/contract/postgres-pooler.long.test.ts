import { expect, test } from 'vitest';
import { findPgBouncer, isPgBouncerRequired, PgBouncer } from '../helpers/servers/pgbouncer.ts';
import { describeOnPostgres } from './on-postgres.ts';

const program = await findPgBouncer();

test(`PgBouncer is ${program === null ? 'left out, and not required' : 'there'}`, () => {
  expect(program !== null || !isPgBouncerRequired()).toBe(true);
});

if (program !== null) {
  let bouncer: PgBouncer | undefined;
  await describeOnPostgres('servers on PostgreSQL behind PgBouncer in transaction mode', {
    ownFolders: true,
    pooler: {
      start: async (server) => {
        bouncer = await PgBouncer.start(program, server);
      },
      stop: async () => bouncer?.stop(),
      url: (address) => bouncer?.url(address) ?? address,
    },
  });
}
