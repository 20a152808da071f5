import { mkdirSync, mkdtempSync, rmSync, symlinkSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { zipSync } from 'fflate';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { importSource } from '../../helpers/import-source.ts';

let root: string;

beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'faiss-memory-import-'));
});

afterEach(() => {
  rmSync(root, { recursive: true, force: true });
});

function write(path: string, content: string | Uint8Array): string {
  const file = join(root, path);
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, content);
  return file;
}

function zip(files: Readonly<Record<string, string>>): Buffer {
  return Buffer.from(
    zipSync(Object.fromEntries(Object.entries(files).map(([name, text]) => [name, Buffer.from(text)]))),
  );
}

describe('a folder of notes', () => {
  test('gives a memory for each note, with its title, tags, times and other fields', async () => {
    write(
      'vault/people/Ada.md',
      '---\ntitle: Ada Lovelace\ntype: person\npermalink: people/ada\ntags: [math, "#poetry"]\ncreated: 2025-03-04\nmodified: 2025-03-05T10:00:00Z\n---\n- [drink] prefers tea #habit\n',
    );
    const plain = write('vault/Shop.md', 'The shop opens at six.\n');
    utimesSync(plain, 1_700_000_000, 1_700_000_000);
    write('vault/.obsidian/workspace.md', 'hidden');
    write('vault/image.png', 'no note');
    const found = await importSource({ path: join(root, 'vault') });
    expect(found.summary).toMatchObject({
      format: 'markdown',
      added: 2,
      rejected: 0,
      omitted: { 'a file that is no note': 1 },
    });
    expect([...found.importer.memories.values()]).toMatchObject([
      { text: '# Shop\n\nThe shop opens at six.', source: 'vault/Shop.md', updatedAt: 1_700_000_000_000 },
      {
        text: '# Ada Lovelace\n\n- [drink] prefers tea #habit',
        tags: ['math', 'poetry'],
        source: 'vault/people/Ada.md',
        metadata: { title: 'Ada Lovelace', type: 'person', permalink: 'people/ada', created: '2025-03-04' },
        createdAt: Date.parse('2025-03-04'),
        updatedAt: Date.parse('2025-03-05T10:00:00Z'),
      },
    ]);
    write('vault/Shop.md', 'The shop opens at seven.\n');
    const again = await importSource(
      { path: join(root, 'vault') },
      { importer: found.importer, overwrite: true },
    );
    expect(again.summary).toMatchObject({ added: 0, existing: 1, updated: 1 });
    expect(again.texts[0]).toBe('# Shop\n\nThe shop opens at seven.');
  });

  test('leaves out empty notes, templates and drawings, and says how many', async () => {
    write('vault/empty.md', '---\ntags: x\n---\n\n');
    write('vault/Templates/person.md', 'Name and birthday');
    write('vault/daily.md', '# {{date}}\n\n## Tasks\n- [ ] \n- \n\n---\n<% tp.file.cursor() %>\n');
    write('vault/headings.md', '# One\n## Two\n');
    write('vault/drawing.md', '---\nexcalidraw-plugin: parsed\n---\n{"type":"excalidraw"}');
    write('vault/real.md', 'A note about {{ handlebars }} says something.');
    const { summary, texts } = await importSource({ path: join(root, 'vault') });
    expect(texts).toEqual(['# real\n\nA note about {{ handlebars }} says something.']);
    expect(summary.omitted).toEqual({
      'an empty note': 1,
      'a template': 2,
      'a note with headings only': 1,
      'a drawing': 1,
    });
  });

  test('does not follow links', async () => {
    write('secret.md', 'outside');
    write('vault/note.md', 'inside');
    symlinkSync(join(root, 'secret.md'), join(root, 'vault/link.md'));
    symlinkSync(root, join(root, 'vault/up'));
    const { summary, texts } = await importSource({ path: join(root, 'vault') });
    expect(texts).toEqual(['# note\n\ninside']);
    expect(summary.omitted).toEqual({ 'a link': 2 });
  });

  test('cuts only notes above the limit of a text, and loses no word of them', async () => {
    const paragraph = (name: string): string => `## ${name}\n\n${`${name} word `.repeat(12).trim()}`;
    const body = ['one', 'two', 'three', 'four'].map(paragraph).join('\n\n');
    write('vault/long.md', body);
    const { summary, importer, texts } = await importSource(
      { path: join(root, 'vault') },
      { textLimit: 300 },
    );
    expect(summary).toMatchObject({ added: texts.length, rejected: 0 });
    expect(texts.length).toBeGreaterThan(1);
    expect(texts.every((text) => text.length <= 300 && text.startsWith('# long\n\n'))).toBe(true);
    expect(texts.map((text) => text.slice('# long\n\n'.length)).join('\n\n')).toBe(body);
    expect([...importer.memories.values()].at(-1)?.metadata['part']).toBe(
      `${texts.length} of ${texts.length}`,
    );
  });

  test('keeps front matter that is no YAML as text, and reports what is no UTF-8', async () => {
    write('vault/a.md', Buffer.from([0x61, 0xff]));
    write('vault/b.md', '---\n: [broken\n---\nBody');
    write('vault/c.md', `---\n${'a: &a [x]\nb: [*a]\n'.repeat(1)}---\nAliases are fine.`);
    const { problems, texts } = await importSource({ path: join(root, 'vault') });
    expect(problems).toMatchObject([{ place: 'a.md', problem: 'note has bytes that are not UTF-8' }]);
    expect(texts).toEqual(['# b\n\n---\n: [broken\n---\nBody', '# c\n\nAliases are fine.']);
  });
});

