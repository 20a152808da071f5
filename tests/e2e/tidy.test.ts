import { expect, test } from 'vitest';
import { httpClient } from '../helpers/http-client.ts';
import { startServer } from '../helpers/http-server.ts';
import { RawServer } from '../helpers/mcp/raw-server.ts';
import { temporaryFolder } from '../helpers/mcp/server-environment.ts';
import { runProgram } from '../helpers/run-program.ts';

type Data = Readonly<Record<string, unknown>>;

async function json(dataDir: string, ...args: string[]): Promise<Data> {
  const { stdout, stderr, code } = await runProgram([...args, '--json'], { dataDir });
  expect([args, code, stderr]).toEqual([args, 0, '']);
  return JSON.parse(stdout) as Data;
}

test('tidy shows first, makes a backup, and the backup undoes it', async () => {
  const dataDir = temporaryFolder();
  for (const text of ['???', 'test', 'Ada likes tea']) await json(dataDir, 'add', text);
  expect(await json(dataDir, 'tidy')).toMatchObject({ dry_run: true, counts: { junk: 2 }, removed: 0 });
  expect((await json(dataDir, 'stats'))['live']).toBe(3);
  const done = await json(dataDir, 'tidy', '--apply', '--yes', '--kind', 'junk');
  expect(done).toMatchObject({
    dry_run: false,
    removed: 2,
    undo: expect.stringMatching(/^pre_tidy_/) as string,
  });
  expect(await json(dataDir, 'stats')).toMatchObject({ live: 1, trash: 2 });
  await json(dataDir, 'restore', String(done['undo']), '--yes');
  expect(await json(dataDir, 'stats')).toMatchObject({ live: 3, trash: 0 });
});

test('over REST without confirm it is a proposal, whose token does it once', async () => {
  const api = httpClient((await startServer()).address);
  const { data: added } = await api.post('/memory/add', { text: '???' });
  const { data: proposal } = await api.post('/memory/tidy', { kinds: ['junk'] });
  expect(proposal).toMatchObject({ dry_run: true, junk: [{ id: added['id'] }], removed: 0 });
  const { confirm } = proposal;
  const wrong = await api.post('/memory/tidy', { confirm: 'another' });
  expect(wrong).toMatchObject({ status: 409, data: { code: 'STATE_CHANGED' } });
  const done = await api.post('/memory/tidy', { kinds: ['junk'], confirm });
  expect(done).toMatchObject({ status: 200, data: { removed: 1, undo: expect.any(String) as string } });
  const { data: backups } = await api.get('/backups');
  expect(backups['backups']).toMatchObject([{ name: done.data['undo'] }]);
});

test('times, pins and successors are the same at every edge', async () => {
  const dataDir = temporaryFolder();
  const mcp = new RawServer(dataDir);
  await mcp.initialize();
  const first = { text: 'Staging runs on 8443', occurred_at: '2026-01-31T12:00:00Z', pinned: true };
  const added = await mcp.call('memory_add', first);
  const [{ id: old } = { id: '' }] = added.data['results'] as { id: string }[];
  const { id } = await json(
    dataDir,
    'add',
    'Staging runs on 9000',
    '--supersedes',
    old,
    '--expires',
    '9000-01-01T00:00:00Z',
  );
  const { memories } = await json(dataDir, 'get', old, String(id));
  expect(memories).toMatchObject([
    { superseded_by: id, metadata: { occurred_at: '2026-01-31T12:00:00.000Z', pinned: true } },
    { metadata: { supersedes: old, expires: '9000-01-01T00:00:00.000Z' } },
  ]);
  const found = await mcp.call('memory_search', { query: 'staging runs on 8443' });
  expect(found.data['hits']).toMatchObject([
    { id },
    { id: old, superseded_by: id, occurred_at: '2026-01-31' },
  ]);
  expect(found.text).toContain(`replaced by ${String(id)}`);
  const api = httpClient((await startServer({ dataDir })).address);
  await api.send(`/memory/${old}`, {
    method: 'PATCH',
    headers: { 'Content-Type': 'application/json' },
    body: JSON.stringify({ text: 'Staging ran on 8443', pinned: false, expires: '30d' }),
  });
  expect((await api.get(`/memory/${old}`)).data).toMatchObject({ text: 'Staging ran on 8443' });
  const early = await api.get(`/memory/${old}?as_of=2020-01-01`);
  expect(early.status).toBe(404);
  const none = await mcp.call('memory_get', { ids: [old], as_of: '2020-01-01' });
  expect(none.data).toMatchObject({ memories: [], absent: [old] });
  const bad = await mcp.call('memory_add', { text: 'x', occurred_at: 'some day' });
  expect(bad).toMatchObject({ isError: true, text: expect.stringContaining('occurred_at') as string });
  const both = await runProgram(['update', old, '--pin', '--unpin'], { dataDir });
  expect(both.code).toBe(2);
});
