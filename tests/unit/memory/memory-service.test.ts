import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { EmbeddingUnavailableError, VectorIndexError } from '../../../src/errors/embedding-errors.ts';
import {
  InvalidInputError,
  NotFoundError,
  SecretRejectedError,
  StateChangedError,
} from '../../../src/errors/input-errors.ts';
import { FakeEmbedder } from '../../../src/embedding/fake-embedder.ts';
import type { SecretsMode } from '../../../src/memory/input.ts';
import { MemoryService } from '../../../src/memory/memory-service.ts';
import { createSecretScanner } from '../../../src/secrets/create-secret-scanner.ts';
import { SqliteMemoryStore } from '../../../src/store/sqlite/sqlite-memory-store.ts';
import { ExactIndex } from '../../../src/vector/exact-index.ts';
import { temporaryFolder } from '../../helpers/sqlite-store.ts';

let embedder: FakeEmbedder;
let store: SqliteMemoryStore;
let service: MemoryService;
let indexFailure: Error | undefined;

function open(secrets: SecretsMode = 'mask'): void {
  embedder = new FakeEmbedder();
  indexFailure = undefined;
  store = new SqliteMemoryStore({
    dataDir: temporaryFolder(),
    now: Date.now,
    createVectorIndex: (dimension) =>
      indexFailure === undefined ? Promise.resolve(new ExactIndex(dimension)) : Promise.reject(indexFailure),
  });
  service = new MemoryService({
    store,
    embedder,
    rules: { scanner: createSecretScanner(), secrets, textLimit: 100_000, defaultProject: '' },
    now: Date.now,
    modelWaitMs: 20,
  });
}

beforeEach(() => {
  open();
});
afterEach(async () => {
  await service.close();
  await store.close();
});

async function add(...texts: string[]): Promise<string[]> {
  const results = await service.add({ memories: texts.map((text) => ({ text })) });
  return results.map(({ memory }) => memory.id);
}

