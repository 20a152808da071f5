import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { FakeEmbedder } from '../../../src/embedding/fake-embedder.ts';
import { InvalidInputError } from '../../../src/errors/input-errors.ts';
import {
  type CapturedTurn,
  type CaptureRequest,
  type ConversationRules,
  KEEP_CONVERSATIONS,
  withoutPrivate,
} from '../../../src/memory/conversations.ts';
import type { SecretsMode } from '../../../src/memory/input.ts';
import { MemoryService } from '../../../src/memory/memory-service.ts';
import { createSecretScanner } from '../../../src/secrets/create-secret-scanner.ts';
import type { SqliteMemoryStore } from '../../../src/store/sqlite/sqlite-memory-store.ts';
import { openSqliteStore, temporaryFolder } from '../../helpers/sqlite-store.ts';

const NOON = Date.UTC(2026, 0, 31, 12);
const DAY_MS = 86_400_000;

let store: SqliteMemoryStore;
let service: MemoryService;

function open({
  secrets = 'mask',
  ...rules
}: Partial<ConversationRules> & { readonly secrets?: SecretsMode } = {}): void {
  service = new MemoryService({
    store,
    embedder: new FakeEmbedder(),
    rules: { scanner: createSecretScanner(), secrets, textLimit: 1_000, defaultProject: '' },
    conversations: { ...KEEP_CONVERSATIONS, ...rules },
    now: () => NOON,
    modelWaitMs: 20,
  });
}

beforeEach(() => {
  store = openSqliteStore(temporaryFolder(), { now: () => NOON });
  open();
});
afterEach(() => service.close());

function said(texts: readonly string[], rest: Partial<CapturedTurn> = {}): CapturedTurn[] {
  return texts.map((text, position) => ({
    position,
    role: position % 2 === 0 ? 'user' : 'assistant',
    text,
    createdAt: NOON + position,
    ...rest,
  }));
}

function capture(
  turns: readonly CapturedTurn[],
  rest: Partial<CaptureRequest> = {},
): Promise<Awaited<ReturnType<MemoryService['capture']>>> {
  return service.capture({ client: 'codex', session: 's1', turns, ...rest });
}

async function texts(): Promise<string[]> {
  const { memories } = await service.list({ filter: { session: 's1' } });
  return memories.map(({ text }) => text);
}

