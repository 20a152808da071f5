import { mkdirSync, mkdtempSync, readdirSync, readlinkSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { zipSync } from 'fflate';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { importSource } from '../../helpers/import-source.ts';

const lines = (...records: readonly object[]): string =>
  records.map((record) => `${JSON.stringify(record)}\n`).join('');

describe('a data export', () => {
  const node = (
    id: string,
    parent: string | null,
    message: object | null,
    children: string[] = [],
  ): object => ({
    [id]: { id, parent, children, message },
  });
  const message = (role: string, parts: unknown[], more: object = {}): object => ({
    author: { role },
    create_time: 1_767_225_600.5,
    content: {
      content_type: parts.every((part) => typeof part === 'string') ? 'text' : 'multimodal_text',
      parts,
    },
    recipient: 'all',
    ...more,
  });

  test('of ChatGPT gives the branch that was shown last', async () => {
    const conversation = {
      conversation_id: 'c1',
      create_time: 1_767_225_600,
      current_node: 'n5',
      mapping: {
        ...node('n0', null, null, ['n1']),
        ...node('n1', 'n0', message('system', ['']), ['n2', 'x1']),
        ...node('x1', 'n1', message('user', ['An edited question'])),
        ...node('n2', 'n1', message('user', [{ content_type: 'image_asset_pointer' }, 'What is this?']), [
          'n3',
        ]),
        ...node('n3', 'n2', message('assistant', ['search()'], { recipient: 'web' }), ['n4']),
        ...node('n4', 'n3', message('tool', ['results']), ['n5']),
        ...node('n5', 'n4', message('assistant', ['A bridge.\uE200cite\uE202turn0\uE201'])),
      },
    };
    const loop = {
      id: 'c2',
      current_node: 'a',
      mapping: { ...node('a', 'b', message('user', ['Loop'])), ...node('b', 'a', null) },
    };
    const found = await importSource({ text: JSON.stringify([conversation, loop, { mapping: {} }, 7]) });
    expect(found.summary).toMatchObject({ format: 'chatgpt-export', conversations: 2, rejected: 2 });
    expect(found.turns).toMatchObject([
      {
        client: 'chatgpt',
        session: 'c1',
        position: 2,
        role: 'user',
        text: 'What is this?',
        createdAt: 1_767_225_600_500,
      },
      { session: 'c1', position: 5, role: 'assistant', text: 'A bridge.' },
      { session: 'c2', text: 'Loop' },
    ]);
    expect(found.summary.omitted).toEqual({
      'instructions to the model': 1,
      'an image or another attachment': 1,
      'a tool call': 1,
      'the output of a tool': 1,
      'a branch that was not continued': 1,
    });
  });

  test('of Claude gives its messages, without tools and files', async () => {
    const conversation = {
      uuid: 'c1',
      name: 'Bread',
      created_at: '2026-05-03T10:00:00.000000Z',
      chat_messages: [
        {
          uuid: 'm1',
          sender: 'human',
          text: 'How long?',
          content: [{ type: 'text', text: 'How long?' }],
          attachments: [{ extracted_content: 'x' }],
          created_at: '2026-05-03T10:00:01.123456Z',
        },
        {
          uuid: 'm2',
          sender: 'assistant',
          text: '…',
          content: [
            { type: 'thinking', thinking: 'hm' },
            { type: 'tool_use' },
            { type: 'tool_result' },
            { type: 'text', text: 'An hour.' },
          ],
        },
        { uuid: 'm3', sender: 'human', text: 'An old one', files: [{ file_name: 'a.png' }] },
      ],
    };
    const found = await importSource({ text: JSON.stringify([conversation]) });
    expect(found.summary).toMatchObject({ format: 'claude-export', conversations: 1, turns: 3 });
    expect(found.turns.map(({ role, text }) => `${role}: ${text}`)).toEqual([
      'user: How long?',
      'assistant: An hour.',
      'user: An old one',
    ]);
    expect(found.turns[0]?.createdAt).toBe(Date.parse('2026-05-03T10:00:01.123Z'));
  });
});

describe('a folder of several formats', () => {
  let root: string;
  beforeEach(() => {
    root = mkdtempSync(join(tmpdir(), 'faiss-memory-mixed-'));
  });
  afterEach(() => {
    rmSync(root, { recursive: true, force: true });
  });
  function write(path: string, content: string | Uint8Array): void {
    mkdirSync(dirname(join(root, path)), { recursive: true });
    writeFileSync(join(root, path), content);
  }

  test('is read file by file, and one bad file stops nothing', async () => {
    write(
      'claude/-home-ann/a.jsonl',
      lines({ type: 'user', sessionId: 's', message: { content: 'From Claude Code' } }),
    );
    write(
      'codex/rollout-1.jsonl',
      lines(
        { type: 'session_meta', payload: { id: 's1' } },
        {
          type: 'response_item',
          payload: { type: 'message', role: 'user', content: [{ type: 'input_text', text: 'From Codex' }] },
        },
      ),
    );
    write(
      'gemini/chats/session-1.json',
      JSON.stringify({
        sessionId: 'g',
        projectHash: 'h',
        messages: [{ id: '1', type: 'user', content: 'From Gemini' }],
      }),
    );
    const zipped = zipSync({
      'user.json': Buffer.from('{}'),
      'conversations.json': Buffer.from(
        JSON.stringify([
          {
            id: 'c',
            mapping: {
              a: {
                message: {
                  author: { role: 'user' },
                  content: { content_type: 'text', parts: ['From ChatGPT'] },
                },
              },
            },
          },
        ]),
      ),
    });
    write('exports/chatgpt.zip', zipped);
    write('exports/cut.zip', zipped.subarray(0, 100));
    write('notes/Ada.md', 'Ada prefers tea.');
    write(
      'graph/memory.jsonl',
      '{"type":"entity","name":"Ada","entityType":"person","observations":["likes bread"]}\n',
    );
    write('app/package.json', '{"name":"app","text":"no memory"}');
    write('app/data.json', '[{"text":"no memory"}]');
    write('app/rows.jsonl', '{"text":"no memory"}\n');
    write('app/main.ts', 'code');
    const found = await importSource({ path: root });
    expect(found.summary.format).toBe('folder');
    expect(found.turns.map(({ text }) => text).sort()).toEqual([
      'From ChatGPT',
      'From Claude Code',
      'From Codex',
      'From Gemini',
    ]);
    expect([...found.texts].sort()).toEqual(['# Ada\n\nAda prefers tea.', 'Ada (person): likes bread']);
    expect(found.problems).toMatchObject([
      { place: 'exports/cut.zip', problem: expect.stringContaining('cut off') as string },
    ]);
    expect(found.summary.omitted).toEqual({ 'a file of no known format': 4 });
  });

  test.runIf(process.platform === 'linux')('leaves no file of it open', async () => {
    for (let number = 0; number < 20; number += 1) {
      write(`app/unknown${number}.json`, '{"text":"no memory"}');
      write(`app/rows${number}.jsonl`, '{"text":"no memory"}\n');
    }
    write('app/damaged.jsonl', '{"format":"faiss-memory-export","version":99}\n');
    await importSource({ path: root });
    const open = readdirSync('/proc/self/fd').flatMap((fd) => {
      try {
        return [readlinkSync(join('/proc/self/fd', fd))];
      } catch {
        return [];
      }
    });
    expect(open.filter((path) => path.startsWith(root))).toEqual([]);
  });
});
