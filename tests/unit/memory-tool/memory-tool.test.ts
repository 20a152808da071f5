import { createMemoryTool, type MemoryTool, openMemory, type OpenMemory } from 'faiss-memory';
import { FakeEmbedder, temporaryStore } from 'faiss-memory/testing';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';

let memory: OpenMemory;
let tool: MemoryTool;

beforeEach(() => {
  memory = openMemory({ store: temporaryStore(), embedder: new FakeEmbedder(), background: false });
  tool = createMemoryTool(memory);
});
afterEach(() => memory.close());

async function ok(input: object): Promise<string> {
  const { content, is_error: isError } = await tool.run(input);
  expect(isError, content).toBe(false);
  return content;
}

async function refused(input: unknown): Promise<string> {
  const { content, is_error: isError } = await tool.run(input);
  expect(isError, content).toBe(true);
  return content;
}

function create(path: string, text: string): Promise<string> {
  return ok({ command: 'create', path, file_text: text });
}

const NOTES = '/memories/notes.txt';

describe('view', () => {
  test('lists an empty folder, and files and folders two levels deep with their sizes', async () => {
    const header = (path: string): string =>
      `Here're the files and directories up to 2 levels deep in ${path}, excluding hidden items and node_modules:\n`;
    expect(await ok({ command: 'view', path: '/memories' })).toBe(`${header('/memories')}0B\t/memories`);
    await create('/memories/b.md', 'x'.repeat(1_536));
    await create('/memories/a/one.md', 'é');
    await create('/memories/a/deep/two.md', 'abc');
    await create('/memories/a/deep/deeper/three.md', 'abcd');
    await create('/memories/.hidden', 'x');
    await create('/memories/node_modules/x.js', 'x');
    expect(await ok({ command: 'view', path: '/memories/' })).toBe(
      `${header('/memories')}${[
        '1.5K\t/memories',
        '9B\t/memories/a/',
        '7B\t/memories/a/deep/',
        '2B\t/memories/a/one.md',
        '1.5K\t/memories/b.md',
      ].join('\n')}`,
    );
    expect(await ok({ command: 'view', path: '/memories/a' })).toContain('/memories/a/deep/deeper/');
  });

  test('numbers the lines of a file, or of a part of it', async () => {
    await create(NOTES, 'one\ntwo\n\nfour\n');
    const header = `Here's the content of ${NOTES} with line numbers:\n`;
    expect(await ok({ command: 'view', path: NOTES })).toBe(
      `${header}     1\tone\n     2\ttwo\n     3\t\n     4\tfour`,
    );
    const part = (range: unknown): object => ({ command: 'view', path: NOTES, view_range: range });
    expect(await ok(part([2, 3]))).toBe(`${header}     2\ttwo\n     3\t`);
    expect(await ok(part([4, -1]))).toBe(`${header}     4\tfour`);
    for (const range of [[0, 1], [3, 2], [1], 'all', [1, 2, 3], [1.5, 2]])
      expect(await refused(part(range))).toContain('Invalid `view_range` parameter');
  });

  test('says when there is nothing', async () => {
    expect(await refused({ command: 'view', path: '/memories/none' })).toBe(
      'Error: The path /memories/none does not exist. Please provide a valid path.',
    );
  });
});

