import { describe, expect, test } from 'vitest';
import type { TranscriptCursor } from '../../../src/import-export/formats/import-format.ts';
import { importSource, type ImportedSource } from '../../helpers/import-source.ts';

const lines = (...records: readonly object[]): string =>
  records.map((record) => `${JSON.stringify(record)}\n`).join('');

const said = ({ turns }: ImportedSource): string[] => turns.map(({ role, text }) => `${role}: ${text}`);

const SESSION = '087c1c92-c377-4892-99bc-1a1b81bfbaa3';
const record = (type: string, content: unknown, more: object = {}): object => ({
  parentUuid: null,
  isSidechain: false,
  type,
  message: { role: type, content },
  uuid: '8ae4ca08-bcb6-44f4-b055-397fe94e1f8f',
  timestamp: '2026-05-03T10:00:00.000Z',
  cwd: '/home/ann/shop',
  sessionId: SESSION,
  version: '2.1.197',
  gitBranch: 'main',
  ...more,
});

describe('a transcript of Claude Code', () => {
  test('gives the words of both sides, with client, session, folder, position and time', async () => {
    const found = await importSource({
      text: lines(
        {
          type: 'queue-operation',
          operation: 'enqueue',
          timestamp: '2026-05-03T10:00:00Z',
          sessionId: SESSION,
        },
        record('user', 'Which port does the shop use?'),
        record('assistant', [
          { type: 'thinking', thinking: 'hm' },
          { type: 'text', text: 'I will look.' },
          { type: 'tool_use', id: 't1', name: 'Bash', input: { command: 'cat port' } },
        ]),
        record('user', [{ type: 'tool_result', tool_use_id: 't1', content: '8080' }]),
        record('assistant', [{ type: 'text', text: 'It runs on 8080.' }], {
          timestamp: '2026-05-03T10:00:09.000Z',
        }),
      ),
    });
    expect(found.summary).toMatchObject({
      format: 'claude-code',
      added: 3,
      conversations: 1,
      turns: 3,
      rejected: 0,
      omitted: {
        'a tool call': 1,
        'the output of a tool': 1,
        thinking: 1,
        'a record of the client that is no message': 1,
      },
    });
    expect(found.turns[2]).toEqual({
      client: 'claude-code',
      session: SESSION,
      folder: '/home/ann/shop',
      position: 4,
      role: 'assistant',
      text: 'It runs on 8080.',
      createdAt: Date.parse('2026-05-03T10:00:09.000Z'),
    });
  });

  test('has no subagents, commands, reminders, summaries and notices', async () => {
    const found = await importSource({
      text: lines(
        record('user', 'Look into it', { isSidechain: true }),
        record('user', '<command-name>/compact</command-name>\n  <command-message>compact</command-message>'),
        record('user', '<local-command-stdout>Compacted</local-command-stdout>'),
        record(
          'user',
          'This session is being continued from a previous conversation that ran out of context. …',
        ),
        record('user', 'Summary', { isCompactSummary: true }),
        record('user', [{ type: 'text', text: 'Continue from where you left off.' }], { isMeta: true }),
        record('assistant', [{ type: 'text', text: 'No response requested.' }], {
          message: { model: '<synthetic>', content: [{ type: 'text', text: 'No response requested.' }] },
        }),
        record('user', '[Request interrupted by user]'),
        record('user', '  '),
        record('user', '<system-reminder>\nBe brief.\n</system-reminder>\nWhen is the release?'),
      ),
    });
    expect(said(found)).toEqual(['user: When is the release?']);
    expect(found.summary.omitted).toEqual({
      'a turn of a subagent': 1,
      'a command of the client or its output': 3,
      'a summary that the client made of the conversation': 2,
      'a notice of the client': 3,
      'an empty turn': 1,
      'a reminder of the client': 1,
    });
  });

  test('may be written at the moment, have unknown records, bad lines and strange times', async () => {
    const whole = lines(
      record('user', 'one', { timestamp: '3. Mai 2026 10:00 Uhr' }),
      { type: 'new-in-2027', sessionId: SESSION },
      record('user', 'two'),
      record('user', 'three', { timestamp: '2031-01-01T00:00:00Z' }),
      record('user', 'four', { timestamp: '2026-05-01T00:00:00Z' }),
      record('user', 'five', { timestamp: undefined }),
    );
    const found = await importSource({ text: `${whole}{"type":"user", broken\n[1]\n${whole.slice(0, 90)}` });
    expect(said(found)).toEqual(['one', 'two', 'three', 'four', 'five'].map((text) => `user: ${text}`));
    const times = found.turns.slice(1).map(({ createdAt }) => new Date(createdAt).toISOString());
    expect(new Set(times)).toEqual(new Set(['2026-05-03T10:00:00.000Z']));
    expect(found.summary.noted).toEqual({
      'an unknown record: new-in-2027': 1,
      'a time that cannot be read; the time of the turn before counts': 2,
      'a time in the future; the time of the turn before counts': 1,
      'a time before that of the turn before; the later one counts': 1,
      'a last line that is not complete yet; the next import takes it': 1,
    });
    expect(found.problems).toMatchObject([
      { line: 7, problem: 'line is not JSON' },
      { line: 8, problem: 'line is no JSON object' },
    ]);
  });

  test('is read on from the place where the last reading ended', async () => {
    const first = lines(record('user', 'one'), record('assistant', 'two'));
    const more = lines(record('user', 'three'));
    const cursor: TranscriptCursor = { offset: 0, lines: 0 };
    await importSource({ text: first + more.slice(0, -20) }, { cursor, format: 'claude-code' });
    expect(cursor).toMatchObject({ offset: Buffer.byteLength(first), lines: 2 });
    const found = await importSource(
      { text: (first + more).slice(cursor.offset) },
      { cursor, format: 'claude-code' },
    );
    expect(found.turns).toMatchObject([{ position: 2, text: 'three' }]);
    expect(cursor).toMatchObject({ offset: Buffer.byteLength(first + more), lines: 3 });
  });

  test('with a line or a nesting beyond all limits loses only that line', async () => {
    const deep = `{"sessionId":"s","type":"user","message":{"content":${'['.repeat(50_000)}${']'.repeat(50_000)}}}\n`;
    const text =
      lines(record('user', 'one')) + deep + lines(record('user', 'x'.repeat(300_000)), record('user', 'two'));
    const found = await importSource({ text }, { maxEntryBytes: 200_000 });
    expect(said(found)).toEqual(['user: one', 'user: two']);
    expect(found.problems.at(-1)).toMatchObject({ line: 3, problem: 'line is longer than 200000 bytes' });
  });
});