describe('add', () => {
  test('returns the memory that is there for the same text, and stores it again when told to', async () => {
    const [id] = await add('Tea, not coffee.');
    const [again] = await service.add({ memories: [{ text: ' Tea, not coffee.\n' }] });
    expect(again).toMatchObject({ outcome: 'existing', memory: { id } });
    const [copy] = await service.add({ memories: [{ text: 'Tea, not coffee.' }], onDuplicate: 'add' });
    expect(copy?.outcome).toBe('added');
    expect(copy?.memory.id).not.toBe(id);
  });

  test('stores what is similar, and says so', async () => {
    const [first] = await add(
      'the small staging server of the project alpha in our own data centre in Gdansk runs since last autumn on port 8443',
    );
    const [second] = await service.add({
      memories: [
        {
          text: 'the small staging server of the project alpha in our own data centre in Gdansk runs since last autumn on port 8444',
        },
      ],
    });
    expect(second).toMatchObject({ outcome: 'added', similarChecked: true, similar: [{ id: first }] });
  });

  test('skips or supersedes the same statement when told to', async () => {
    const [first] = await add('The staging server is not on port 8443.');
    const text = "staging server isn't on port 8443";
    const [skipped] = await service.add({ memories: [{ text, tags: ['a'] }], onDuplicate: 'skip' });
    expect(skipped).toMatchObject({
      outcome: 'skipped',
      gained: ['tags'],
      memory: { id: first, tags: ['a'] },
    });
    const [superseded] = await service.add({ memories: [{ text, tags: ['new'] }], onDuplicate: 'supersede' });
    expect(superseded).toMatchObject({
      outcome: 'superseded',
      memory: { id: first, text, tags: ['a', 'new'] },
      similar: [{ id: first, text: 'The staging server is not on port 8443.', similarity: 1 }],
    });
    const [memory] = await service.get([first ?? '']);
    expect(memory?.history.map((version) => version.text)).toContain(
      'The staging server is not on port 8443.',
    );
  });

  test.each(['skip', 'supersede'] as const)(
    'keeps what only resembles a memory, with %s too',
    async (onDuplicate) => {
      const text =
        'the small staging server of the project alpha in our own data centre in Gdansk runs since last autumn on port 844';
      const [first] = await add(`${text}3`);
      const [second] = await service.add({ memories: [{ text: `${text}4` }], onDuplicate });
      expect(second).toMatchObject({ outcome: 'added', similar: [{ id: first, differs: 'numbers' }] });
      expect((await service.stats()).live).toBe(2);
    },
  );

  test.each([
    ['skip', { project: 'y' }, 'project'],
    ['skip', { project: 'x', source: 'Bob' }, 'source'],
    ['supersede', { project: 'y' }, 'project'],
    ['supersede', { project: 'x', source: 'Bob' }, 'source'],
    ['skip', { project: 'x', metadata: { until: 2027 } }, 'metadata.until'],
  ] as const)('keeps apart what has another project or source: %s %j', async (onDuplicate, other, name) => {
    const about = { source: 'Ada', project: 'x', metadata: { until: 2026 } };
    const [first] = await service.add({ memories: [{ text: 'Deploys are on Tuesday', ...about }] });
    const [second] = await service.add({
      memories: [{ text: 'deploys are on tuesday.', ...other }],
      onDuplicate,
    });
    expect(second).toMatchObject({ outcome: 'added', twin: { id: first?.memory.id, differs: [name] } });
    expect((await service.stats()).live).toBe(2);
  });

  test('finds the same statement without a model, and although others wait for their vectors', async () => {
    embedder.ready = false;
    embedder.failure = new EmbeddingUnavailableError('no model');
    const [first] = await add('할머니 생신은 오월 삼일이다.', '주차장 차단기는 밤 열 시에 닫힌다.');
    const [same, other] = await service.add({
      memories: [{ text: '할머니 생신은 오월 삼일이다' }, { text: '할머니 생신은 오월 사일이다' }],
      onDuplicate: 'supersede',
    });
    expect(same).toMatchObject({ outcome: 'superseded', memory: { id: first } });
    expect(other).toMatchObject({ outcome: 'added' });
  });

  test('supersedes what it has superseded in the same call', async () => {
    const memories = ['Two deploys a day', 'two deploys a day', '2 deploys a day.'].map((text) => ({ text }));
    const results = await service.add({ memories, onDuplicate: 'supersede' });
    expect(results.map(({ outcome }) => outcome)).toEqual(['added', 'superseded', 'superseded']);
    expect(new Set(results.map(({ memory }) => memory.id)).size).toBe(1);
  });

  test('compares a new memory although a long backlog waits and is leased elsewhere', async () => {
    const modelId = await embedder.modelId();
    embedder.ready = false;
    const [first = ''] = await add(
      'red green blue yellow black',
      ...Array.from({ length: 8 }, (_, n) => `old ${n}`),
    );
    await store.claimPendingEmbeddings({ modelId, limit: 100, leaseMs: 600_000 });
    const [written] = await store.add([{ text: 'white grey', tags: [], source: '', metadata: {} }]);
    await store.update(first, { tags: ['x'] });
    embedder.ready = true;
    const [near] = await service.add({ memories: [{ text: 'white grey pink' }] });
    expect(near).toMatchObject({ outcome: 'added', similarChecked: true });
    expect((await store.vectors(modelId, [near?.memory.id ?? ''])).length).toBe(1);
    expect(written?.outcome).toBe('added');
  });

  test('stores without a model, and gives the vector later', async () => {
    embedder.ready = false;
    const [result] = await service.add({ memories: [{ text: 'stored at once' }] });
    expect(result).toMatchObject({ outcome: 'added', similarChecked: false });
    embedder.ready = true;
    await service.reembed();
    expect((await service.stats()).embedding.pending).toBe(0);
  });

  test('without waiting it compares nothing, and the vector comes later', async () => {
    const [first] = await service.add({ memories: [{ text: 'red green blue yellow' }] });
    const [result] = await service.add({ memories: [{ text: 'red green blue black' }], wait: false });
    expect(result).toMatchObject({ outcome: 'added', similarChecked: false, similar: [] });
    const modelId = await embedder.modelId();
    const ids = [first?.memory.id ?? '', result?.memory.id ?? ''];
    expect((await store.vectors(modelId, ids)).map(({ id }) => id)).toEqual([ids[0]]);
    // A process that ends soon leaves it to others.
    await service.reembed();
    expect(await store.vectors(modelId, ids)).toHaveLength(2);
  });

  test('stores although the embedder or the index fails', async () => {
    embedder.failure = new EmbeddingUnavailableError('no model');
    expect((await service.add({ memories: [{ text: 'one' }] }))[0]?.outcome).toBe('added');
    embedder.failure = undefined;
    indexFailure = new VectorIndexError('no index');
    expect((await service.add({ memories: [{ text: 'two' }] }))[0]).toMatchObject({
      outcome: 'added',
      similarChecked: false,
    });
  });

  test('stores all or nothing', async () => {
    await expect(service.add({ memories: [{ text: 'good' }, { text: '  ' }] })).rejects.toThrow(
      'memories[1].text is only white space',
    );
    expect((await service.stats()).live).toBe(0);
  });

  test.each([
    ['', /text is empty/],
    ['x'.repeat(100_001), /text has 100001 characters; allowed are at most 100000/],
    ['bad \ud800 text', /lone surrogate at 4/],
    ['nul \0', /NUL character at 4/],
  ])('refuses the text %j', async (text, message) => {
    await expect(service.add({ memories: [{ text }] })).rejects.toThrow(message);
    await expect(service.add({ memories: [{ text }] })).rejects.toBeInstanceOf(InvalidInputError);
  });
});

