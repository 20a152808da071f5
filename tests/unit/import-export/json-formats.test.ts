import { describe, expect, test } from 'vitest';
import { importSource, type ImportedSource } from '../../helpers/import-source.ts';

const DAY = Date.parse('2025-03-04T10:00:00Z');

/** Imports twice into one store: the second time must add nothing. */
async function twice(text: string): Promise<ImportedSource> {
  const first = await importSource({ text });
  const again = await importSource({ text }, { importer: first.importer });
  expect(again.summary).toMatchObject({ added: 0, updated: 0, conflicts: 0 });
  expect(again.summary.existing).toBe(first.summary.added + first.summary.existing);
  return first;
}

function memoriesOf({ importer }: ImportedSource): unknown[] {
  return [...importer.memories.values()];
}

describe('server-memory', () => {
  const ada = {
    type: 'entity',
    name: 'Ada',
    entityType: 'person',
    observations: ['prefers tea', 'is left-handed'],
  };
  const works = { type: 'relation', from: 'Ada', to: 'Initech', relationType: 'worksAt' };
  const lines = (...entries: readonly unknown[]): string =>
    entries.map((entry) => `${JSON.stringify(entry)}\n`).join('');

  test('becomes a fact for each observation and relation', async () => {
    const empty = { type: 'entity', name: 'Initech', entityType: 'company', observations: [] };
    const found = await twice(lines(ada, empty, works, { ...works, relationType: 'owns_shares-of' }));
    expect(found.summary).toMatchObject({
      format: 'server-memory',
      added: 4,
      omitted: { 'an entity without observations': 1 },
    });
    expect(found.texts).toEqual([
      'Ada (person): prefers tea',
      'Ada (person): is left-handed',
      'Ada works at Initech',
      'Ada owns shares of Initech',
    ]);
    expect(memoriesOf(found)[0]).toMatchObject({
      tags: ['Ada', 'person'],
      source: 'server-memory',
      metadata: { name: 'Ada', entityType: 'person' },
    });
    expect(memoriesOf(found)[2]).toMatchObject({
      metadata: { from: 'Ada', to: 'Initech', relationType: 'worksAt' },
    });
  });

  test('takes the answer of read_graph too', async () => {
    const entity = { ...ada, type: undefined };
    const found = await twice(JSON.stringify({ entities: [entity], relations: [works] }, null, 2));
    expect(found.texts).toEqual([
      'Ada (person): prefers tea',
      'Ada (person): is left-handed',
      'Ada works at Initech',
    ]);
  });

  test('reports bad lines with their place and takes the rest', async () => {
    const found = await importSource({
      text: `${lines(ada)}{"type":"entity","name":"Bob"\n${lines({ ...works, to: 7 }, { type: 'note' }, { ...ada, name: 'Eve', observations: [{}] }, works)}`,
    });
    expect(found.problems.map(({ line }) => line)).toEqual([2, 3, 4, 5]);
    expect(found.summary).toMatchObject({ added: 3, rejected: 4 });
    expect(found.rejects.split('\n')).toHaveLength(5);
  });
});

test('mcp-memory-service keeps times, tags, type and metadata', async () => {
  const memory = {
    content: 'Deploys run on Fridays.',
    content_hash: 'a'.repeat(64),
    tags: ['ops', 'ci'],
    created_at: DAY / 1_000,
    created_at_iso: '2025-03-04T10:00:00Z',
    updated_at: DAY / 1_000 + 60,
    updated_at_iso: null,
    memory_type: 'decision',
    metadata: { project: 'shop' },
  };
  const document = {
    export_metadata: { source_machine: 'laptop', total_memories: 2 },
    memories: [memory, { content: ' ' }],
  };
  const found = await twice(JSON.stringify(document, null, 1));
  expect(found.summary).toMatchObject({
    format: 'mcp-memory-service',
    added: 1,
    omitted: { 'an empty memory': 1 },
  });
  expect(memoriesOf(found)[0]).toMatchObject({
    text: 'Deploys run on Fridays.',
    tags: ['ci', 'ops'],
    source: 'mcp-memory-service',
    metadata: { project: 'shop', memory_type: 'decision', content_hash: 'a'.repeat(64) },
    createdAt: DAY,
    updatedAt: DAY + 60_000,
  });
});