describe('create', () => {
  test('makes a file once, also an empty one', async () => {
    expect(await create(NOTES, 'one')).toBe(`File created successfully at: ${NOTES}`);
    expect(await refused({ command: 'create', path: NOTES, file_text: 'two' })).toBe(
      `Error: File ${NOTES} already exists`,
    );
    await create('/memories/empty', '');
    await create('/memories/blank', ' \n\n');
    expect(await ok({ command: 'view', path: '/memories/empty' })).toMatch(/line numbers:\n$/);
    expect(await ok({ command: 'view', path: '/memories/blank' })).toMatch(/ {5}1\t \n {5}2\t$/);
    await ok({ command: 'insert', path: '/memories/empty', insert_line: 0, insert_text: 'now' });
    expect(await ok({ command: 'view', path: '/memories/empty' })).toContain('     1\tnow');
  });

  test('refuses a file where a folder is, and a folder where a file is', async () => {
    await create('/memories/a/b', 'x');
    expect(await refused({ command: 'create', path: '/memories/a', file_text: '' })).toContain(
      'already exists',
    );
    expect(await refused({ command: 'create', path: '/memories/a/b/c', file_text: '' })).toBe(
      'Error: The path /memories/a/b is a file, not a directory',
    );
  });

  test.each([
    '/etc/passwd',
    '/memories/../etc/passwd',
    '/memories/a/./b',
    '/memoriesque',
    '/memories//a',
    'memories/a',
    '/memories/a\\..\\b',
    '/memories/a\0b',
    `/memories/${'a'.repeat(2_000)}`,
    '',
    5,
    null,
  ])('refuses the path %j in every command', async (path) => {
    const texts = { file_text: 'x', old_str: 'a', new_str: 'b', insert_line: 0, insert_text: 'x' };
    for (const command of ['view', 'create', 'str_replace', 'insert', 'delete'])
      await refused({ command, path, ...texts });
    await create(NOTES, 'one');
    await refused({ command: 'rename', old_path: NOTES, new_path: path });
    await refused({ command: 'rename', old_path: path, new_path: NOTES });
    expect((await memory.list()).total).toBe(1);
  });
});

describe('str_replace', () => {
  test('replaces one place, and shows the lines around it', async () => {
    await create(NOTES, 'a\nb\nthe $1 old\nc\nd\ne\n');
    expect(await ok({ command: 'str_replace', path: NOTES, old_str: 'old\nc', new_str: 'new $& \nx' })).toBe(
      'The memory file has been edited. Here is the snippet showing the change (with line numbers):\n' +
        '     1\ta\n     2\tb\n     3\tthe $1 new $& \n     4\tx\n     5\td\n     6\te',
    );
    await ok({ command: 'str_replace', path: NOTES, old_str: 'a\n' });
    expect(await ok({ command: 'view', path: NOTES })).toContain('     1\tb\n');
  });

  test('refuses a text that is not there, is there more than once, or is empty', async () => {
    await create(NOTES, 'tea\ncoffee tea\n');
    const replace = (text: string): object => ({
      command: 'str_replace',
      path: NOTES,
      old_str: text,
      new_str: 'x',
    });
    expect(await refused(replace('milk'))).toBe(
      `Error: No replacement was performed, old_str \`milk\` did not appear verbatim in ${NOTES}.`,
    );
    expect(await refused(replace('tea'))).toBe(
      'Error: No replacement was performed. Multiple occurrences of old_str `tea` in lines: 1, 2. Please ensure it is unique',
    );
    expect(await refused(replace(''))).toContain('No replacement was performed');
    expect(await refused({ ...replace('tea'), path: '/memories' })).toContain('does not exist');
  });
});

describe('insert', () => {
  test('puts lines before the first, between and after the last', async () => {
    await create(NOTES, 'one\ntwo\n');
    for (const [line, text] of [
      [2, 'three\n'],
      [0, 'zero'],
      [1, 'half\nmore'],
    ] as const)
      expect(await ok({ command: 'insert', path: NOTES, insert_line: line, insert_text: text })).toBe(
        `The file ${NOTES} has been edited.`,
      );
    const { memories } = await memory.list();
    expect(memories[0]?.text).toBe('zero\nhalf\nmore\none\ntwo\nthree\n');
  });

  test.each([-1, 3, 1.5, '1', undefined])('refuses the line %j', async (line) => {
    await create(NOTES, 'one\ntwo');
    expect(await refused({ command: 'insert', path: NOTES, insert_line: line, insert_text: 'x' })).toContain(
      'It should be within the range of lines of the file: [0, 2]',
    );
  });
});