describe('secrets', () => {
  const key = ['AKIA', 'Q3EGRZ7WDJ5LMK2P'].join('');

  test('masks them in text, tags and metadata, and says so', async () => {
    const [result] = await service.add({
      memories: [{ text: `key ${key}`, metadata: { password: 'hunter2-Zq9x', note: { deep: key } } }],
    });
    expect(JSON.stringify(result?.memory)).not.toMatch(/AKIA|hunter2/);
    expect(result?.masked).toContain('AWS access key');
  });

  test('rejects them when told to', async () => {
    open('reject');
    await expect(service.add({ memories: [{ text: `key ${key}` }] })).rejects.toBeInstanceOf(
      SecretRejectedError,
    );
  });

  test('stores them when told to', async () => {
    open('allow');
    expect((await service.add({ memories: [{ text: `key ${key}` }] }))[0]?.memory.text).toBe(`key ${key}`);
  });
});

describe('search', () => {
  test('answers with the reasons', async () => {
    const [id] = await add('PostgreSQL holds the invoices', 'Anna likes tea');
    await service.reembed();
    const { hits, mode } = await service.search({ query: 'where are the invoices' });
    expect(mode).toBe('hybrid');
    expect(hits[0]).toMatchObject({ memory: { id }, wordRank: 1, vectorRank: 1, matchedWords: ['invoices'] });
  });

  test('answers by words and says why when the embedder fails', async () => {
    await add('PostgreSQL holds the invoices');
    embedder.failure = new EmbeddingUnavailableError('the endpoint is down');
    const response = await service.search({ query: 'invoices' });
    expect(response).toMatchObject({ mode: 'keyword', hits: [{ wordRank: 1, similarity: null }] });
    expect(response.note).toContain('the endpoint is down');
  });

  test('answers by words when the vector index fails', async () => {
    indexFailure = new VectorIndexError('no index');
    await add('PostgreSQL holds the invoices');
    expect(await service.search({ query: 'invoices' })).toMatchObject({
      mode: 'keyword',
      hits: [{ wordRank: 1 }],
    });
  });

  test('does not call the embedder for words', async () => {
    await service.search({ query: 'anything', mode: 'keyword' });
    expect(embedder.calls).toEqual([]);
  });

  test.each([
    [{ query: ' ' }, /query has 0 characters/],
    [{ query: 'x', limit: 101 }, /limit is 101; allowed is an integer from 1 to 100/],
    [{ query: 'x', limit: 1.5 }, /limit is 1.5/],
  ])('refuses %j', async (request, message) => {
    await expect(service.search(request)).rejects.toThrow(message);
  });
});

describe('a change of the model', () => {
  test('embeds everything anew, finds by words meanwhile, and never mixes models', async () => {
    await add('PostgreSQL holds the invoices', 'Anna likes tea');
    await service.reembed();
    const changed = new FakeEmbedder({ modelId: 'other', dimension: 32 });
    const next = new MemoryService({
      store,
      embedder: changed,
      rules: { scanner: createSecretScanner(), secrets: 'mask', textLimit: 100_000, defaultProject: '' },
      now: Date.now,
      modelWaitMs: 20,
    });
    try {
      expect((await next.stats()).embedding.pending).toBe(2);
      const before = await next.search({ query: 'invoices' });
      expect(before.hits).toMatchObject([{ wordRank: 1, vectorRank: null }]);
      const progress: number[] = [];
      expect(await next.reembed(({ done }) => progress.push(done))).toMatchObject({ done: 2 });
      expect(progress.at(-1)).toBe(2);
      const after = await next.search({ query: 'invoices' });
      expect(after.hits).toMatchObject([
        { wordRank: 1, vectorRank: 1 },
        { wordRank: null, vectorRank: 2 },
      ]);
    } finally {
      await next.close();
    }
  });

  test('goes on where it was interrupted', async () => {
    embedder.ready = false;
    await add(...Array.from({ length: 20 }, (_, index) => `fact number ${index}`));
    const abort = new AbortController();
    await expect(
      service.reembed(({ done }) => {
        if (done >= 8) abort.abort(new Error('enough'));
      }, abort.signal),
    ).rejects.toThrow('enough');
    await service.reembed();
    expect((await service.stats()).embedding.pending).toBe(0);
  });
});

