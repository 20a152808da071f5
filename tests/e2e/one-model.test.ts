import { readdirSync } from 'node:fs';
import { expect, test, vi } from 'vitest';
import { RawServer } from '../helpers/mcp/raw-server.ts';
import { temporaryFolder, WITH_MODEL } from '../helpers/mcp/server-environment.ts';
import { runProgram } from '../helpers/run-program.ts';

const QUESTION = 'favourite hot beverage of Ada';

/** A folder whose memories have their embeddings. */
async function embeddedMemories(): Promise<string> {
  const dataDir = temporaryFolder();
  await runProgram(['add', 'Ada drinks no coffee, only tea'], { dataDir, env: WITH_MODEL });
  return dataDir;
}

async function startServer(dataDir: string, env: Readonly<Record<string, string>> = {}): Promise<RawServer> {
  const server = new RawServer(dataDir, { ...WITH_MODEL, ...env });
  await server.initialize();
  return server;
}

/** Searches by meaning alone, so that an answer by words is none. */
async function searchByMeaning(server: RawServer): Promise<unknown> {
  const { data, isError } = await server.call('memory_search', { query: QUESTION, mode: 'vector' });
  return { isError, mode: data['mode'], hits: (data['hits'] as unknown[] | undefined)?.length };
}

const FOUND = { isError: false, mode: 'vector', hits: 1 };

async function servedBy(dataDir: string): Promise<string | undefined> {
  const { stdout } = await runProgram(['stats', '--json'], { dataDir, env: WITH_MODEL });
  const { embedding } = JSON.parse(stdout) as { embedding: { details: { servedBy?: string } } };
  return embedding.details.servedBy;
}

test('servers and commands of a data folder use the model of the first one, and another takes over', async () => {
  const dataDir = await embeddedMemories();
  const [first, second, third] = [
    await startServer(dataDir),
    await startServer(dataDir),
    await startServer(dataDir),
  ];
  for (const server of [first, second, third]) expect(await searchByMeaning(server)).toEqual(FOUND);
  expect(await servedBy(dataDir)).toBe(`process ${first.child.pid}`);
  const { stdout } = await runProgram(['search', QUESTION, '--mode', 'vector'], { dataDir, env: WITH_MODEL });
  expect(stdout).toContain('only tea');
  // The server searches for the command, which would say the same by itself.
  const found = async (env: Readonly<Record<string, string>> = {}): Promise<unknown> => {
    const all = { dataDir, env: { ...WITH_MODEL, ...env } };
    return JSON.parse((await runProgram(['search', QUESTION, '--json'], all)).stdout);
  };
  expect(await found()).toEqual(await found({ MEMORY_EMBEDDING_SHARED: 'false' }));
  first.child.kill('SIGKILL');
  const answers = await Promise.all([second, third].map(searchByMeaning));
  expect(answers).toEqual([FOUND, FOUND]);
  expect([`process ${second.child.pid}`, `process ${third.child.pid}`]).toContain(await servedBy(dataDir));
});

test.runIf(process.platform === 'linux')(
  'a server that does not have the model has no thread for searches',
  async () => {
    const dataDir = await embeddedMemories();
    const [first, second] = [await startServer(dataDir), await startServer(dataDir)];
    const alone = await startServer(dataDir, { MEMORY_EMBEDDING_PROVIDER: 'none' });
    const { data } = await alone.call('memory_search', { query: 'tea', mode: 'keyword' });
    expect(data['hits']).toHaveLength(1);
    expect(await searchByMeaning(first)).toEqual(FOUND);
    const third = await startServer(dataDir);
    const threads = ({ child }: RawServer): number => readdirSync(`/proc/${child.pid}/task`).length;
    for (const server of [second, third]) {
      expect(await searchByMeaning(server)).toEqual(FOUND);
      const words = await server.call('memory_search', { query: 'tea', mode: 'keyword' });
      expect(words.data['hits']).toHaveLength(1);
      // Where joining the other process took long, this one searched itself, and keeps the thread for a minute.
      await vi.waitFor(
        async () => {
          expect(await searchByMeaning(server)).toEqual(FOUND);
          expect(threads(server)).toBe(threads(alone) - 1);
        },
        { timeout: 80_000, interval: 1_000 },
      );
    }
  },
  200_000,
);

test('a server has its own model when the setting says so', async () => {
  const dataDir = await embeddedMemories();
  const first = await startServer(dataDir);
  expect(await searchByMeaning(first)).toEqual(FOUND);
  const second = await startServer(dataDir, { MEMORY_EMBEDDING_SHARED: 'false' });
  expect(await searchByMeaning(second)).toEqual(FOUND);
  const { data } = await second.call('memory_stats');
  expect(JSON.stringify(data)).not.toContain('servedBy');
});