describe('delete and rename', () => {
  test('take a file, or a folder with all that is in it', async () => {
    await create('/memories/a/one', '1');
    await create('/memories/a/b/two', '2');
    await create('/memories/ab', '3');
    expect(await ok({ command: 'rename', old_path: '/memories/a', new_path: '/memories/x/y' })).toBe(
      'Successfully renamed /memories/a to /memories/x/y',
    );
    expect(await ok({ command: 'view', path: '/memories/x/y/b/two' })).toContain('1\t2');
    expect(await refused({ command: 'view', path: '/memories/a' })).toContain('does not exist');
    expect(await ok({ command: 'delete', path: '/memories/x' })).toBe('Successfully deleted /memories/x');
    expect((await memory.list()).total).toBe(1);
    expect((await memory.list({ which: 'trash' })).total).toBe(2);
  });

  test('refuse what is missing, taken, inside of itself, or everything', async () => {
    await create('/memories/a/one', '1');
    await create(NOTES, '2');
    const rename = (from: string, to: string): object => ({
      command: 'rename',
      old_path: from,
      new_path: to,
    });
    expect(await refused(rename('/memories/none', '/memories/b'))).toBe(
      'Error: The path /memories/none does not exist',
    );
    expect(await refused(rename(NOTES, '/memories/a'))).toBe(
      'Error: The destination /memories/a already exists',
    );
    expect(await refused(rename('/memories/a', '/memories/a/b'))).toContain('is inside of');
    expect(await refused(rename('/memories', '/memories/b'))).toContain('Cannot rename');
    expect(await refused({ command: 'delete', path: '/memories/none' })).toBe(
      'Error: The path /memories/none does not exist',
    );
    expect(await refused({ command: 'delete', path: '/memories' })).toContain('Cannot delete');
    expect((await memory.list()).total).toBe(2);
  });
});

describe('a file', () => {
  test('is a memory with a version for each content, which searches find', async () => {
    await create(NOTES, 'The staging server is on port 1');
    await ok({ command: 'str_replace', path: NOTES, old_str: 'port 1', new_str: 'port 2' });
    const { hits } = await memory.search({ query: 'staging server', mode: 'keyword' });
    expect(hits[0]?.memory).toMatchObject({ text: 'The staging server is on port 2', tags: ['memory-file'] });
    const history = await memory.history(hits[0]?.memory.id ?? '');
    expect(history.map(({ text }) => text)).toEqual([
      'The staging server is on port 2',
      'The staging server is on port 1',
    ]);
  });

  test('of one project is not one of another', async () => {
    const [ann, bob] = ['ann', 'bob'].map((project) => createMemoryTool(memory, { project }));
    await ann?.create({ path: NOTES, file_text: 'of Ann' });
    await bob?.create({ path: NOTES, file_text: 'of Bob' });
    expect(await ann?.view({ path: NOTES })).toContain('of Ann');
    await bob?.delete({ path: NOTES });
    expect(await ann?.view({ path: NOTES })).toContain('of Ann');
    await expect(tool.view({ path: NOTES })).rejects.toThrow('does not exist');
  });

  test('takes several changes at once', async () => {
    await create(NOTES, 'start\n');
    const lines = Array.from({ length: 10 }, (_, place) => `line ${place}`);
    await Promise.all(
      lines.map((text) => ok({ command: 'insert', path: NOTES, insert_line: 1, insert_text: text })),
    );
    const { memories } = await memory.list();
    expect(memories[0]?.text.split('\n')).toEqual(['start', ...lines.toReversed(), '']);
  });

  test('that came twice from two machines is one, with the newer content', async () => {
    const file = { tags: ['memory-file'], source: '', metadata: { memory_path: NOTES } };
    const [older, newer] = [Date.UTC(2026, 0, 1), Date.UTC(2026, 0, 2)];
    await memory.importBatch([
      { ...file, text: 'newer', createdAt: older, updatedAt: newer },
      { ...file, text: 'older', createdAt: older, updatedAt: older },
    ]);
    expect(await ok({ command: 'view', path: NOTES })).toContain('1\tnewer');
    await ok({ command: 'delete', path: NOTES });
    expect((await memory.list()).total).toBe(0);
  });
});

test.each([undefined, 'view', {}, { command: 'format' }, { command: 'run' }, { command: 'toString' }])(
  'the call %j gets an answer that the model can read',
  async (input) => {
    expect(await refused(input)).toMatch(/^Error: (The input is not|Unknown command)/);
  },
);