describe('update', () => {
  test('adds and removes tags and merges metadata at the moment of writing', async () => {
    const [id = ''] = await add('fact');
    await service.update({ id, tags: ['a', 'b'], metadata: { kind: 'x', old: 1 } });
    const { memory } = await service.update({
      id,
      addTags: ['c'],
      removeTags: ['a'],
      metadata: { old: null, more: 2 },
    });
    expect(memory).toMatchObject({ tags: ['b', 'c'], metadata: { kind: 'x', more: 2 } });
    expect(memory.metadata).not.toHaveProperty('old');
  });

  test('refuses to change nothing, and unknown ids', async () => {
    const [id = ''] = await add('fact');
    await expect(service.update({ id })).rejects.toThrow('update changes nothing');
    await expect(service.update({ id: 'unknown', text: 'x' })).rejects.toBeInstanceOf(NotFoundError);
  });
});

describe('delete', () => {
  test('deletes by filter only what a dry run has shown', async () => {
    await service.add({
      memories: [{ text: 'one', tags: ['old'] }, { text: 'two', tags: ['old'] }, { text: 'three' }],
    });
    const filter = { tags: ['old'] };
    await expect(service.delete({ filter })).rejects.toThrow('make a dry run');
    const dry = await service.delete({ filter, dryRun: true });
    expect(dry).toMatchObject({ dryRun: true, count: 2 });
    await service.add({ memories: [{ text: 'four', tags: ['old'] }] });
    await expect(service.delete({ filter, confirm: dry.confirm })).rejects.toThrow(StateChangedError);
    const { confirm } = await service.delete({ filter, dryRun: true });
    expect(await service.delete({ filter, confirm })).toMatchObject({ dryRun: false, count: 3 });
    expect((await service.stats()).live).toBe(1);
  });

  test('names all unknown ids and deletes nothing then', async () => {
    const [id = ''] = await add('fact');
    await expect(service.delete({ ids: [id, 'a', 'b'] })).rejects.toThrow('"a", "b"');
    expect((await service.stats()).live).toBe(1);
  });

  test('refuses an empty filter, both and neither', async () => {
    await expect(service.delete({ filter: {}, dryRun: true })).rejects.toThrow('filter is empty');
    await expect(service.delete({})).rejects.toThrow('both missing');
    await expect(service.delete({ ids: ['x'], filter: { tags: ['y'] } })).rejects.toThrow('both given');
  });
});

describe('importBatch', () => {
  const id = '01890000-0000-7000-8000-000000000001';
  const draft = {
    id,
    text: 'imported',
    tags: ['t'],
    source: 's',
    metadata: {},
    createdAt: 1_000,
    updatedAt: 2_000,
  };

  test('keeps id and times, and knows what it has', async () => {
    expect(await service.importBatch([draft])).toMatchObject([{ id, outcome: 'added' }]);
    expect(await service.importBatch([draft, { ...draft, text: 'other' }])).toMatchObject([
      { outcome: 'existing' },
      { outcome: 'conflict', reason: 'different' },
    ]);
    expect((await service.get([id]))[0]).toMatchObject({
      text: 'imported',
      createdAt: 1_000,
      updatedAt: 2_000,
    });
  });

  test('overwrites only when told to, and never what was erased', async () => {
    await service.importBatch([draft]);
    await service.delete({ ids: [id] });
    expect(await service.importBatch([draft])).toMatchObject([{ outcome: 'conflict', reason: 'deleted' }]);
    expect(await service.importBatch([draft], { onConflict: 'overwrite' })).toMatchObject([
      { outcome: 'updated' },
    ]);
    await service.purge([id]);
    expect(await service.importBatch([draft], { onConflict: 'overwrite' })).toMatchObject([
      { outcome: 'conflict', reason: 'purged' },
    ]);
  });

  test('goes on behind a bad draft', async () => {
    const outcomes = await service.importBatch([{ ...draft, text: ' ' }, draft]);
    expect(outcomes).toMatchObject([{ outcome: 'rejected', field: 'text' }, { outcome: 'added' }]);
  });
});
