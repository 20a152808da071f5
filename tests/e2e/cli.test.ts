import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { PROGRAM, serverEnvironment } from '../helpers/mcp/server-environment.ts';
import { type ProgramRun, runProgram } from '../helpers/run-program.ts';

let home: string;
let dataDir: string;

beforeEach(() => {
  home = mkdtempSync(join(tmpdir(), 'faiss-memory-cli-'));
  dataDir = join(home, 'data');
});

afterEach(() => {
  rmSync(home, { recursive: true, force: true });
});

function run(args: readonly string[], input?: string): Promise<ProgramRun> {
  return runProgram(args, { dataDir, ...(input === undefined ? {} : { input }) });
}

async function addedId(words: string): Promise<string> {
  const { stdout } = await run(['add', words, '--json']);
  return (JSON.parse(stdout) as { id: string }).id;
}

test('add does not wait for the model when it is told so, and says what is missing', async () => {
  const { stdout, code } = await run(['add', 'nobody waits for this', '--no-wait']);
  expect(code).toBe(0);
  expect(stdout).toMatch(/^Stored .*\nNot compared with other/);
  expect((await run(['search', 'waits', '--mode', 'keyword'])).stdout).toContain('nobody waits for this');
});

test('advice to run a command comes with the settings of the one that gave it, and works', async () => {
  const folder = join(home, "Ada's memories");
  const settings = ['--data-dir', folder, '--set', 'embedding.provider=none'];
  const added = await run(['add', 'the ferry leaves at nine', '--no-wait', ...settings]);
  expect(added.stdout).toContain('"faiss-memory reembed"');
  const [, flags = ''] = /the flags of this one too: (.*)/.exec(added.stderr) ?? [];
  const { stdout } = spawnSync('sh', ['-c', `printf '%s\\0' ${flags}`], { encoding: 'utf8' });
  const words = stdout.split('\0').slice(0, -1);
  expect((await run(['search', 'ferry', ...words])).stdout).toContain('leaves at nine');
  expect((await run(['add', 'another', '--no-wait'])).stderr).not.toContain('flags of this one');
  expect((await run(['add', 'one more', '--no-wait', '--json', ...settings])).stderr).toBe('');
});

test('a memory is added, found, changed, deleted and brought back', async () => {
  const id = await addedId('The staging server is 10.0.0.5');
  expect((await run(['search', 'staging'])).stdout).toContain(id);
  expect((await run(['get', id])).stdout).toContain('10.0.0.5');
  expect((await run(['update', id, '--add-tag', 'ops'])).code).toBe(0);
  expect((await run(['list', '--tag', 'ops'])).stdout).toContain('1 memory');
  expect((await run(['delete', id])).code).toBe(0);
  expect((await run(['list'])).stdout).toContain('0 memories');
  expect((await run(['restore-deleted', id])).code).toBe(0);
  expect(JSON.parse((await run(['stats', '--json'])).stdout)).toMatchObject({ live: 1, trash: 0 });
});

test('what is exported is imported elsewhere with the same ids, once', async () => {
  const id = await addedId('Ann prefers tea.');
  const file = join(home, 'memories.jsonl');
  expect((await run(['export', file])).code).toBe(0);
  expect(statSync(file).mode & 0o777).toBe(0o600);
  expect((await run(['export'])).stdout.split('\n')[1]).toBe(readFileSync(file, 'utf8').split('\n')[1]);
  dataDir = join(home, 'other');
  const first = await run(['import', file, '--json']);
  expect(first.code).toBe(0);
  expect(JSON.parse(first.stdout)).toMatchObject({ added: 1, rejected: 0 });
  expect(JSON.parse((await run(['import', file, '--json'])).stdout)).toMatchObject({ added: 0, existing: 1 });
  expect((await run(['get', id])).stdout).toContain('Ann prefers tea.');
});

