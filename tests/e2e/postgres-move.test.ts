import { join } from 'node:path';
import { expect, test } from 'vitest';
import { openSqliteStore, temporaryFolder } from '../helpers/sqlite-store.ts';
import { draft } from '../helpers/drafts.ts';
import { runProgram } from '../helpers/run-program.ts';
import { describeWithPostgres } from '../helpers/with-postgres.ts';

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
});
