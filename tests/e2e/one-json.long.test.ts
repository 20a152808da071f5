import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test, vi } from 'vitest';
import { httpClient } from '../helpers/http-client.ts';
import { startServer } from '../helpers/http-server.ts';
import { connectV1 } from '../helpers/mcp/clients.ts';
import { temporaryFolder } from '../helpers/mcp/server-environment.ts';
import { runProgram } from '../helpers/run-program.ts';
import { glue } from '../helpers/secret-samples.ts';

type Data = Readonly<Record<string, unknown>>;

/** The three ways to one data folder; each gives the JSON of its answer. */
interface Edges {
  readonly rest: (method: 'GET' | 'POST' | 'PATCH' | 'DELETE', path: string, body?: object) => Promise<Data>;
  readonly mcp: (tool: string, input?: Record<string, unknown>) => Promise<Data>;
  readonly cli: (...args: readonly string[]) => Promise<Data>;
}

async function openEdges(): Promise<Edges> {
  const dataDir = temporaryFolder();
  const remote = join(temporaryFolder(), 'remote');
  mkdirSync(remote);
  // Nothing is backed up or uploaded by itself, so that the three see the same.
  const env = {
    CLOUD_SYNC_ENABLED: 'true',
    CLOUD_SYNC_PROVIDER: 'folder',
    CLOUD_SYNC_BUCKET: remote,
    MEMORY_BACKUP_ENABLED: 'false',
  };
  const server = await startServer({ dataDir, env });
  const http = httpClient(server.address);
  const client = await connectV1(dataDir, env);
  return {
    rest: async (method, path, body) => {
      const headers = { 'Content-Type': 'application/json' };
      const json = body === undefined ? {} : { headers, body: JSON.stringify(body) };
      const answer = await http.send(path, { method, ...json });
      expect([path, answer.status < 300, answer.text]).toEqual([path, true, answer.text]);
      return answer.data;
    },
    mcp: async (tool, input) => {
      const { data, isError, text } = await client.call(tool, input);
      expect([tool, isError, text]).toEqual([tool, false, text]);
      return data;
    },
    cli: async (...args) => {
      const run = await runProgram([...args, '--json'], { dataDir, env });
      expect([args, run.code, run.stderr]).toEqual([args, 0, '']);
      return JSON.parse(run.stdout) as Data;
    },
  };
}

/** The same without members that differ from call to call. */
function without(data: Data, ...names: readonly string[]): Data {
  return Object.fromEntries(Object.entries(data).filter(([name]) => !names.includes(name)));
}

function listOf(data: Data, name: string): readonly Data[] {
  return data[name] as readonly Data[];
}

/** The first of a list that must have one. */
function first(data: Data, name: string): Data {
  return listOf(data, name)[0] ?? {};
}

