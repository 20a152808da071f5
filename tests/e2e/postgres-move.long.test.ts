import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { openSqliteStore, temporaryFolder } from '../helpers/sqlite-store.ts';
import { draft } from '../helpers/drafts.ts';
import { runProgram } from '../helpers/run-program.ts';
import { startServer } from '../helpers/http-server.ts';
import type { PostgresServer } from '../helpers/servers/postgres.ts';
import { addMemory, apiOf, SHARED_TOKEN, startTeam } from '../helpers/team.ts';
import { describeWithPostgres } from '../helpers/with-postgres.ts';

async function tablesOf(server: PostgresServer, url: string): Promise<unknown[]> {
  return server.sql(`SELECT schemaname FROM pg_tables WHERE schemaname LIKE 'faiss%'`, url);
}

await describeWithPostgres('move', (server) => {
  test('copies all into an empty space and back, compares, and refuses a place with other memories', async () => {
    const dataDir = temporaryFolder();
    const source = openSqliteStore(join(dataDir, 'memories'));
    const outcomes = await source.add(
      Array.from({ length: 700 }, (_, number) => draft(`fact ${number}`, { tags: ['x'] })),
    );
    await source.delete([outcomes[0]?.memory.id ?? '']);
    await source.purge([outcomes[1]?.memory.id ?? '']);
    const { stateDigest } = await source.stats();
    await source.close();
    const url = await server().createDatabase();
    const env = { MEMORY_DATABASE_URL: url };
    const run = async (
      ...args: string[]
    ): Promise<{ code: number | null; data: Record<string, unknown>; stderr: string }> => {
      const { code, stdout, stderr } = await runProgram(['move', ...args, '--json'], { dataDir, env });
      return { code, data: JSON.parse(stdout) as Record<string, unknown>, stderr };
    };
    const counts = { live: 698, trash: 1, memories: 700, state_digest: stateDigest };
    expect(await run('--to', 'postgres', '--dry-run')).toMatchObject({
      code: 0,
      data: { outcome: 'planned', source: counts, target: { memories: 0 } },
    });
    expect(await tablesOf(server(), url)).toEqual([]);
    expect(await run('--to', url)).toMatchObject({
      code: 0,
      data: { outcome: 'moved', source: counts, target: counts },
    });
    expect(
      await server().sql(
        "SELECT count(*)::integer AS live FROM faiss_memory.memory WHERE state = 'live'",
        url,
      ),
    ).toEqual([{ live: 698 }]);
    expect(await run('--to', 'postgres')).toMatchObject({ code: 0, data: { outcome: 'equal' } });
    const back = join(dataDir, 'back');
    expect(await run('--from', 'postgres', '--to', back)).toMatchObject({
      code: 0,
      data: { outcome: 'moved', target: counts },
    });
    const copy = openSqliteStore(back);
    expect((await copy.stats()).stateDigest).toBe(stateDigest);
    await copy.add([draft('another fact')]);
    await copy.close();
    const refused = await run('--from', back, '--to', 'postgres');
    expect(refused.code).not.toBe(0);
    expect(JSON.stringify(refused)).toContain('has 700 memories already');
    expect(await run()).toMatchObject({ data: { error: { code: 'INVALID_INPUT' } } });
  });

  test('copies a team with people, tokens, spaces, trash and the audit log, there and back', async () => {
    const team = await startTeam();
    const [ada, bob] = [await team.join('ada'), await team.join('bob')];
    await addMemory(ada.api, 'Ada likes green tea');
    const deleted = await addMemory(ada.api, 'in the trash of Ada');
    await ada.api.remove(`/memory/${deleted}`);
    await addMemory(apiOf(team.server.address, SHARED_TOKEN), 'kept in the data folder itself');
    await team.run('space', 'create', 'kitchen', '--owner', 'ada');
    await team.run('space', 'grant', 'kitchen', 'bob', '--role', 'writer');
    await addMemory(bob.api, 'The kettle is new', '/spaces/kitchen');
    await team.run('space', 'create', 'attic', '--owner', 'bob');
    await addMemory(bob.api, 'The attic leaks', '/spaces/attic');
    await team.run('space', 'remove', 'attic', '--yes');
    await team.run('user', 'invite', 'bob');
    await ada.api.get('/spaces/ada/audit');
    const url = await server().createDatabase();
    const env = { MEMORY_TEAM: 'true', MEMORY_DATABASE_URL: url };
    const { dataDir } = team.server;
    const move = async (...args: string[]): Promise<Record<string, unknown>> => {
      const { code, stdout, stderr } = await runProgram(['move', ...args, '--json'], { dataDir, env });
      expect([args, code, code === 0 ? '' : stdout + stderr]).toEqual([args, 0, '']);
      return JSON.parse(stdout) as Record<string, unknown>;
    };
    const planned = await move('--to', 'postgres', '--dry-run');
    expect(planned).toMatchObject({ outcome: 'planned', people: 2, tokens: 2 });
    expect(await tablesOf(server(), url)).toEqual([]);
    const moved = await move('--to', 'postgres');
    expect(moved['spaces']).toMatchObject([
      { id: 'ada', live: 1, trash: 1 },
      { id: 'attic', live: 1 },
      { id: 'bob', live: 0 },
      { id: 'default', live: 1 },
      { id: 'kitchen', live: 1 },
    ]);
    expect(Number(moved['audit_lines'])).toBeGreaterThan(5);
    expect(await move('--to', 'postgres')).toMatchObject({ outcome: 'equal', spaces: moved['spaces'] });
    // The same tokens open the same memories.
    const onPostgres = await startServer({
      env: { ...env, MEMORY_STORE: 'postgres', MEMORY_HTTP_TOKEN: SHARED_TOKEN },
    });
    const adaThere = apiOf(onPostgres.address, ada.token);
    expect((await adaThere.get('/memories')).text).toContain('green tea');
    expect((await adaThere.get('/spaces/kitchen/memories')).data['total']).toBe(1);
    expect((await apiOf(onPostgres.address, bob.token).get('/spaces/attic/memories')).status).toBe(404);
    expect((await adaThere.get('/spaces/ada/audit')).text).toContain('memory.add');
    await onPostgres.stop();
    const back = join(dataDir, 'back');
    const returned = await move('--from', 'postgres', '--to', back);
    expect(returned['spaces']).toEqual(moved['spaces']);
    expect(existsSync(join(back, 'spaces-trash', 'attic', 'memory.sqlite'))).toBe(true);
    expect(await move('--from', 'postgres', '--to', back)).toMatchObject({ outcome: 'equal' });
  }, 120_000);
});