describe('mem0', () => {
  const ID = '0198aaaa-1111-4222-8333-444455556666';
  const memory = {
    id: ID,
    memory: 'Likes hiking at weekends',
    hash: 'c0ffee',
    metadata: null,
    categories: ['hobbies'],
    user_id: 'sam',
    score: 0.4,
    created_at: '2025-03-04T02:00:00-08:00',
    updated_at: null,
  };

  test('keeps ids, users, categories and times', async () => {
    const relations = [{ source: 'sam', relationship: 'lives_in', target: 'oslo' }];
    const found = await twice(JSON.stringify({ count: 1, next: null, results: [memory], relations }));
    expect(found.summary).toMatchObject({ format: 'mem0', added: 2, rejected: 0, ignored: { score: 1 } });
    expect(found.importer.memories.get(ID)).toMatchObject({
      text: 'Likes hiking at weekends',
      tags: ['hobbies'],
      source: 'mem0',
      metadata: { user_id: 'sam', hash: 'c0ffee' },
      createdAt: DAY,
    });
    expect(found.texts[1]).toBe('sam lives in oslo');
  });

  test('a changed memory is a conflict, and with overwrite its newest version, never a second memory', async () => {
    const first = await importSource({ text: JSON.stringify([memory]) });
    const text = JSON.stringify([{ ...memory, memory: 'Likes skiing' }]);
    const kept = await importSource({ text }, { importer: first.importer });
    expect(kept.summary).toMatchObject({ added: 0, conflicts: 1 });
    const changed = await importSource({ text }, { importer: first.importer, overwrite: true });
    expect(changed.summary).toMatchObject({ added: 0, updated: 1 });
    expect(changed.texts).toEqual(['Likes skiing']);
  });
});

test('the export of the Python service has a header that is no memory, and metadata.json has numbers as ids', async () => {
  const header = { _header: true, count: 1, version: '2.0.0' };
  const memory = { text: 'Use strict mode', source: 'standards.md', created_at: '2025-03-04T10:00:00+00:00' };
  const lines = await twice(`${JSON.stringify(header)}\n${JSON.stringify(memory)}\n`);
  expect(lines.summary).toMatchObject({ format: 'python-service', added: 1, rejected: 0 });
  expect(memoriesOf(lines)[0]).toMatchObject({ source: 'standards.md', createdAt: DAY });
  const list = await twice(
    JSON.stringify([
      { id: 0, ...memory },
      { id: 1, ...memory, text: 'Use tabs' },
    ]),
  );
  expect(list.summary).toMatchObject({ format: 'python-service', added: 2 });
  expect(memoriesOf(list)[1]).toMatchObject({ metadata: { imported_id: 1 } });
});

test('the memories of Claude are cut at their headings, and name their project', async () => {
  const text = JSON.stringify([
    {
      account_uuid: 'acc',
      conversations_memory: '**Work context**\n\nSam runs a bakery.\n\n**Empty**\n\n## Tools\nUses Figma.',
      project_memories: { 'p-1': 'Plain text about a project.' },
    },
  ]);
  const found = await twice(text);
  expect(found.summary).toMatchObject({
    format: 'claude-export',
    added: 3,
    omitted: { 'a heading without text': 1 },
  });
  expect(found.texts).toEqual([
    'Work context\n\nSam runs a bakery.',
    'Tools\n\nUses Figma.',
    'Plain text about a project.',
  ]);
  expect(memoriesOf(found)[2]).toMatchObject({ source: 'claude.ai', metadata: { project_uuid: 'p-1' } });
});

describe('a JSON list', () => {
  test('is taken entry by entry; bad ones are reported with their number', async () => {
    const deep = `${'['.repeat(100_000)}${']'.repeat(100_000)}`;
    const text = `[{"text":"one"}, 7, {"text":"two","tags":"a, b"}, {"text":"x","metadata":${deep}}, {"title":"no"}, {"text":"last"}]`;
    const found = await importSource({ text });
    expect(found.summary).toMatchObject({ format: 'json-list', added: 3, rejected: 3, completed: true });
    expect(found.problems.map(({ place }) => place)).toEqual(['entry 2', 'entry 4', 'entry 5']);
    expect(found.texts).toEqual(['one', 'two', 'last']);
  });

  test('that is cut off gives what is whole, and a warning', async () => {
    const found = await importSource({ text: '{"memories": [{"text":"one"}, {"text":"two"}, {"text":"thr' });
    expect(found.texts).toEqual(['one', 'two']);
    expect(found.summary.warnings[0]).toContain('ends too early');
  });

  test('has no entry in memory that is too long', async () => {
    const text = JSON.stringify([{ text: 'one' }, { text: 'x'.repeat(5_000) }, { text: 'two' }]);
    const found = await importSource({ text }, { maxEntryBytes: 1_000 });
    expect(found.problems).toMatchObject([{ place: 'entry 2', problem: 'entry is longer than 1000 bytes' }]);
    expect(found.texts).toEqual(['one', 'two']);
  });
});

test('content of no known format is refused with the names of those that are', async () => {
  for (const text of ['name,age\nAda,36\n', '{\n  "a": 1\n}\n']) {
    await expect(importSource({ text })).rejects.toThrow(
      /no format that is known here; allowed are .*server-memory/,
    );
  }
  await expect(importSource({ text: '' }, { format: 'memo' })).rejects.toThrow(
    'format is "memo"; allowed are',
  );
});

test('a named format wins over the content', async () => {
  const text = '[{"memory":"as a list"}]';
  expect((await importSource({ text })).summary.format).toBe('mem0');
  const found = await importSource({ text }, { format: 'json-list' });
  expect(found.summary).toMatchObject({ format: 'json-list', added: 1 });
});
