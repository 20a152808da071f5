import { spawn } from 'node:child_process';
import { appendFileSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { expect, test } from 'vitest';
import { PROGRAM, serverEnvironment, temporaryFolder } from '../helpers/mcp/server-environment.ts';
import { runProgram } from '../helpers/run-program.ts';

const lines = (...records: readonly object[]): string =>
  records.map((record) => `${JSON.stringify(record)}\n`).join('');

const claude = (session: string, cwd: string, ...texts: readonly string[]): string =>
  lines(
    ...texts.map((text, index) => ({
      ...{ type: index % 2 === 0 ? 'user' : 'assistant', sessionId: session, cwd },
      timestamp: `2026-05-03T10:00:0${index}Z`,
      message: { role: index % 2 === 0 ? 'user' : 'assistant', content: text },
    })),
  );

/** A home folder with transcripts of four clients, and a data folder beside it. */
function machine() {
  const home = temporaryFolder();
  const env = { HOME: home, USERPROFILE: home, CLAUDE_CONFIG_DIR: '', CODEX_HOME: '' };
  const write = (path: string, content: string): string => {
    const file = join(home, path);
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(file, content);
    return file;
  };
  const shop = join(home, 'shop');
  mkdirSync(shop);
  const files = {
    claude: write('.claude/projects/-shop/s1.jsonl', claude('s1', shop, 'Which port?', 'It is 8080.')),
    secret: write('.claude/projects/-secret/s2.jsonl', claude('s2', join(home, 'secret'), 'My diary')),
  };
  write(
    '.codex/sessions/2026/05/03/rollout-1.jsonl',
    lines(
      { type: 'session_meta', payload: { id: 'c1', cwd: shop } },
      {
        ...{ type: 'response_item', timestamp: '2026-05-03T10:00:00Z' },
        payload: { type: 'message', role: 'user', content: [{ type: 'input_text', text: 'From Codex' }] },
      },
    ),
  );
  write(
    '.gemini/tmp/x/chats/session-1.json',
    JSON.stringify({
      ...{ sessionId: 'g1', projectHash: 'x' },
      messages: [{ id: '1', type: 'user', timestamp: '2026-05-03T10:00:00Z', content: 'From Gemini' }],
    }),
  );
  const slug = join(home, 'secret')
    .replace(/[^a-z0-9]+/gi, '-')
    .replace(/^-/, '');
  mkdirSync(join(home, 'secret'));
  const diary = lines({ role: 'user', message: { content: [{ type: 'text', text: 'Dear diary' }] } });
  write(`.cursor/projects/${slug}/agent-transcripts/k1/k1.jsonl`, diary);
  write(`.cursor/projects/${slug}/agent-transcripts/k1/subagents/k2.jsonl`, diary);
  const run = (args: readonly string[], more: Readonly<Record<string, string>> = {}) =>
    runProgram([...args, '--json'], { dataDir: home, env: { ...env, ...more } });
  const json = async (args: readonly string[], more?: Readonly<Record<string, string>>) => {
    const { stdout, stderr, code } = await run(args, more);
    expect(code, stderr).toBe(0);
    return JSON.parse(stdout) as Record<string, unknown>;
  };
  return { home, env, files, run, json };
}

const exclude = (home: string): Record<string, string> => ({
  MEMORY_CONVERSATIONS_EXCLUDE: join(home, 'secret'),
});

test('backfill says what it would take, takes it once, and then only what is new', async () => {
  const { home, files, json } = machine();
  const seen = await json(['backfill', '--dry-run'], exclude(home));
  expect(seen).toMatchObject({
    dry_run: true,
    added: 4,
    omitted: { 'a turn of an excluded project or folder': 2 },
  });
  expect((seen['groups'] as { client: string }[]).map(({ client }) => client).sort()).toEqual([
    'claude-code',
    'codex',
    'gemini-cli',
  ]);
  expect(await json(['stats'])).toMatchObject({ live: 0 });

  expect(await json(['backfill', '--yes'], exclude(home))).toMatchObject({ added: 4, completed: true });
  expect(await json(['backfill', '--yes'], exclude(home))).toMatchObject({ files: 0, groups: [] });
  appendFileSync(files.claude, claude('s1', join(home, 'shop'), 'Since when?').replace('00:00Z', '05:00Z'));
  expect(await json(['backfill', '--yes'], exclude(home))).toMatchObject({ files: 1, added: 1 });
  const { messages } = await json(['conversations', 'show', 's1']);
  expect(messages).toMatchObject([{ position: 0 }, { position: 1 }, { position: 2, text: 'Since when?' }]);

  await json(['conversations', 'delete', 'c1', '--yes']);
  expect(await json(['backfill', '--yes', '--again'], exclude(home))).toMatchObject({ added: 0, known: 4 });
  // Without the rule, files that were read before are looked at again.
  expect(await json(['backfill', '--dry-run'])).toMatchObject({ added: 2 });
  expect(await json(['backfill', '--yes', '--client', 'cursor'])).toMatchObject({ added: 1 });
  const { conversations } = await json(['conversations', 'list', '--client', 'cursor']);
  expect(conversations).toMatchObject([{ session: 'k1', beginning: 'Dear diary' }]);
}, 120_000);

test('import --watch takes turns as they are written, also those of a half line, and ends at an interruption', async () => {
  const { home, env, files, json } = machine();
  const folder = dirname(dirname(files.claude));
  rmSync(files.secret);
  const child = spawn(process.execPath, [PROGRAM, 'import', folder, '--watch', '--json'], {
    env: serverEnvironment(home, env),
  });
  let output = '';
  const says = (text: string): Promise<void> =>
    new Promise((resolve, reject) => {
      const look = (): void => {
        if (output.includes(text)) resolve();
      };
      child.stderr.on('data', look);
      child.once('close', () => {
        reject(new Error(output));
      });
      look();
    });
  child.stderr.setEncoding('utf8').on('data', (text: string) => (output += text));
  await says('2 turns added');
  const next = claude('s1', join(home, 'shop'), 'Since when, and why?').replace('00:00Z', '05:00Z');
  appendFileSync(files.claude, next.slice(0, 60));
  output = '';
  appendFileSync(files.claude, next.slice(60));
  await says('1 turn added');
  const ended = new Promise((resolve) => child.once('close', resolve));
  child.kill('SIGINT');
  await ended;
  const { messages } = await json(['conversations', 'show', 's1']);
  expect(messages).toMatchObject([{}, {}, { position: 2, text: 'Since when, and why?' }]);
}, 60_000);