test('a day is one of the time zone that is set, in lists as in filters', async () => {
  const lines = ['2026-01-31T14:59:59Z', '2026-01-31T15:30:00Z', '2026-02-01T15:00:00Z']
    .map((time) => JSON.stringify({ text: time, created_at: time }))
    .join('\n');
  expect((await run(['import', '-'], lines)).code).toBe(0);
  const there = (args: readonly string[], env: Readonly<Record<string, string>>): Promise<ProgramRun> =>
    runProgram(args, { dataDir, env });
  const day = ['list', '--after', '2026-02-01', '--before', '2026-02-01'];
  for (const env of [{ TZ: 'Asia/Tokyo' }, { TZ: 'America/New_York', MEMORY_TIME_ZONE: 'Asia/Tokyo' }]) {
    const { stdout } = await there(day, env);
    expect(stdout).toMatch(/2026-02-01 00:30\n {2}2026-01-31T15:30:00Z\n1 memory; times in Asia\/Tokyo/);
  }
  expect((await there(day, { MEMORY_TIME_ZONE: 'UTC' })).stdout).toContain('2026-02-01 15:00');
  const wrongDay = await there(['list', '--after', '2026-02-30'], {});
  expect([wrongDay.code, wrongDay.stderr]).toEqual([2, expect.stringContaining('"2026-02-30"')]);
  const wrongZone = await there(['list'], { MEMORY_TIME_ZONE: 'Mars/Olympus' });
  expect([wrongZone.code, wrongZone.stderr]).toEqual([2, expect.stringContaining('"Mars/Olympus"')]);
  expect((await there(['stats'], { TZ: 'Mars/Olympus' })).stdout).toContain('(UTC)');
});

test('a bad line is reported, kept and counted; the others are taken', async () => {
  const rejects = join(home, 'rejects.jsonl');
  const result = await run(['import', '-', '--rejects', rejects], '{"text":"good"}\nbad\n{"text":"fine"}\n');
  expect(result.code).toBe(1);
  expect(result.stderr).toContain('line 2: line is not JSON');
  expect(result.stdout).toContain('2 memories added');
  expect(readFileSync(rejects, 'utf8')).toBe('bad\n');
});

test('a folder of notes is shown by a dry run, imported once, and joins the same text under another id', async () => {
  const vault = join(home, 'vault');
  mkdirSync(vault);
  writeFileSync(join(vault, 'Tea.md'), '---\ntags: [drink]\n---\nGreen in the morning.\n');
  writeFileSync(join(vault, 'Empty.md'), '');
  const dry = await run(['import', vault, '--dry-run', '--json']);
  expect([dry.code, JSON.parse(dry.stdout)]).toEqual([
    0,
    expect.objectContaining({ format: 'markdown', added: 1, omitted: { 'an empty note': 1 }, dry_run: true }),
  ]);
  expect(JSON.parse((await run(['stats', '--json'])).stdout)).toMatchObject({ live: 0 });
  expect((await run(['import', vault])).stdout).toContain('1 memory added');
  expect((await run(['import', vault])).stdout).toContain('1 already there');
  // The same words as the note, from mem0 with an id of its own and a source that the note lacks nothing of.
  const same = { id: 7, memory: '# Tea\n\nGreen in the morning.', source: 'vault/Tea.md' };
  const mem0 = await run(['import', '-', '--json'], JSON.stringify([same]));
  expect(JSON.parse(mem0.stdout)).toMatchObject({ format: 'mem0', added: 0, existing: 1, gained: 1 });
});

test('import refuses to write its rejects over its source', async () => {
  const file = join(home, 'memories.jsonl');
  writeFileSync(file, '{"text":"good"}\n');
  expect((await run(['import', file, '--rejects', file])).code).toBe(2);
  expect(readFileSync(file, 'utf8')).toBe('{"text":"good"}\n');
});

test('doctor is content with a new folder', async () => {
  await addedId('something');
  const { code, stdout } = await run(['doctor', '--json']);
  expect(code).toBe(0);
  expect(JSON.parse(stdout)).toMatchObject({ ok: true });
});

test('doctor reports a damaged database instead of failing itself', async () => {
  await addedId('something');
  writeFileSync(join(dataDir, 'memories', 'memory.sqlite'), 'this is no database, '.repeat(1_000));
  const { code, stdout } = await run(['doctor', '--json']);
  expect(code).toBe(1);
  const { findings } = JSON.parse(stdout) as { findings: { check: string; status: string }[] };
  expect(findings).toContainEqual(expect.objectContaining({ check: 'database', status: 'fail' }));
});

test('errors have codes of their own, and are JSON with --json', async () => {
  const unknown = await run(['get', '0198c0de-0000-7000-8000-000000000001', '--json']);
  expect(unknown.code).toBe(3);
  expect(JSON.parse(unknown.stdout)).toMatchObject({ error: { code: 'NOT_FOUND' } });
  expect((await run(['nonsense'])).code).toBe(2);
  expect((await run(['import', join(home, 'absent.jsonl')])).code).toBe(2);
  expect((await run(['list', '--set', 'textLimit=many'])).code).toBe(2);
});

