import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { openDatabase } from '../../src/store/sqlite/engine.ts';
import { hasBrowser, launchBrowser } from '../helpers/browser.ts';
import { runHookProgram } from '../helpers/hooks/hook-runs.ts';
import { httpClient } from '../helpers/http-client.ts';
import { startServer } from '../helpers/http-server.ts';
import { RawServer } from '../helpers/mcp/raw-server.ts';
import { temporaryFolder } from '../helpers/mcp/server-environment.ts';
import { expectAccessible } from '../helpers/page/expect-accessible.ts';
import { openPage } from '../helpers/page/open-page.ts';
import { runProgram } from '../helpers/run-program.ts';
import { databasePath } from '../helpers/sqlite-store.ts';

/** For a machine that is busy with other tests. */
const PATIENT = { MEMORY_HOOKS_PROMPT_MS: '10000' };

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

/** Lets what happened until now be 20 days ago, with 60 searches today that found nothing. */
function twentyDaysLater(dataDir: string): void {
  const database = openDatabase(databasePath(join(dataDir, 'memories')));
  database.exec(`UPDATE memory SET updated_at = updated_at - 30 * 86400000;
    INSERT INTO searched SELECT day + 1, 60, 99 FROM searched;
    UPDATE searched SET day = day - 20 WHERE searches < 60;
    UPDATE searched SET day = day - 1 WHERE searches = 60;`);
  database.close();
}

test('facts that no search, tool or hook has given are shown by tidy, and go only when that is asked for', async () => {
  const dataDir = temporaryFolder();
  const server = await startServer({ dataDir });
  const api = httpClient(server.address);
  for (const text of [
    'Ada likes tea',
    'The oven is hot',
    'Jam is red',
    'Milk is white',
    'Kitchen salt is sharp',
  ])
    await api.post('/memory/add', { text });
  expect((await api.post('/search', { query: 'oven', mode: 'keyword' })).data['hits']).toHaveLength(1);
  await api.get('/memory?limit=100');
  expect((await api.post('/memory/tidy', {})).data).toMatchObject({
    unused: [],
    searched: { searches: 1, unused: null },
  });
  await server.stop();
  const mcp = new RawServer(dataDir);
  await mcp.initialize();
  await mcp.call('memory_search', { query: 'milk', mode: 'keyword' });
  mcp.child.stdin.end();
  await mcp.exited;
  await json(dataDir, 'search', 'jam', '--mode', 'keyword');
  const prompt = 'is the kitchen salt sharp?';
  const hook = await runHookProgram('prompt', { prompt, cwd: dataDir }, { dataDir, env: PATIENT });
  expect(hook.context).toContain('Kitchen salt is sharp');
  twentyDaysLater(dataDir);
  const shown = await json(dataDir, 'tidy');
  expect(shown).toMatchObject({
    unused: [{ text: 'Ada likes tea' }],
    counts: { unused: 0 },
    searched: { searches: 63, unused: 1 },
  });
  const { stdout } = await runProgram(['tidy'], { dataDir });
  expect(stdout).toMatch(
    /Never found in 63 searches since \d{4}-\d\d-\d\d: 1; they go only with --kind unused:/,
  );
  expect(stdout).toContain('There is nothing to tidy up.');
  await json(dataDir, 'tidy', '--apply', '--yes');
  expect((await json(dataDir, 'stats'))['live']).toBe(5);
  const done = await json(dataDir, 'tidy', '--apply', '--yes', '--kind', 'unused');
  expect(done).toMatchObject({ removed: 1, undo: expect.stringMatching(/^pre_tidy_/) as string });
  expect(await json(dataDir, 'stats')).toMatchObject({ live: 4, trash: 1 });
});

test.runIf(hasBrowser)(
  'the page lets them go only by a button of their own, and says how to undo it',
  async () => {
    const dataDir = temporaryFolder();
    const before = await startServer({ dataDir });
    const api = httpClient(before.address);
    for (const text of ['Ada likes tea', 'The oven is hot', '???']) await api.post('/memory/add', { text });
    expect((await api.post('/search', { query: 'oven', mode: 'keyword' })).data['hits']).toHaveLength(1);
    await before.stop();
    twentyDaysLater(dataDir);
    const { address } = await startServer({ dataDir });
    const browser = await launchBrowser();
    onTestFinished(() => browser.close());
    const { page, visit } = await openPage(browser, address);
    await visit('trash');
    const tidy = page.getByRole('region', { name: 'Tidy up' });
    await tidy.getByRole('button', { name: 'Look what could go' }).click();
    await tidy
      .getByRole('heading', { name: /^Never found in 61 searches since .*: 1; these stay$/ })
      .waitFor();
    await tidy.getByRole('button', { name: 'Move 1 memory to the trash' }).waitFor();
    await tidy.getByRole('link', { name: 'Ada likes tea' }).waitFor();
    await tidy.getByRole('button', { name: 'Also those that were never found' }).click();
    await tidy.getByRole('heading', { name: /^Never found in 61 searches since .*: 1$/ }).waitFor();
    await expectAccessible(page, 'tidy');
    expect((await httpClient(address).get('/stats')).data['live']).toBe(3);
    await tidy.getByRole('button', { name: 'Move 2 memories to the trash' }).click();
    await page
      .getByText(/2 memories are in the trash\. The backup pre_tidy_\S+ from before undoes it\./)
      .waitFor();
    const left = (await httpClient(address).get('/memories')).data['memories'];
    expect(left).toMatchObject([{ text: 'The oven is hot' }]);
    await page.getByText('2 deleted memories').waitFor();
  },
);

test('at the start of a session there is a brief whose facts count as given', async () => {
  const dataDir = temporaryFolder();
  await json(dataDir, 'add', 'Ada likes tea');
  const { context } = await runHookProgram('session-start', { cwd: dataDir }, { dataDir });
  expect(context).toContain('Ada likes tea');
  await json(dataDir, 'search', 'nothing of the kind', '--mode', 'keyword');
  twentyDaysLater(dataDir);
  expect(await json(dataDir, 'tidy')).toMatchObject({ unused: [], searched: { unused: 0 } });
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
