import { cpSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { freePort } from '../helpers/servers/free-port.ts';
import { RawServer } from '../helpers/mcp/raw-server.ts';
import { temporaryFolder, WITH_MODEL } from '../helpers/mcp/server-environment.ts';

/** What every server without meaning must still do: store, find by words, say why, answer all other tools. */
async function expectWordsOnly(server: RawServer, why: RegExp): Promise<void> {
  await server.initialize();
  const added = await server.call('memory_add', { text: 'Ada likes tea' });
  expect(added.isError).toBe(false);
  // The first memory makes the server try its model; on a busy machine that takes a while.
  const embedding = async (): Promise<string> =>
    JSON.stringify((await server.call('memory_stats')).data['embedding']);
  await expect.poll(embedding).toMatch(why);
  const found = await server.call('memory_search', { query: 'tea' });
  expect(found.data).toMatchObject({ mode: 'keyword', hits: [{ text: 'Ada likes tea' }] });
  expect(found.text).toMatch(why);
  const byWords = await server.call('memory_search', { query: 'tea', mode: 'keyword' });
  expect(byWords.data).toMatchObject({ mode: 'keyword', hits: [{ text: 'Ada likes tea' }] });
  const skipped = await server.call('memory_add', { text: 'Ada likes milk', on_duplicate: 'skip' });
  expect(skipped.data['results']).toMatchObject([{ outcome: 'added' }]);
  const stats = await server.call('memory_stats');
  expect(stats.data).toMatchObject({ live: 2, embedding: { ready: false } });
  expect(JSON.stringify(stats.data['embedding'])).toMatch(why);
  for (const { text } of [added, found, stats]) expect(text).not.toMatch(/\n\s+at /);
}

describe('without search by meaning', () => {
  test('works by words when it is switched off', async () => {
    await expectWordsOnly(new RawServer(temporaryFolder()), /switched off|none|disabled/i);
  });

  test('works by words when the model folder is empty', async () => {
    const folder = temporaryFolder();
    const modelDirectory = join(folder, 'empty');
    mkdirSync(modelDirectory);
    await expectWordsOnly(
      new RawServer(folder, { ...WITH_MODEL, MEMORY_EMBEDDING_MODEL_DIRECTORY: modelDirectory }),
      /model/i,
    );
  });

  test('works by words when a model file is damaged, and names the file', async () => {
    const folder = temporaryFolder();
    const modelDirectory = join(folder, 'damaged');
    cpSync('models/e5-small-v2-int8', modelDirectory, { recursive: true });
    writeFileSync(join(modelDirectory, 'tokenizer.json'), '{"cut off');
    await expectWordsOnly(
      new RawServer(folder, { ...WITH_MODEL, MEMORY_EMBEDDING_MODEL_DIRECTORY: modelDirectory }),
      /tokenizer\.json/,
    );
  });

  test('works by words when nobody listens at the endpoint', async () => {
    const port = await freePort();
    const endpoint = `http://127.0.0.1:${port}/v1`;
    await expectWordsOnly(
      new RawServer(temporaryFolder(), {
        MEMORY_EMBEDDING_PROVIDER: 'openai',
        MEMORY_EMBEDDING_BASE_URL: endpoint,
        MEMORY_EMBEDDING_MODEL: 'some-model',
      }),
      new RegExp(`127\\.0\\.0\\.1:${port}`),
    );
  }, 90_000);
});

describe('without a usable data folder', () => {
  test('answers every call with the folder and a fix, and goes on', async () => {
    const folder = temporaryFolder();
    const dataDir = join(folder, 'file');
    writeFileSync(dataDir, 'a file where the folder should be');
    const server = new RawServer(folder, { MEMORY_DATA_DIR: dataDir });
    await server.initialize();
    for (let attempt = 0; attempt < 2; attempt++) {
      const answer = await server.call('memory_add', { text: 'Ada likes tea' });
      expect(answer.isError).toBe(true);
      expect(answer.text).toContain(dataDir);
      expect(answer.text).toMatch(/^STORE_/);
      expect(answer.text).not.toMatch(/\n\s+at /);
    }
    const { tools } = await server.request('tools/list');
    expect(tools).toHaveLength(10);
    await expect(server.request('resources/read', { uri: 'memory://stats' })).rejects.toThrow(dataDir);
  });

  test('works again without a restart when the folder can be used again', async () => {
    const folder = temporaryFolder();
    const dataDir = join(folder, 'memories');
    writeFileSync(dataDir, '');
    const server = new RawServer(folder, { MEMORY_DATA_DIR: join(dataDir, 'inside') });
    await server.initialize();
    expect((await server.call('memory_stats')).isError).toBe(true);
    rmSync(dataDir);
    expect((await server.call('memory_stats')).isError).toBe(false);
  });
});

describe('with a wrong configuration', () => {
  test('says on stderr what to change, and prints nothing on stdout', async () => {
    const server = new RawServer(temporaryFolder(), { MEMORY_EMBEDDING_PROVIDER: 'magic' });
    const { code } = await server.exited;
    expect(code).toBe(2);
    expect(server.stdout).toBe('');
    expect(server.stderr).toMatch(/MEMORY_EMBEDDING_PROVIDER.*bundled, local, openai, none/s);
  });
});
