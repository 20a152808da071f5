import { readFileSync } from 'node:fs';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { unzipSync, zipSync } from 'fflate';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { type ProgramRun, runProgram } from '../helpers/run-program.ts';

let home: string;

beforeEach(() => {
  home = mkdtempSync(join(tmpdir(), 'faiss-memory-zip-'));
});

afterEach(() => {
  rmSync(home, { recursive: true, force: true });
});

const on = (machine: string, args: readonly string[], input?: string): Promise<ProgramRun> =>
  runProgram(args, { dataDir: join(home, machine), ...(input === undefined ? {} : { input }) });

async function digest(machine: string): Promise<string> {
  const { stdout } = await on(machine, ['stats', '--json']);
  const { content } = JSON.parse(stdout) as { content: string };
  expect(content).toMatch(/^(?!0+$)[0-9a-f]{64}$/);
  return content;
}

const turn = (role: string, text: string): string =>
  JSON.stringify({
    type: role,
    // Looks like a secret, and is the name of a session.
    sessionId: '9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08',
    message: { role, content: text },
    timestamp: '2026-05-03T10:00:00Z',
  });

test('a zip has facts, conversations, older versions and a page, and comes back to the same content', async () => {
  const transcript = join(home, 'session.jsonl');
  writeFileSync(transcript, `${turn('user', 'Which port?')}\n${turn('assistant', 'It is 8080.')}\n`);
  expect((await on('a', ['import', transcript])).code).toBe(0);
  const facts = [
    { text: 'Ann prefers *tea*.', tags: ['drink'], metadata: { project: 'shop', nested: { a: [1, null] } } },
    { text: 'Zero\u200bwidth 😀\nand lines', source: 'chat', created_at: '2025-11-02T08:09:10.123Z' },
  ];
  const lines = facts.map((fact) => JSON.stringify(fact)).join('\n');
  expect((await on('a', ['import', '-'], lines)).code).toBe(0);
  const { stdout } = await on('a', ['list', '--tag', 'drink', '--json']);
  const [id = ''] = (JSON.parse(stdout) as { memories: { id: string }[] }).memories.map(
    (memory) => memory.id,
  );
  expect((await on('a', ['update', id, 'Ann prefers green tea.'])).code).toBe(0);

  const zip = join(home, 'memories.zip');
  const exported = await on('a', ['export', '--zip', zip, '--json']);
  expect(JSON.parse(exported.stdout)).toMatchObject({ facts: 2, turns: 2, histories: 1 });
  const members = unzipSync(readFileSync(zip));
  const read = (name: string): string => Buffer.from(members[name] ?? []).toString('utf8');
  expect(Object.keys(members).sort()).toEqual([
    ...['conversations.jsonl', 'facts.jsonl', 'history.jsonl', 'index.md', 'manifest.json'],
  ]);
  expect(JSON.parse(read('manifest.json'))).toMatchObject({
    ...{ format: 'faiss-memory-zip', version: 1, facts: 2, turns: 2, conversations: 1, histories: 1 },
  });
  expect(read('history.jsonl')).toContain('Ann prefers *tea*.');
  expect(read('index.md')).toContain('## Facts of shop\n\n- ');
  expect(read('index.md')).toContain('2026-05-03, claude-code, 2 turns: Which port?');

  const imported = await on('b', ['import', zip, '--json']);
  expect(JSON.parse(imported.stdout)).toMatchObject({
    ...{ format: 'faiss-memory-zip', added: 4, rejected: 0, conflicts: 0, masked: 0, warnings: [] },
  });
  expect(await digest('b')).toBe(await digest('a'));
  expect(JSON.parse((await on('b', ['import', zip, '--json'])).stdout)).toMatchObject({
    added: 0,
    existing: 4,
  });
  // The turns are turns there too: the transcript has nothing that is new.
  expect(JSON.parse((await on('b', ['import', transcript, '--json'])).stdout)).toMatchObject({
    ...{ added: 0, updated: 0, existing: 2 },
  });

  const { 'facts.jsonl': gone, ...others } = members;
  expect(gone).toBeDefined();
  const shorter = read('conversations.jsonl').split('\n').slice(0, 2).join('\n');
  writeFileSync(join(home, 'less.zip'), zipSync({ ...others, 'conversations.jsonl': Buffer.from(shorter) }));
  const less = JSON.parse((await on('c', ['import', join(home, 'less.zip'), '--json'])).stdout) as {
    warnings: string[];
  };
  expect(less.warnings.join(' ')).toContain(
    'conversations.jsonl had 2 memories when it was written, but 1 now',
  );
  const newer = { ...members, 'manifest.json': Buffer.from('{"format":"faiss-memory-zip","version":2}') };
  writeFileSync(join(home, 'newer.zip'), zipSync(newer));
  expect((await on('c', ['import', join(home, 'newer.zip')])).stderr).toContain(
    'allowed is version 1; update',
  );
}, 60_000);

test('a zip needs a file, and a filter chooses', async () => {
  expect((await on('a', ['export', '--zip'])).stderr).toContain('A zip needs a file');
  expect((await on('a', ['add', 'Ann prefers tea.', '--tag', 'drink'])).code).toBe(0);
  expect((await on('a', ['add', 'The shop opens at six.'])).code).toBe(0);
  const { stdout } = await on('a', ['export', join(home, 'some.ZIP'), '--tag', 'drink', '--json']);
  expect(JSON.parse(stdout)).toMatchObject({ facts: 1, turns: 0 });
}, 30_000);
