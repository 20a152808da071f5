import { expect, test } from 'vitest';
import { runProgram } from '../helpers/run-program.ts';
import { temporaryFolder } from '../helpers/sqlite-store.ts';
import { describeWithPostgres } from '../helpers/with-postgres.ts';

const TEAMS = [
  ['servers', {}],
  ['servers of a team, for its space default,', { MEMORY_TEAM: 'true' }],
] as const;

await describeWithPostgres('sync of a space', (server) => {
  test.each(TEAMS)('takes turns between %s and shares memories with a laptop', async (_, team) => {
    const bucket = temporaryFolder();
    const remote = {
      ...{ CLOUD_SYNC_ENABLED: 'true', CLOUD_SYNC_PROVIDER: 'folder', CLOUD_SYNC_BUCKET: bucket },
      CLOUD_SYNC_MODE: 'merge',
    };
    const shared = {
      ...remote,
      ...team,
      MEMORY_STORE: 'postgres',
      MEMORY_DATABASE_URL: await server().createDatabase(),
    };
    const machines = {
      a: { dataDir: temporaryFolder(), env: shared },
      b: { dataDir: temporaryFolder(), env: shared },
      laptop: { dataDir: temporaryFolder(), env: remote },
    };
    const run = async (name: keyof typeof machines, ...args: string[]): Promise<Record<string, unknown>> => {
      const { code, stdout, stderr } = await runProgram([...args, '--json'], machines[name]);
      expect([name, args, code, code === 0 ? '' : stdout + stderr]).toEqual([name, args, 0, '']);
      return JSON.parse(stdout) as Record<string, unknown>;
    };
    await run('a', 'add', 'from server a');
    await run('a', 'sync', 'push');
    await run('b', 'add', 'from server b');
    await run('b', 'sync', 'push');
    await run('laptop', 'sync', 'pull');
    await run('laptop', 'add', 'from the laptop');
    await run('laptop', 'sync', 'push');
    await run('a', 'sync', 'pull');
    await run('b', 'sync', 'push');
    await run('laptop', 'sync', 'pull');
    const all = await Promise.all((['a', 'b', 'laptop'] as const).map((name) => run(name, 'stats')));
    expect(all.map(({ live, conflicts }) => [live, conflicts])).toEqual([
      [3, 0],
      [3, 0],
      [3, 0],
    ]);
    expect(new Set(all.map(({ content_digest }) => content_digest)).size).toBe(1);
    expect(all[0]?.['machine_id']).toBe(all[1]?.['machine_id']);
  });
});
