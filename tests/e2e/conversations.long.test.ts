import { mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { openMemory } from '../../src/index.ts';
import { httpClient } from '../helpers/http-client.ts';
import { launchServer } from '../helpers/http-server.ts';
import { connectV1 } from '../helpers/mcp/clients.ts';
import { temporaryFolder } from '../helpers/mcp/server-environment.ts';
import { runProgram } from '../helpers/run-program.ts';

const NOON = Date.UTC(2026, 0, 31, 12);
const SAID = ['Where does the staging server run?', 'On # 10.0.0.5\n\n## since May', 'Thanks'];

/** A data folder with two conversations and a fact. */
async function folderWithConversations(): Promise<string> {
  const dataDir = temporaryFolder();
  await keepConversations(dataDir, ['The staging server runs on 10.0.0.5']);
  return dataDir;
}

async function keepConversations(dataDir: string, facts: readonly string[] = []): Promise<void> {
  // Where the programs of a test have their memories.
  const folder = join(dataDir, 'memories');
  const memory = openMemory({ dataDir: folder, settings: { embedding: { provider: 'none' } } });
  const turns = SAID.map((text, position) => ({
    position,
    role: position % 2 === 0 ? ('user' as const) : ('assistant' as const),
    text,
    createdAt: NOON + position,
  }));
  await memory.capture({ client: 'claude-code', session: 'a/b c', project: 'ops', turns });
  await memory.capture({ client: 'codex', session: 'other', turns: turns.slice(0, 1) });
  if (facts.length > 0) await memory.add({ memories: facts.map((text) => ({ text })) });
  await memory.close();
}

async function json(dataDir: string, ...args: string[]): Promise<Record<string, unknown>> {
  const { stdout, stderr, code } = await runProgram([...args, '--json'], { dataDir });
  expect(code, stderr).toBe(0);
  return JSON.parse(stdout) as Record<string, unknown>;
}

test('a conversation is listed, shown, exported and deleted by commands', async () => {
  const dataDir = await folderWithConversations();
  expect(await json(dataDir, 'conversations', 'list', '--client', 'claude-code')).toEqual({
    conversations: [
      {
        ...{ client: 'claude-code', session: 'a/b c', turns: 3, project: 'ops' },
        ...{ first: '2026-01-31T12:00:00.000Z', last: '2026-01-31T12:00:00.002Z' },
        beginning: SAID[0],
      },
    ],
    total: 1,
  });
  const shown = await json(dataDir, 'conversations', 'show', 'a/b c');
  expect(shown['messages']).toMatchObject(SAID.map((text, position) => ({ text, position })));
  const page = await json(dataDir, 'conversations', 'show', 'a/b c', '-n', '2');
  const rest = await json(dataDir, 'conversations', 'show', 'a/b c', '--cursor', String(page['next_cursor']));
  expect(rest['messages']).toMatchObject([{ text: 'Thanks', role: 'user' }]);

  const file = join(dataDir, 'talk.md');
  expect(await json(dataDir, 'conversations', 'export', 'a/b c', file)).toMatchObject({ count: 3 });
  expect(readFileSync(file, 'utf8')).toBe(
    '# Conversation a/b c\n\n- Client: claude-code\n- Project: ops\n- From: 2026-01-31T12:00:00.000Z\n' +
      '- To: 2026-01-31T12:00:00.002Z\n- Turns: 3\n' +
      '\n## user, 2026-01-31T12:00:00.000Z\n\n> Where does the staging server run?\n' +
      '\n## assistant, 2026-01-31T12:00:00.001Z\n\n> On # 10.0.0.5\n>\n> ## since May\n' +
      '\n## user, 2026-01-31T12:00:00.002Z\n\n> Thanks\n',
  );
  const lines = (await runProgram(['conversations', 'export', 'other', '--format', 'jsonl'], { dataDir }))
    .stdout;
  expect(lines.trim().split('\n')).toHaveLength(3);

  const unknown = await runProgram(['conversations', 'show', 'none'], { dataDir });
  expect(unknown.code).not.toBe(0);
  expect(unknown.stderr).toContain('No conversation has the session "none"');
  expect(await json(dataDir, 'conversations', 'delete', 'a/b c', '--dry-run')).toMatchObject({ count: 3 });
  expect(await json(dataDir, 'stats')).toMatchObject({ live: 5, facts: 1, conversations: 2, turns: 4 });
  expect(await json(dataDir, 'conversations', 'delete', 'a/b c', '--yes')).toMatchObject({ count: 3 });
  expect(await json(dataDir, 'stats')).toMatchObject({ live: 2, trash: 3, conversations: 1, turns: 1 });
  const trash = await json(dataDir, 'list', '--trash', '--session', 'a/b c');
  expect(trash['memories']).toHaveLength(3);
});

test('kind and session are filters of every command that takes filters', async () => {
  const dataDir = await folderWithConversations();
  const found = async (...filter: string[]): Promise<unknown> =>
    (await json(dataDir, 'search', 'staging', ...filter))['hits'];
  expect(await found('--kind', 'fact')).toHaveLength(1);
  expect(await found('--kind', 'conversation')).toMatchObject([
    { kind: 'conversation' },
    { kind: 'conversation' },
  ]);
  expect(await found('--client', 'codex')).toMatchObject([
    { kind: 'conversation', client: 'codex', session: 'other', position: 0, role: 'user' },
  ]);
  expect(await json(dataDir, 'list', '--kind', 'conversation')).toMatchObject({ total: 4 });
  const exported = await runProgram(['export', '--kind', 'fact'], { dataDir });
  expect(exported.stdout.trim().split('\n')).toHaveLength(3);
});

test('conversations come back from an export, and import twice adds nothing', async () => {
  const dataDir = await folderWithConversations();
  const file = join(dataDir, 'all.jsonl');
  await json(dataDir, 'export', file);
  const other = temporaryFolder();
  expect(await json(other, 'import', file)).toMatchObject({ added: 5 });
  expect(await json(other, 'import', file)).toMatchObject({ added: 0 });
  const [before, after] = [await json(dataDir, 'stats'), await json(other, 'stats')];
  expect(after['content']).toMatch(/^(?!0+$)[0-9a-f]{64}$/);
  expect(after['content']).toBe(before['content']);
  expect(after).toMatchObject({ facts: 1, conversations: 2, turns: 4 });
});

test('conversations are backed up, restored, synced and merged', async () => {
  const dataDir = await folderWithConversations();
  const { snapshot } = await json(dataDir, 'backup');
  await json(dataDir, 'conversations', 'delete', 'other', '--yes');
  await json(dataDir, 'restore', String(snapshot), '--yes');
  expect(await json(dataDir, 'stats')).toMatchObject({ live: 5, conversations: 2 });

  const remote = join(dataDir, 'remote');
  mkdirSync(remote);
  const env = {
    CLOUD_SYNC_ENABLED: 'true',
    CLOUD_SYNC_PROVIDER: 'folder',
    CLOUD_SYNC_BUCKET: remote,
    CLOUD_SYNC_MODE: 'merge',
  };
  const other = await folderWithConversations();
  const sync = async (folder: string, what: string): Promise<void> => {
    const { code, stderr } = await runProgram(['sync', what], { dataDir: folder, env });
    expect(code, stderr).toBe(0);
  };
  await sync(dataDir, 'push');
  await sync(other, 'pull');
  await sync(other, 'push');
  await sync(dataDir, 'pull');
  // Both captured the same turns by themselves, and the fact is one of each.
  const counts = { facts: 2, conversations: 2, turns: 4, conflicts: 0 };
  expect(await json(dataDir, 'stats')).toMatchObject(counts);
  expect(await json(other, 'stats')).toMatchObject(counts);
  const state = async (folder: string): Promise<unknown> => (await json(folder, 'stats'))['state'];
  expect(await state(other)).toBe(await state(dataDir));
  expect(await json(other, 'conversations', 'list')).toEqual(await json(dataDir, 'conversations', 'list'));

  await json(dataDir, 'conversations', 'delete', 'other', '--yes');
  await sync(dataDir, 'push');
  await sync(other, 'pull');
  await keepConversations(other);
  expect(await json(other, 'stats')).toMatchObject({ ...counts, conversations: 1, turns: 3, trash: 1 });
});

test('the same over REST, where a deletion takes the token of a dry run', async () => {
  const server = await launchServer({ dataDir: await folderWithConversations() });
  try {
    const api = httpClient(server.address);
    const { data } = await api.get('/conversations?limit=1');
    expect(data).toMatchObject({ total: 2, conversations: [{ session: 'a/b c', turns: 3 }] });
    const next = await api.get(`/conversations?limit=1&cursor=${String(data['next_cursor'])}`);
    expect(next.data).toMatchObject({ conversations: [{ session: 'other' }] });
    const path = `/conversations/${encodeURIComponent('a/b c')}`;
    expect((await api.get(path)).data).toMatchObject({
      client: 'claude-code',
      messages: [{ role: 'user' }, { role: 'assistant' }, { role: 'user' }],
    });
    expect(await api.get('/conversations/none')).toMatchObject({ status: 404, data: { code: 'NOT_FOUND' } });
    expect((await api.get('/memories?session=other')).data).toMatchObject({ total: 1 });
    const plan = await api.remove(path);
    expect(plan.data).toMatchObject({ dry_run: true, count: 3, conversation: { session: 'a/b c' } });
    expect((await api.get('/stats')).data).toMatchObject({ conversations: 2 });
    expect((await api.remove(`${path}?confirm=wrong`)).status).toBe(409);
    const done = await api.remove(`${path}?confirm=${String(plan.data['confirm'])}`);
    expect(done.data).toMatchObject({ dry_run: false, count: 3 });
    expect((await api.get('/stats')).data).toMatchObject({ conversations: 1, trash: 3 });
  } finally {
    await server.stop();
  }
});

test('an agent searches by kind and reads a session in its order', async () => {
  const { call } = await connectV1(await folderWithConversations());
  const fact = await call('memory_search', { query: 'staging server', kind: 'fact' });
  expect(fact.data['hits']).toHaveLength(1);
  const both = await call('memory_search', { query: 'staging server' });
  expect(both.data['hits']).toMatchObject([{ text: 'The staging server runs on 10.0.0.5' }, {}, {}]);
  expect(both.text).toContain('user session "a/b c" no. 0');
  const session = await call('memory_list', { session: 'a/b c' });
  expect(session.data['memories']).toMatchObject(SAID.map((text) => ({ text })));
  expect((await call('memory_stats')).data).toMatchObject({ facts: 1, conversations: 2, turns: 4 });
});