test('memories have one JSON over MCP, REST and the command line', async () => {
  const { rest, mcp, cli } = await openEdges();
  const about = { tags: ['ops'], source: 'wiki' };
  const added = [
    await rest('POST', '/memory/add', { text: 'The staging server is 10.0.0.5', ...about }),
    await cli('add', 'The build server is 10.0.0.6', '--tag', 'ops', '--source', 'wiki'),
    { ...first(await mcp('memory_add', { text: 'The mail server is 10.0.0.7', ...about }), 'results') },
  ];
  const [byRest = {}, byCli = {}, byMcp = {}] = added;
  expect(without(byCli, 'id')).toEqual(without(byRest, 'id'));
  expect(without(byMcp, 'id')).toEqual(without(byRest, 'id', 'compared'));
  const id = String(byRest['id']);
  const again = { text: 'The staging server is 10.0.0.5', tags: ['ops', 'staging'], source: 'wiki' };
  const gained = await rest('POST', '/memory/add', again);
  expect(gained).toMatchObject({ id, outcome: 'existing', gained: ['tags'] });
  expect(await cli('add', again.text, '--tag', 'ops', '--source', 'wiki')).toEqual(without(gained, 'gained'));

  const patched = await rest('PATCH', `/memory/${id}`, { metadata: { onDuplicate: 'a name of the user' } });
  const updated = await cli('update', id, '--metadata', 'owner=Ann');
  expect(Object.keys(updated)).toEqual(Object.keys(patched));
  const found = await rest('GET', `/memory/${id}`);
  expect(found).toMatchObject({
    metadata: { onDuplicate: 'a name of the user', owner: 'Ann' },
    versions: expect.any(Array) as unknown[],
  });
  expect(await cli('get', id)).toEqual({ memories: [found] });
  expect(found).toMatchObject(first(await mcp('memory_get', { ids: [id] }), 'memories'));

  const page = await rest('GET', '/memories?limit=2');
  expect(page).toMatchObject({ total: 3, next_cursor: expect.any(String) as string });
  expect(await cli('list', '--limit', '2')).toEqual(page);
  expect(await mcp('memory_list', { limit: 2 })).toEqual(page);

  const hits = await rest('POST', '/search', { query: 'server', mode: 'keyword' });
  expect(listOf(hits, 'hits')).toHaveLength(3);
  expect(await cli('search', 'server', '--mode', 'keyword')).toEqual(hits);
  const dated = await mcp('memory_search', { query: 'server', mode: 'keyword' });
  const undated = (data: Data): Data[] => listOf(data, 'hits').map((hit) => without(hit, 'created'));
  expect(undated(dated)).toEqual(undated(hits));

  const stats = without(await rest('GET', '/stats'), 'bytes');
  expect(without(await cli('stats'), 'bytes')).toEqual(stats);
  expect(stats).toMatchObject(without(await mcp('memory_stats'), 'bytes'));
  expect(Object.keys(stats)).toEqual(expect.arrayContaining(['machine', 'state', 'content']));

  const dryRun = await rest('POST', '/memory/delete-by-source', { source: 'wiki' });
  expect(dryRun).toMatchObject({ dry_run: true, count: 3, confirm: expect.any(String) as string });
  expect(await cli('delete', '--source', 'wiki', '--dry-run')).toEqual(dryRun);
  const inBrief = { ...dryRun, examples: listOf(dryRun, 'examples').map((example) => example['id']) };
  expect(await mcp('memory_delete', { source: 'wiki', dry_run: true })).toEqual(inBrief);
  expect(await rest('DELETE', `/memory/${id}`)).toEqual({ deleted: 1 });
  expect(await cli('delete', String(byCli['id']))).toEqual({ deleted: 1 });
  expect(await cli('list', '--trash')).toEqual(await rest('GET', '/memories?which=trash'));
  const back = await rest('POST', `/memory/${id}/restore`);
  await rest('DELETE', `/memory/${id}`);
  expect(listOf(await cli('restore-deleted', id), 'memories').map((one) => without(one, 'updated'))).toEqual([
    without(back, 'updated'),
  ]);
  expect(await cli('delete', '--source', 'nowhere', '--yes')).toEqual({
    dry_run: false,
    count: 0,
    examples: [],
  });
});