describe('a session of Codex', () => {
  const item = (role: string, text: string): object => ({
    timestamp: '2026-05-03T10:00:00.000Z',
    type: 'response_item',
    payload: {
      type: 'message',
      role,
      content: [{ type: role === 'assistant' ? 'output_text' : 'input_text', text }],
    },
  });
  const meta = (payload: object): object => ({
    timestamp: '2026-05-03T10:00:00.000Z',
    type: 'session_meta',
    payload,
  });

  test('gives its messages, without what the client added', async () => {
    const found = await importSource({
      text: lines(
        meta({
          id: 's1',
          cwd: '/home/ann/shop',
          source: 'exec',
          git: { repository_url: 'https://example.com/shop.git' },
        }),
        { timestamp: '2026-05-03T10:00:00.000Z', type: 'turn_context', payload: {} },
        item('developer', '<skills_instructions>…</skills_instructions>'),
        item('user', '<environment_context>\n<cwd>/home/ann/shop</cwd>\n</environment_context>'),
        item('user', '# AGENTS.md instructions for /home/ann/shop\n\nBe brief.'),
        item(
          'user',
          '# Context from my IDE setup:\n## Open tabs: a.ts\n## My request for Codex:\nWhat milk do I like?',
        ),
        { timestamp: '…', type: 'response_item', payload: { type: 'reasoning', summary: [] } },
        { timestamp: '…', type: 'response_item', payload: { type: 'function_call', name: 'shell' } },
        { timestamp: '…', type: 'response_item', payload: { type: 'function_call_output', output: 'x' } },
        { timestamp: '…', type: 'response_item', payload: { type: 'new_thing' } },
        item('assistant', 'Oat milk.'),
        meta({ id: 'of another session' }),
      ),
    });
    expect(found.summary).toMatchObject({
      format: 'codex',
      omitted: {
        'instructions to the model': 1,
        'context that the client added': 3,
        thinking: 1,
        'a tool call': 1,
        'the output of a tool': 1,
        'a record of the client that is no message': 1,
      },
      noted: { 'an unknown record: new_thing': 1 },
    });
    expect(found.turns).toMatchObject([
      { session: 's1', folder: '/home/ann/shop', position: 5, role: 'user', text: 'What milk do I like?' },
      {
        session: 's1',
        repository: 'https://example.com/shop.git',
        position: 10,
        role: 'assistant',
        text: 'Oat milk.',
      },
    ]);
  });

  test('of a subagent is left out, and one of 2025 is read', async () => {
    const sub = await importSource({
      text: lines(meta({ id: 's2', source: { subagent: { parent: 's1' } } }), item('user', 'Look.')),
    });
    expect(sub.summary).toMatchObject({ added: 0, omitted: { 'a turn of a subagent': 1 } });
    const old = await importSource({
      text: lines(
        { id: 's3', timestamp: '2025-06-01T08:00:00Z', instructions: null },
        { record_type: 'state' },
        { type: 'message', role: 'user', content: [{ type: 'input_text', text: 'Hello there' }] },
      ),
    });
    expect(old.turns).toMatchObject([
      { session: 's3', text: 'Hello there', createdAt: Date.parse('2025-06-01T08:00:00Z') },
    ]);
  });
});