test('a reader that stops early is no error', async () => {
  // More than a pipe holds.
  const lines = Array.from({ length: 1_000 }, (_, index) => `{"text":"${'line '.repeat(40)}${index}"}\n`);
  await run(['import', '-'], lines.join(''));
  const shell = 'set -o pipefail; $FAISS_MEMORY export | head -1';
  const { code, stderr } = await runProgram([], { dataDir, shell });
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
});

test('Ctrl-C ends a command with a code of its own, and keeps what was imported', async () => {
  const child = spawn(process.execPath, [PROGRAM, 'import', '-'], { env: serverEnvironment(dataDir) });
  // The command goes on reading, because its input does not end; the complaint tells that it is under way.
  child.stdin.write(`${'{"text":"good"}\n'.repeat(200)}bad\n`);
  const [complaint] = (await once(child.stderr.setEncoding('utf8'), 'data')) as [string];
  expect(complaint).toContain('line 201');
  child.kill('SIGINT');
  expect(await once(child, 'exit')).toEqual([130, null]);
  child.stdin.destroy();
  expect((await run(['list'])).stdout).toContain('1 memory');
});

test('without arguments a pipe gets a server', async () => {
  const piped = await run([], '');
  expect({ code: piped.code, stdout: piped.stdout }).toEqual({ code: 0, stdout: '' });
});

test.each(['bash', 'zsh', 'fish'])('completion prints a script for %s', async (shell) => {
  const { code, stdout } = await run(['completion', shell]);
  expect(code).toBe(0);
  expect(stdout).toContain('restore-deleted');
});

test('an old Node is told what is needed', async () => {
  const pretend = `data:text/javascript,Object.defineProperty(process.versions,"node",{value:"18.20.0"})`;
  const { code, stdout, stderr } = await runProgram([], {
    dataDir,
    shell: `"${process.execPath}" --import '${pretend}' "${PROGRAM}"`,
  });
  expect({ code, stdout }).toEqual({ code: 1, stdout: '' });
  expect(stderr).toContain('needs Node.js 20.19 or newer');
});

test('a purge erases for good, and asks first', async () => {
  const id = await addedId('to be erased');
  expect(await run(['delete', id, '--purge'])).toMatchObject({ code: 2, stdout: '' });
  expect((await run(['get', id])).stdout).toContain('to be erased');
  expect((await run(['delete', id, '--purge', '--yes'])).stdout).toContain('1 memory erased for good');
  expect((await run(['restore-deleted', id])).code).not.toBe(0);
  expect((await run(['get', id, '--history'])).stdout).not.toContain('to be erased');
});

test('a deletion by filter shows first, and takes ages', async () => {
  await run(['add', 'keep me', '--tag', 'keep']);
  await run(['add', 'scratch one', '--tag', 'scratch']);
  const filter = ['delete', '--tag', 'scratch', '--after', '1d'];
  expect((await run([...filter, '--dry-run'])).stdout).toContain('scratch one');
  expect((await run(filter)).code).toBe(2);
  expect(JSON.parse((await run([...filter, '--yes', '--json'])).stdout)).toMatchObject({
    dry_run: false,
    count: 1,
    examples: [{ text: 'scratch one' }],
  });
  expect((await run(['list'])).stdout).toContain('1 memory');
  expect((await run(['delete', '--yes'])).code).toBe(2);
});

test('config shows values with their sources, and no secrets', async () => {
  const shell = 'MEMORY_EMBEDDING_API_KEY=sk-very-secret $FAISS_MEMORY config --json --set trashDays=7';
  const { stdout } = await runProgram([], { dataDir, shell });
  expect(stdout).not.toContain('sk-very-secret');
  const { settings } = JSON.parse(stdout) as { settings: { key: string }[] };
  expect(settings).toContainEqual(expect.objectContaining({ key: 'embedding.apiKey', value: '[redacted]' }));
  expect(settings).toContainEqual(
    expect.objectContaining({ key: 'trashDays', value: 7, source: { kind: 'flag', flag: '--set' } }),
  );
});

test('stored text cannot move the cursor of a terminal', async () => {
  await run(['add', '-'], 'evil \u001B[2J text \u202E reversed');
  const { stdout } = await run(['search', 'evil']);
  expect(stdout).toContain('evil \\u001b[2J text \\u202e reversed');
});
