import { describe, expect, test } from 'vitest';
import { RawServer } from '../helpers/mcp/raw-server.ts';
import { temporaryFolder, WITH_MODEL } from '../helpers/mcp/server-environment.ts';

describe('several servers on one data folder', () => {
  test('may start at the same moment on an empty folder, and all writes are kept', async () => {
    const folder = temporaryFolder();
    const servers = Array.from({ length: 4 }, () => new RawServer(folder));
    await Promise.all(servers.map((server) => server.initialize()));
    const added = await Promise.all(
      servers.flatMap((server, number) =>
        Array.from({ length: 5 }, (_, index) =>
          server.call('memory_add', { text: `fact ${number} ${index}` }),
        ),
      ),
    );
    expect(added.filter(({ isError }) => isError)).toEqual([]);
    for (const server of servers) {
      expect((await server.call('memory_stats')).data).toMatchObject({ live: 20 });
    }
  });

  test('find at once by words what another has just added, and lose at once what another has deleted', async () => {
    const folder = temporaryFolder();
    const [writer, reader] = [new RawServer(folder), new RawServer(folder)];
    await Promise.all([writer.initialize(), reader.initialize()]);
    expect((await reader.call('memory_search', { query: 'tea' })).data['hits']).toEqual([]);
    const { data } = await writer.call('memory_add', { text: 'Ada likes tea' });
    const [{ id }] = data['results'] as [{ id: string }];
    expect((await reader.call('memory_search', { query: 'tea' })).data['hits']).toMatchObject([{ id }]);
    await writer.call('memory_delete', { ids: [id] });
    expect((await reader.call('memory_search', { query: 'tea' })).data['hits']).toEqual([]);
  });

  test('find at once by meaning what another has just added', async () => {
    const folder = temporaryFolder();
    const [writer, reader] = [new RawServer(folder, WITH_MODEL), new RawServer(folder, WITH_MODEL)];
    for (const server of [writer, reader]) {
      await server.initialize();
      await server.call('memory_search', { query: 'warm up', mode: 'vector' });
    }
    await writer.call('memory_add', { text: 'Ada drinks no coffee, only tea' });
    const found = await reader.call('memory_search', { query: 'favourite hot beverage', mode: 'vector' });
    expect(found.data).toMatchObject({ mode: 'vector', hits: [{ text: 'Ada drinks no coffee, only tea' }] });
  });
});
