import { execFileSync } from 'node:child_process';
import { appendFileSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { encode } from 'gpt-tokenizer';
import { expect, test } from 'vitest';
import {
  addMemories,
  keptTurns,
  notingThreads,
  runHookProgram,
  transcriptOf,
} from '../helpers/hooks/hook-runs.ts';
import { RawServer } from '../helpers/mcp/raw-server.ts';
import { temporaryFolder, WITH_MODEL } from '../helpers/mcp/server-environment.ts';
import { runProgram } from '../helpers/run-program.ts';

/** For a machine that is busy with other tests. */
const PATIENT = { MEMORY_HOOKS_PROMPT_MS: '10000' };
const SESSION = '087c1c92-c377-4892-99bc-1a1b81bfbaa3';

/** A git repository, whose remote names the project. */
function repository(folder: string, name: string): string {
  const root = join(folder, name);
  mkdirSync(root, { recursive: true });
  execFileSync('git', ['init', '--quiet', root]);
  execFileSync('git', ['-C', root, 'remote', 'add', 'origin', `https://github.com/ann/${name}.git`]);
  return root;
}

test('at the start of a session there is a brief of the project and of what is global, always the same', async () => {
  const dataDir = temporaryFolder();
  const [shop, bank] = [repository(dataDir, 'shop'), repository(dataDir, 'bank')];
  const filler = Array.from({ length: 150 }, (_, place) => ({ text: `Fact number ${place} about nothing` }));
  await addMemories(dataDir, [
    ...filler,
    { text: 'We decided that the shop runs on port 8443', project: 'github.com/ann/shop' },
    { text: 'Ada drinks tea', metadata: { pinned: true } },
  ]);
  const run = (cwd: string, client?: string): ReturnType<typeof runHookProgram> =>
    runHookProgram(
      'session-start',
      { cwd, hook_event_name: 'SessionStart' },
      { dataDir, ...(client === undefined ? {} : { client }) },
    );
  const first = await run(shop);
  expect(first).toMatchObject({ code: 0, stderr: '' });
  expect(first.context).toContain('Ada drinks tea');
  expect(first.context).toContain('port 8443');
  expect(encode(first.context).length).toBeLessThanOrEqual(600);
  expect((await run(join(shop, 'packages', 'cart'))).stdout).toBe(first.stdout);
  const other = await run(bank);
  expect(other.context).toContain('Ada drinks tea');
  expect(other.context).not.toContain('8443');
  expect(JSON.parse((await run(shop, 'cursor')).stdout)).toEqual({ additional_context: first.context });
});

test('a prompt brings up what is close by meaning from the running server, and nothing else', async () => {
  const dataDir = temporaryFolder();
  await runProgram(['add', 'Ada drinks no coffee, only tea'], { dataDir, env: WITH_MODEL });
  await runProgram(['add', 'The bank pays invoices on Friday', '--project', 'bank'], {
    dataDir,
    env: WITH_MODEL,
  });
  const server = new RawServer(dataDir, WITH_MODEL);
  await server.initialize();
  await server.call('memory_search', { query: 'tea' });
  const threads = notingThreads(dataDir);
  const env = { ...WITH_MODEL, ...threads.env, ...PATIENT };
  const ask = (prompt: string): ReturnType<typeof runHookProgram> =>
    runHookProgram('prompt', { prompt, cwd: dataDir }, { dataDir, env });
  expect((await ask('does Ada like coffee or tea?')).context).toContain('only tea');
  for (const prompt of [
    'rewrite this regular expression without a lookbehind',
    'when does the bank pay invoices?',
  ]) {
    expect(await ask(prompt)).toEqual({ code: 0, stdout: '', stderr: '', context: '' });
  }
  // Neither the memories nor a model were opened for it.
  expect(readFileSync(threads.file, 'utf8')).not.toContain('embedding');
});

test.skipIf(process.platform === 'win32')('a prompt does not wait for a server that hangs', async () => {
  const dataDir = temporaryFolder();
  await runProgram(['add', 'Ada drinks no coffee, only tea'], { dataDir, env: WITH_MODEL });
  const server = new RawServer(dataDir, WITH_MODEL);
  await server.initialize();
  await server.call('memory_search', { query: 'tea' });
  server.child.kill('SIGSTOP');
  try {
    const run = await runHookProgram(
      'prompt',
      { prompt: 'what does Ada drink, coffee or tea?' },
      { dataDir },
    );
    expect(run).toMatchObject({ code: 0, stdout: '', stderr: '' });
  } finally {
    server.child.kill('SIGCONT');
  }
});

test('hooks without a server load no model', async () => {
  const dataDir = temporaryFolder();
  await addMemories(dataDir, [{ text: 'The staging server uses port 8443' }]);
  const transcript = join(dataDir, `${SESSION}.jsonl`);
  writeFileSync(transcript, transcriptOf(SESSION, dataDir, ['hello there', 'hello, how can I help?']));
  const { env, file } = notingThreads(dataDir);
  const input = {
    prompt: 'which port does the staging server use?',
    cwd: dataDir,
    transcript_path: transcript,
  };
  for (const event of ['session-start', 'prompt', 'stop', 'pre-compact', 'session-end']) {
    const { code, stderr } = await runHookProgram(event, input, { dataDir, env: { ...WITH_MODEL, ...env } });
    expect({ event, code, stderr }).toEqual({ event, code: 0, stderr: '' });
  }
  const started = readFileSync(file, 'utf8');
  expect(started).toContain('server');
  expect(started).not.toContain('embedding');
  expect(await keptTurns(dataDir, SESSION)).toHaveLength(2);
});

test('the turns of a session are kept once, whichever hooks run at the same time', async () => {
  const dataDir = temporaryFolder();
  const shop = repository(dataDir, 'shop');
  const transcript = join(dataDir, `${SESSION}.jsonl`);
  const said = ['Which port does the shop use?', 'It runs on 8443.', 'Thanks a lot', 'You are welcome.'];
  writeFileSync(transcript, transcriptOf(SESSION, shop, said.slice(0, 2)));
  const run = (event: string): ReturnType<typeof runHookProgram> =>
    runHookProgram(event, { cwd: shop, session_id: SESSION, transcript_path: transcript }, { dataDir });
  const events = ['stop', 'pre-compact', 'session-end'];
  for (const { code, stdout, stderr } of await Promise.all(events.map(run)))
    expect({ code, stdout, stderr }).toEqual({ code: 0, stdout: '', stderr: '' });
  expect(await keptTurns(dataDir, SESSION)).toEqual(said.slice(0, 2));
  // The client is still writing the last line.
  const rest = transcriptOf(SESSION, shop, said).split('\n').slice(2, 4).join('\n');
  appendFileSync(transcript, rest.slice(0, -20));
  await run('stop');
  expect(await keptTurns(dataDir, SESSION)).toEqual(said.slice(0, 3));
  appendFileSync(transcript, `${rest.slice(-20)}\n`);
  await Promise.all([run('stop'), run('session-end')]);
  expect(await keptTurns(dataDir, SESSION)).toEqual(said);
  const { stdout } = await runProgram(['conversations', 'list', '--json'], { dataDir });
  expect(JSON.parse(stdout)).toMatchObject({
    conversations: [{ client: 'claude-code', session: SESSION, turns: 4, project: 'github.com/ann/shop' }],
  });
});

test('nothing that a client sends makes a hook fail or print', async () => {
  const dataDir = temporaryFolder();
  await addMemories(dataDir, [{ text: 'The staging server uses port 8443' }]);
  const odd = join(dataDir, 'odd.jsonl');
  writeFileSync(odd, `{"type":"user"\n${'{'.repeat(2_000)}\n\u0000\n[]\n`);
  const inputs: readonly unknown[] = [
    '',
    'no JSON',
    '[]',
    `{"prompt":"${'a'.repeat(5_000_000)}"}`,
    { cwd: 5, prompt: { a: 1 }, transcript_path: ['a'] },
    { transcript_path: join(dataDir, 'missing.jsonl') },
    { transcript_path: dataDir },
    { transcript_path: odd },
    { transcript_path: 'relative.jsonl', cwd: '\0' },
  ];
  for (const event of ['prompt', 'stop', 'no-such-event'])
    for (const input of inputs) {
      const run = await runHookProgram(event, input, { dataDir });
      expect({ event, input: JSON.stringify(input).slice(0, 80), ...run }).toMatchObject({
        code: 0,
        stdout: '',
        stderr: '',
      });
    }
});

test('a damaged store or a wrong setting makes no hook fail or print', async () => {
  const dataDir = temporaryFolder();
  mkdirSync(join(dataDir, 'memories'));
  writeFileSync(join(dataDir, 'memories', 'memory.sqlite'), 'no database');
  const transcript = join(dataDir, `${SESSION}.jsonl`);
  writeFileSync(transcript, transcriptOf(SESSION, dataDir, ['hello there']));
  const input = {
    prompt: 'which port does the staging server use?',
    cwd: dataDir,
    transcript_path: transcript,
  };
  for (const env of [{}, { MEMORY_TEXT_LIMIT: 'none' }])
    for (const event of ['session-start', 'prompt', 'stop']) {
      const { code, stdout, stderr } = await runHookProgram(event, input, { dataDir, env });
      expect({ event, code, stdout, stderr }).toEqual({ event, code: 0, stdout: '', stderr: '' });
    }
});

test('without memories a hook that asks makes no store', async () => {
  const dataDir = temporaryFolder();
  expect(await runHookProgram('session-start', { cwd: dataDir }, { dataDir })).toMatchObject({
    code: 0,
    stdout: '',
  });
  expect(() => readFileSync(join(dataDir, 'memories', 'memory.sqlite'))).toThrow('ENOENT');
});