describe('capture', () => {
  test('stores each turn once, with its role, time and project', async () => {
    const turns = said(['Where does staging run?', 'On 10.0.0.5.', 'Thanks']);
    expect(await capture(turns, { project: 'p1' })).toEqual({ added: 3, updated: 0, known: 0, left: {} });
    expect(await capture(turns, { project: 'p1' })).toEqual({ added: 0, updated: 0, known: 3, left: {} });
    const { memories, total } = await service.list({ filter: { session: 's1' } });
    expect(total).toBe(3);
    expect(memories[1]).toMatchObject({
      text: 'On 10.0.0.5.',
      source: 'codex',
      createdAt: NOON + 1,
      metadata: {
        ...{ kind: 'conversation', client: 'codex', session: 's1', position: 1, role: 'assistant' },
        project: 'p1',
      },
    });
    expect((await store.checkIntegrity()).problems).toEqual([]);
  });

  test('is done once by two processes at the same time', async () => {
    const turns = said(Array.from({ length: 40 }, (_, index) => `turn ${index}`));
    const reports = await Promise.all([capture(turns), capture(turns), capture(turns)]);
    expect(reports.map(({ added }) => added).sort()).toEqual([0, 0, 40]);
    expect((await service.stats()).turns).toBe(40);
  });

  test('keeps the same words apart when they were said twice, and from facts', async () => {
    await service.add({ memories: [{ text: 'yes' }] });
    expect(await capture(said(['yes', 'yes', 'yes']))).toMatchObject({ added: 3 });
    const [again] = await service.add({ memories: [{ text: 'Yes!' }] });
    expect(again?.similar.map(({ text }) => text)).not.toContain('yes ');
    expect((await service.deduplicate({ dryRun: true })).compared).toBe(2);
  });

  test('makes a version of a turn whose text has changed, but not of one that a user changed', async () => {
    await capture(said(['first half', 'answer']));
    expect(await capture(said(['first half and second half', 'answer']))).toMatchObject({
      updated: 1,
      known: 1,
    });
    expect(await texts()).toEqual(['first half and second half', 'answer']);
    const [turn] = (await service.list({ filter: { session: 's1' } })).memories;
    await service.update({ id: turn?.id ?? '', text: 'shortened' });
    expect(await capture(said(['first half and second half', 'answer']))).toMatchObject({
      updated: 0,
      known: 2,
    });
    expect(await texts()).toEqual(['shortened', 'answer']);
  });

  test('does not bring back what a user deleted', async () => {
    await capture(said(['one', 'two']));
    const { memories } = await service.list({ filter: { session: 's1' } });
    await service.delete({ ids: [memories[0]?.id ?? ''] });
    expect(await capture(said(['one', 'two', 'three']))).toEqual({
      ...{ added: 1, updated: 0, known: 1 },
      left: { deleted: 1 },
    });
    expect(await texts()).toEqual(['two', 'three']);
  });

  test('writes nothing in a dry run, and reports the same', async () => {
    await capture(said(['one', 'two']));
    const next = said(['one', 'other two', 'three']);
    const report = { added: 1, updated: 1, known: 1, left: {} };
    expect(await capture(next, { dryRun: true })).toEqual(report);
    expect(await texts()).toEqual(['one', 'two']);
    expect(await capture(next)).toEqual(report);
  });

  test('masks secrets and cuts private parts before anything is stored', async () => {
    const key = ['AKIA', 'IOSFODNN7EXAMPLQ'].join('');
    const turns = said([
      `The key is ${key}.`,
      'Paris <private>4711</private> is nice',
      '<private>all</private>',
      ' ',
    ]);
    expect(await capture(turns)).toMatchObject({ added: 2, left: { private: 1, empty: 1 } });
    const all = JSON.stringify(await store.get(await store.matching({})));
    for (const hidden of [key, '4711', 'all<']) expect(all).not.toContain(hidden);
    expect((await texts())[1]).toBe('Paris  is nice');
  });

  test('leaves out turns with secrets where they are refused, and what is too long', async () => {
    open({ secrets: 'reject' });
    const key = ['AKIA', 'IOSFODNN7EXAMPLQ'].join('');
    expect(await capture(said([`The key is ${key}.`, 'x'.repeat(1_001), 'fine']))).toMatchObject({
      added: 1,
      left: { secret: 1, long: 1 },
    });
  });

  test('takes a session whose name looks like a secret', async () => {
    const session = '9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08';
    await capture(said(['hello']), { session });
    expect((await service.conversations({})).conversations).toMatchObject([{ session }]);
  });

  test('takes none when conversations are off, and none of excluded projects and folders', async () => {
    open({ enabled: false });
    expect(await capture(said(['a', 'b']))).toMatchObject({ added: 0, left: { off: 2 } });
    open({ exclude: ['github.com/acme/*', '/home/ada/private', 'C:\\work\\secret\\'] });
    for (const rest of [
      { project: 'github.com/acme/tool' },
      { folder: '/home/ada/private' },
      { folder: '/home/ada/private/notes/' },
      { folder: 'c:\\work\\secret\\deep' },
    ])
      expect(await capture(said(['a']), rest), JSON.stringify(rest)).toMatchObject({ left: { excluded: 1 } });
    for (const rest of [{ project: 'github.com/other' }, { folder: '/home/ada/privately' }, {}])
      expect((await capture(said(['a']), rest)).left).toEqual({});
  });

  test('keeps no conversation whose last turn is older than conversations are kept', async () => {
    open({ days: 10 });
    const old = said(['old', 'older'], { createdAt: NOON - 11 * DAY_MS });
    expect(await capture(old)).toMatchObject({ added: 0, left: { old: 2 } });
    const young = { ...said(['x', 'x', 'young'])[2], createdAt: NOON - DAY_MS };
    expect(await capture([...old, young as CapturedTurn])).toMatchObject({ added: 3, left: {} });
    expect(await store.expireConversations(10 * DAY_MS)).toBe(0);
    expect(await texts()).toEqual(['old', 'older', 'young']);
  });

  test.each([
    ['C:\\', 'c:\\work', true],
    ['C:\\Users\\*\\Secret', '\\\\?\\C:\\users\\ada\\secret\\x', true],
    ['\\\\nas\\team', '\\\\?\\UNC\\nas\\team\\shop', true],
    ['\\\\nas\\team', '\\\\nas\\teams', false],
    ['D:\\work', 'C:\\work', false],
    ['/', '/home/ada', true],
    ['/home/ada/a+b (c)', '/home/ada/a+b (c)/d', true],
    ['/home/ada/a.c', '/home/ada/abc', false],
  ])('the rule %j for the folder %j: excluded is %j', async (rule, folder, isExcluded) => {
    open({ exclude: [rule] });
    expect((await capture(said(['a']), { folder })).left).toEqual(isExcluded ? { excluded: 1 } : {});
  });

  test('counts a turn that another process deletes between the look and the write', async () => {
    await capture(said(['one', 'two']));
    const get = store.get.bind(store);
    store.get = async (ids) => {
      const found = await get(ids);
      await store.delete(ids);
      return found;
    };
    expect(await capture(said(['one and more', 'two']))).toEqual({
      ...{ added: 0, updated: 0, known: 1 },
      left: { deleted: 1 },
    });
    expect(await texts()).toEqual(['two']);
  });

  test('does not bring back a conversation that was erased for good', async () => {
    await capture(said(['one', 'two']));
    await store.purge(await store.matching({ session: 's1' }));
    expect(await capture(said(['one', 'two']))).toMatchObject({ added: 0, left: { deleted: 2 } });
    expect(await service.stats()).toMatchObject({ turns: 0, conversations: 0 });
  });

  test.each([
    [{ session: '' }, /session/],
    [{ client: 'x'.repeat(201) }, /client has 201 characters/],
    [{ session: 'a\0b' }, /session has a NUL/],
    [{ session: '\ud800' }, /lone surrogate/],
    [{ turns: said(['a'], { position: -1 }) }, /turns\[0\]\.position is -1/],
    [{ turns: said(['a'], { createdAt: NaN }) }, /turns\[0\]\.createdAt/],
  ])('refuses %j', async (rest, message) => {
    await expect(capture(said(['a']), rest)).rejects.toThrow(InvalidInputError);
    await expect(capture(said(['a']), rest)).rejects.toThrow(message);
  });

  test('takes NUL and lone surrogates out of a turn', async () => {
    await capture(said(['a\0b \ud800']));
    expect(await texts()).toEqual(['ab \ufffd']);
  });
});

test.each([
  ['plain', 'plain'],
  ['a <private>b</private> c', 'a  c'],
  ['a <PRIVATE>b</Private> c <private>d</private>', 'a  c '],
  ['a <private>b <private>c</private> d</private> e', 'a  e'],
  ['a <private reason="x">b\nb\n</private >c', 'a c'],
  ['a <private>never closed\n more', 'a '],
  ['a </private> b', 'a  b'],
  ['a <privately> b', 'a <privately> b'],
  ['a <private-key> b', 'a <private-key> b'],
])('without private parts %j is %j', (text, expected) => {
  expect(withoutPrivate(text)).toBe(expected);
});