test('backups and sync have one JSON over MCP, REST and the command line', async () => {
  const { rest, mcp, cli } = await openEdges();
  await rest('POST', '/memory/add', { text: 'known before the first backup' });
  const uploads = [
    await rest('POST', '/sync/upload', { name: 'by_rest' }),
    await cli('backup', '--name', 'by_cli'),
    await mcp('sync_upload', { name: 'by_mcp' }),
  ];
  for (const upload of uploads) {
    expect(upload).toMatchObject({ backup: 'written', memories: 1, uploaded: true, upload: 'pushed' });
    expect(Object.keys(upload)).toEqual(Object.keys(uploads[0] ?? {}));
  }
  const [{ snapshot } = {}] = uploads;
  expect(await cli('sync', 'push')).toMatchObject({ uploaded: true, upload: 'unchanged', memories: 1 });

  const backups = await rest('GET', '/backups');
  expect(first(backups, 'backups')).toMatchObject({ kind: 'by_mcp', memories: 1 });
  expect(await cli('backup', 'list')).toEqual(backups);
  const snapshots = await rest('GET', '/sync/snapshots');
  expect(listOf(snapshots, 'snapshots')).toHaveLength(3);
  expect(await cli('sync', 'snapshots')).toEqual(snapshots);

  // Each look at the remote is traffic itself.
  const changing = ['observed', 'traffic'];
  await vi.waitFor(async () => {
    const whole = await rest('GET', '/sync/status');
    const status = without(whole, ...changing);
    const others = [await cli('sync', 'status'), await mcp('sync_status')];
    for (const other of others) {
      expect(without(other, ...changing)).toEqual(status);
      expect(Object.keys(other['traffic'] as Data)).toEqual(Object.keys(whole['traffic'] as Data));
    }
    expect(status).toMatchObject({ enabled: true, relation: 'in-sync', from: 'remote', unsent: 0 });
    expect(await cli('sync', 'machines')).toEqual({ machines: status['machines'] });
  }, 60_000);
  const { state } = await rest('GET', '/stats');
  expect((await cli('sync', 'status', '--offline'))['state']).toBe(state);

  await rest('POST', '/memory/add', { text: 'a later thought' });
  const plan = await rest('POST', '/restore', { snapshot, dry_run: true });
  expect(plan).toMatchObject({ mode: 'replace', applied: false, removed: 1 });
  expect(await cli('restore', String(snapshot), '--dry-run')).toEqual(plan);
  const request = { snapshot, mode: 'replace', dry_run: true };
  expect(await mcp('sync_restore', { ...request, from: 'local' })).toEqual(plan);
  const remotePlan = await rest('POST', `/sync/restore/${String(snapshot)}`, { dry_run: true });
  expect(await cli('sync', 'restore', String(snapshot), '--dry-run')).toEqual(remotePlan);
  expect(await mcp('sync_restore', request)).toEqual(remotePlan);
  const restored = await cli('restore', String(snapshot), '--confirm', String(plan['confirm']));
  expect(restored).toMatchObject({ applied: true, removed: 1, undo: expect.any(String) as string });
});

test('errors name a field as each caller writes it', async () => {
  const env = { MEMORY_SECRETS: 'reject' };
  const dataDir = temporaryFolder();
  const server = await startServer({ dataDir, env });
  const http = httpClient(server.address);
  const client = await connectV1(dataDir, env);
  const secret = glue('AK·IA·Q4Z7TK2M5XWB3JRD');
  const long = 'x'.repeat(200);
  const cases = [
    [{ all_tags: [long] }, ['--all-tags', long], 'all_tags[0]', '--all-tags'],
    [{ after: 'yesterday' }, ['--after', 'yesterday'], 'after', '--after'],
    [{ metadata: { allTags: '\0' } }, ['-m', 'allTags="\\u0000"'], 'metadata.allTags', '--metadata allTags'],
  ] as const;
  for (const [filter, options, field, option] of cases) {
    const answer = await http.post('/search', { query: 'tea', ...filter });
    const { text } = await client.call('memory_search', { query: 'tea', ...filter });
    const { stdout } = await runProgram(['search', 'tea', ...options, '--json'], { dataDir, env });
    const { error } = JSON.parse(stdout) as { error: { message: string } };
    const detail = String(answer.data['detail']);
    expect(detail.startsWith(`${field} `)).toBe(true);
    expect(text).toContain(detail);
    expect(error.message).toBe(option + detail.slice(field.length));
  }
  const { id } = (await http.post('/memory/add', { text: 'Ann prefers tea.' })).data;
  const refused = await http.patch(`/memory/${String(id)}`, { add_tags: [secret] });
  expect(refused.data['detail']).toMatch(/^add_tags seems to contain a secret/);
  const { stderr } = await runProgram(['update', String(id), '--add-tag', secret], { dataDir, env });
  expect(stderr).toMatch(/^Error: --add-tag seems to contain a secret/);
  const unknown = await http.post('/search', { query: 'tea', allTags: ['x'] });
  expect(unknown.data['detail']).toMatch(/^allTags is an unknown field/);
});