describe('a session of Gemini CLI', () => {
  const head = { sessionId: 'g1', projectHash: '2dcf', startTime: '2026-05-03T10:00:00Z', kind: 'main' };
  const message = (id: string, type: string, content: unknown, more: object = {}): object => ({
    id,
    timestamp: '2026-05-03T10:00:00Z',
    type,
    content,
    ...more,
  });
  const context = '<session_context>\n- **Workspace Directories:**\n  - /home/ann/shop\n</session_context>';

  test('gives each message once as it was last, and none that was taken back', async () => {
    const found = await importSource({
      text: lines(
        head,
        { $set: { messages: [message('m0', 'user', [{ text: context }])] } },
        message('m1', 'user', [{ text: 'Where is the shop?' }]),
        message('m2', 'gemini', 'I will list.', { thoughts: [{ subject: 'x' }] }),
        message('m2', 'gemini', 'I will list.', { toolCalls: [{ name: 'list' }] }),
        message('m3', 'user', [{ functionResponse: { response: {} } }]),
        message('m4', 'gemini', 'In Berlin.'),
        message('m5', 'user', [{ text: 'A typing mistake' }]),
        { $rewindTo: 'm5' },
        message('m6', 'user', [{ text: 'Since when?' }]),
        { $set: { messages: [message('m4', 'gemini', 'In Berlin.'), message('m9', 'user', 'A summary')] } },
        message('m7', 'info', 'A notice'),
      ),
    });
    expect(found.summary).toMatchObject({
      format: 'gemini-cli',
      omitted: {
        'a tool call': 1,
        'the output of a tool': 1,
        'context that the client added': 1,
        'a branch that was not continued': 1,
        'a summary that the client made of the conversation': 1,
        'a notice of the client': 1,
      },
    });
    expect(found.turns.map(({ position, text }) => [position, text])).toEqual([
      [1, 'Where is the shop?'],
      [2, 'I will list.'],
      [4, 'In Berlin.'],
      [6, 'Since when?'],
    ]);
    expect(found.turns[0]).toMatchObject({ client: 'gemini-cli', session: 'g1', folder: '/home/ann/shop' });
  });

  test('as one JSON document is read as far as it goes', async () => {
    const text = JSON.stringify(
      { ...head, messages: [message('a', 'user', 'Hi'), message('b', 'gemini', 'Ho')] },
      null,
      2,
    );
    const found = await importSource({ text });
    expect(found.turns).toMatchObject([
      { session: 'g1', role: 'user', text: 'Hi' },
      { role: 'assistant', text: 'Ho' },
    ]);
    const cut = await importSource({ text: text.slice(0, -60) });
    expect(said(cut)).toEqual(['user: Hi']);
    expect(cut.summary.noted).toEqual({
      'a file that is not complete yet; the next import takes the rest': 1,
    });
  });
});

describe('a transcript of Cursor', () => {
  const message = (role: string, text: string, ...more: readonly object[]): object => ({
    role,
    message: { content: [{ type: 'text', text }, ...more] },
  });
  const name = '7b1c6f3e-2f0b-4f5e-9c53-0d2f5d1d9a11.jsonl';
  const whole = lines(
    message('user', '<attached_files>\nshop.ts\n</attached_files>\n<user_query>\nWhich port?\n</user_query>'),
    message('assistant', 'I will look.', { type: 'tool_use', name: 'Shell', input: {} }),
    { role: 'tool', message: { content: [{ type: 'text', text: '8080' }] } },
    message('assistant', 'It is 8080.'),
    { role: 'new-in-2027', message: { content: [] } },
  );

  test('gives the words of both sides, named by the file', async () => {
    const found = await importSource({ text: `${whole}{"role":"user","mess`, name });
    expect(said(found)).toEqual(['user: Which port?', 'assistant: I will look.', 'assistant: It is 8080.']);
    expect(found.summary).toMatchObject({
      format: 'cursor',
      conversations: 1,
      omitted: { 'context that the client added': 1, 'a tool call': 1, 'the output of a tool': 1 },
      noted: {
        'an unknown record: new-in-2027': 1,
        'a last line that is not complete yet; the next import takes it': 1,
      },
    });
    expect(found.turns[2]).toMatchObject({ client: 'cursor', session: name.slice(0, -6), position: 3 });
  });

  test('has the time of its file where that is known', async () => {
    const time = Date.UTC(2026, 4, 3);
    const cursor: TranscriptCursor = { offset: 0, lines: 0, time };
    const { turns } = await importSource({ text: whole, name }, { cursor });
    expect(new Set(turns.map(({ createdAt }) => createdAt))).toEqual(new Set([time]));
  });
});