describe('an export in a zip', () => {
  const memories = JSON.stringify([
    { account_uuid: 'a', conversations_memory: 'Sam bakes.', project_memories: { p1: 'Launch in May.' } },
  ]);
  const claude = {
    'users.json': '[]',
    'conversations.json':
      '[{"uuid":"c1","project":{"uuid":"p1"},"chat_messages":[{"sender":"human","text":"When do we bake?"}]}]',
    'projects.json': '[{"uuid":"p1","name":"Bakery"}]',
    'memories.json': memories,
  };

  test('of Claude gives its memories with the names of projects, once', async () => {
    const path = write('data.zip', zip(claude));
    const found = await importSource({ path });
    expect(found.texts).toEqual(['Sam bakes.', 'Launch in May.']);
    expect([...found.importer.memories.values()][1]?.metadata).toEqual({
      project: 'Bakery',
      project_uuid: 'p1',
    });
    expect(found.turns).toMatchObject([
      {
        client: 'claude',
        session: 'c1',
        project: 'Bakery',
        position: 0,
        role: 'user',
        text: 'When do we bake?',
      },
    ]);
    // The folder that the zip was unpacked to is the same.
    for (const [name, text] of Object.entries(claude)) write(`data/${name}`, text);
    const again = await importSource({ path: join(root, 'data') }, { importer: found.importer });
    expect(again.summary).toMatchObject({ added: 0, existing: 3 });
  });

  test('of ChatGPT gives its list of memories, and says so when it has nothing to take', async () => {
    const saved = JSON.stringify([{ id: 'm1', content: 'Prefers metric units', created_at: '2025-03-04' }]);
    const files = { 'user.json': '{}', 'conversations.json': '[]' };
    const found = await importSource({ path: write('a.zip', zip({ ...files, 'memories.json': saved })) });
    expect(found.summary).toMatchObject({ format: 'chatgpt-export', added: 1 });
    await expect(importSource({ path: write('b.zip', zip({ 'user.json': '{}' })) })).rejects.toThrow(
      'neither conversations nor memories',
    );
  });

  test('that is cut off, damaged or encrypted is refused with the reason', async () => {
    const bytes = zip(claude);
    await expect(
      importSource({ path: write('cut.zip', bytes.subarray(0, bytes.length - 30)) }),
    ).rejects.toThrow('cut off');
    const damaged = Buffer.from(
      zipSync({ 'users.json': Buffer.from('[]'), 'memories.json': [Buffer.from(memories), { level: 0 }] }),
    );
    damaged.write('Pam', damaged.indexOf('Sam'));
    expect((await importSource({ path: write('damaged.zip', damaged) })).problems).toMatchObject([
      { place: 'memories.json', problem: expect.stringContaining('checksum') as string },
    ]);
    const encrypted = Buffer.from(bytes);
    for (
      let at = encrypted.indexOf('PK\u0001\u0002');
      at >= 0;
      at = encrypted.indexOf('PK\u0001\u0002', at + 1)
    )
      encrypted[at + 8] = 1;
    expect((await importSource({ path: write('secret.zip', encrypted) })).problems).toMatchObject([
      { place: 'memories.json', problem: expect.stringContaining('encrypted') as string },
      { place: 'conversations.json', problem: expect.stringContaining('encrypted') as string },
    ]);
  });

  test('that would fill the memory is refused before it is read', async () => {
    const bomb = write(
      'bomb.zip',
      zip({ 'users.json': '[]', 'memories.json': `[${' '.repeat(20_000_000)}]` }),
    );
    expect((await importSource({ path: bomb })).problems[0]?.problem).toContain(
      'allowed is 200 times as many',
    );
    const lying = zip(claude);
    const at = lying.lastIndexOf('memories.json') - 46;
    lying.writeUInt32LE(0xfffffff0, at + 24);
    expect((await importSource({ path: write('lying.zip', lying) })).problems[0]?.problem).toContain(
      '4294967280 bytes',
    );
    // Says less than it has.
    const small = zip(claude);
    small.writeUInt32LE(10, small.lastIndexOf('memories.json') - 46 + 24);
    expect((await importSource({ path: write('small.zip', small) })).problems[0]?.problem).toContain(
      'larger than',
    );
  });

  test('with names that lead out of it loses these only', async () => {
    const path = write('notes.zip', zip({ '../evil.md': 'evil', '/abs.md': 'evil', 'a/good.md': 'good' }));
    const { texts, summary } = await importSource({ path });
    expect(texts).toEqual(['# good\n\ngood']);
    expect(summary.omitted).toEqual({ 'a name that leads out of the archive': 2 });
  });

  test('of no known format, and a zip from a stream, are refused', async () => {
    await expect(importSource({ path: write('x.zip', zip({ 'x.txt': 'x' })) })).rejects.toThrow(
      'folder or zip has no format',
    );
    await expect(importSource({ text: zip(claude).toString('latin1') })).rejects.toThrow(
      'a zip, which is read from a path',
    );
  });
});

test('one note is a file too', async () => {
  const { texts } = await importSource({
    path: write('Tea.md', '---\ntags: drink\n---\nGreen in the morning.'),
  });
  expect(texts).toEqual(['# Tea\n\nGreen in the morning.']);
});
