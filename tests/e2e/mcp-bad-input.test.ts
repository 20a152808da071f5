import { describe, expect, test } from 'vitest';
import { connectV1 } from '../helpers/mcp/clients.ts';
import { temporaryFolder } from '../helpers/mcp/server-environment.ts';

const UNKNOWN_ID = '0198c0de-0000-7000-8000-000000000001';

interface BadCall {
  readonly tool: string;
  readonly values: Record<string, unknown>;
  /** Names the field, the value and what is allowed. */
  readonly says: RegExp;
  readonly code?: string;
}

const badCalls: readonly BadCall[] = [
  { tool: 'memory_add', values: {}, says: /text is missing; give text for one memory, or memories for many/ },
  { tool: 'memory_add', values: { text: '' }, says: /text is missing/ },
  { tool: 'memory_add', values: { text: ' \n\t ' }, says: /text is only white space/ },
  { tool: 'memory_add', values: { text: 'x'.repeat(100_001) }, says: /100001 characters.*at most 100000/ },
  { tool: 'memory_add', values: { text: 'a\ud800b' }, says: /lone surrogate at 1/ },
  { tool: 'memory_add', values: { text: 'a\0b' }, says: /NUL character at 1/ },
  { tool: 'memory_add', values: { text: 42 }, says: /text is 42; allowed is a text/ },
  { tool: 'memory_add', values: { text: 'a', memories: [{ text: 'b' }] }, says: /memories are both given/ },
  { tool: 'memory_add', values: { memories: [] }, says: /text is missing/ },
  {
    tool: 'memory_add',
    values: { memories: ['a'] },
    says: /memories\[0\] is "a"; allowed is an object with text, tags, source, project, metadata/,
  },
  { tool: 'memory_add', values: { memories: [{ text: 'a' }, {}] }, says: /memories\[1\]\.text is missing/ },
  { tool: 'memory_add', values: { memories: [{ text: 'a' }, { text: ' ' }] }, says: /memories\[1\]\.text/ },
  {
    tool: 'memory_add',
    values: { memories: Array.from({ length: 101 }, (_, index) => ({ text: `fact ${index}` })) },
    says: /memories has 101 entries.*100/,
  },
  { tool: 'memory_add', values: { text: 'a', tags: [1] }, says: /tags\[0\] is 1; allowed is a text/ },
  { tool: 'memory_add', values: { text: 'a', tags: ['x'.repeat(129)] }, says: /tags\[0\].*1 to 128/ },
  {
    tool: 'memory_add',
    values: { text: 'a', metadata: 'b' },
    says: /metadata is "b"; allowed is a JSON object/,
  },
  { tool: 'memory_add', values: { text: 'a', metadata: [1] }, says: /metadata is \[1\]/ },
  {
    tool: 'memory_add',
    values: { text: 'a', on_duplicate: 'merge' },
    says: /on_duplicate is "merge"; allowed is one of add, skip, supersede/,
  },
  { tool: 'memory_add', values: { txet: 'a' }, says: /txet is an unknown field.*did you mean text\?/ },
  { tool: 'memory_search', values: {}, says: /query is missing/ },
  { tool: 'memory_search', values: { query: '  ' }, says: /query has 0 characters/ },
  { tool: 'memory_search', values: { query: 'q'.repeat(10_001) }, says: /query has 10001 characters/ },
  { tool: 'memory_search', values: { query: 'a', limit: 1e9 }, says: /limit is 1000000000.*from 1 to 100/ },
  { tool: 'memory_search', values: { query: 'a', limit: 0 }, says: /limit is 0/ },
  { tool: 'memory_search', values: { query: 'a', limit: 1.5 }, says: /limit is 1\.5; allowed is an integer/ },
  { tool: 'memory_search', values: { query: 'a', limit: 'many' }, says: /limit is "many"/ },
  { tool: 'memory_search', values: { query: 'a', mode: 'fuzzy' }, says: /mode is "fuzzy".*hybrid, vector/ },
  { tool: 'memory_search', values: { query: 'a', after: 'soon' }, says: /: after is "soon".*ISO 8601/ },
  {
    tool: 'memory_search',
    values: { querry: 'a' },
    says: /querry is an unknown field.*did you mean query\?/,
  },
  {
    tool: 'memory_search',
    values: { question: 'a' },
    says: /question is an unknown field; query is missing/,
  },
  { tool: 'memory_list', values: { limt: 3 }, says: /limt is an unknown field.*did you mean limit\?/ },
  { tool: 'memory_get', values: { ids: [UNKNOWN_ID], cursor: '1.2' }, says: /./, code: 'NOT_FOUND' },
  { tool: 'memory_get', values: { ids: [] }, says: /ids has 0 entries/ },
  { tool: 'memory_get', values: { ids: [UNKNOWN_ID] }, says: new RegExp(UNKNOWN_ID), code: 'NOT_FOUND' },
  { tool: 'memory_list', values: { limit: 1_001 }, says: /limit is 1001/ },
  { tool: 'memory_list', values: { cursor: 'page 2' }, says: /cursor/ },
  { tool: 'memory_list', values: { which: 'all' }, says: /which is "all"/ },
  { tool: 'memory_update', values: { id: UNKNOWN_ID }, says: /id is given without a change/ },
  { tool: 'memory_update', values: { id: UNKNOWN_ID, text: 'a' }, says: /./, code: 'NOT_FOUND' },
  { tool: 'memory_update', values: { id: UNKNOWN_ID, restore: true }, says: /./, code: 'NOT_FOUND' },
  { tool: 'memory_update', values: { id: UNKNOWN_ID, restore: true, text: 'a' }, says: /restore first/ },
  { tool: 'memory_delete', values: {}, says: /ids is missing; give ids, or one of tags, all_tags/ },
  { tool: 'memory_delete', values: { tags: [], source: '' }, says: /ids is missing/ },
  { tool: 'memory_delete', values: { ids: [UNKNOWN_ID], tags: ['a'] }, says: /both given/ },
  { tool: 'memory_delete', values: { ids: [UNKNOWN_ID] }, says: /./, code: 'NOT_FOUND' },
  { tool: 'memory_delete', values: { source: 'x' }, says: /confirm is missing; make a dry run/ },
  { tool: 'memory_delete', values: { source: 'x', confirm: 'yes' }, says: /dry run/, code: 'STATE_CHANGED' },
  { tool: 'memory_stats', values: { limits: 3 }, says: /limits is an unknown field.*did you mean limit\?/ },
];

describe('bad input', () => {
  test('is refused by every tool with the field, the value and what is allowed, and changes nothing', async () => {
    const { call } = await connectV1(temporaryFolder());
    await call('memory_add', { text: 'Ada likes tea', source: 'x' });
    for (const { tool, values, says, code = 'INVALID_INPUT' } of badCalls) {
      const told = `${tool} ${JSON.stringify(values).slice(0, 80)}`;
      const answer = await call(tool, values);
      expect(answer.isError, told).toBe(true);
      expect(answer.text, told).toMatch(says);
      expect(answer.text, told).toMatch(new RegExp(`^${code}: .*[.?]$`));
      expect(answer.text.length, told).toBeLessThan(400);
      expect(answer.failure, told).toEqual({ code, retryable: false });
      expect(answer.data, told).toEqual({});
    }
    expect((await call('memory_stats')).data).toMatchObject({ live: 1, trash: 0 });
  });

  test('does not stop the server when it is no JSON-RPC or names no tool', async () => {
    const { client, call } = await connectV1(temporaryFolder());
    const unknown = client.callTool({ name: 'memory_drop', arguments: {} });
    await expect(unknown.then(({ isError }) => Promise.reject(new Error(String(isError))))).rejects.toThrow();
    await expect(client.getPrompt({ name: 'nothing' })).rejects.toThrow(/nothing/);
    expect((await call('memory_stats')).isError).toBe(false);
  });
});

describe('input as agents write it', () => {
  test('is understood: numbers and booleans as texts, lists with commas, JSON texts, nulls, empty fillers', async () => {
    const { call } = await connectV1(temporaryFolder());
    const added = await call('memory_add', {
      memories: JSON.stringify([
        { text: 'Ada likes tea', tags: 'drinks, people', metadata: '{"since": 1843}', project: null },
        { text: 'Bob likes milk', tags: '["drinks"]', source: '' },
      ]),
    });
    expect(added.isError).toBe(false);
    const ids = (added.data['results'] as { id: string }[]).map(({ id }) => id);
    const listed = await call('memory_list', { tags: 'drinks', limit: '10', cursor: '', order: null });
    expect(listed.data).toMatchObject({ total: 2 });
    expect(
      (await call('memory_search', { query: 'tea', limit: '1', metadata: '{"since":1843}' })).data,
    ).toMatchObject({
      hits: [{ text: 'Ada likes tea', tags: ['drinks', 'people'] }],
    });
    expect((await call('memory_get', { ids: ids.join(', ') })).data['memories']).toHaveLength(2);
    const deleted = { ids, tags: [], source: '', metadata: {}, confirm: '', dry_run: 'false' };
    expect((await call('memory_delete', deleted)).data).toMatchObject({ dry_run: false, count: 2 });
  });

  test('may have more fields and empty ones: every tool answers and names what it ignored', async () => {
    const { call } = await connectV1(temporaryFolder());
    const noise = { task_progress: '- [x] search', random_string: '' };
    const empty = { limit: '', mode: '', metadata: '', tags: '', after: '', project: null, source: '' };
    const added = await call('memory_add', {
      text: 'Ada likes tea',
      ...noise,
      tags: '',
      metadata: '',
      on_duplicate: '',
    });
    const [{ id }] = added.data['results'] as [{ id: string }];
    await call('memory_update', { id, source: 'standup', add_tags: ['drinks'] });
    const filled = {
      id,
      text: 'Ada likes coffee',
      source: '',
      tags: '',
      add_tags: '',
      metadata: '',
      restore: '',
    };
    const calls: [string, Record<string, unknown>][] = [
      ['memory_search', { query: 'tea', ...empty }],
      ['memory_list', { which: '', order: '', cursor: '', ...empty, mode: undefined }],
      ['memory_get', { ids: [id], cursor: '' }],
      ['memory_update', filled],
      ['memory_stats', { limit: '' }],
      ['sync_status', { offset: '' }],
      ['sync_upload', { name: '' }],
      ['memory_delete', { ids: [id], dry_run: '', confirm: '', ...empty, limit: undefined, mode: undefined }],
    ];
    for (const [tool, values] of calls) {
      const answer = await call(tool, { ...values, ...noise });
      expect(answer.text, tool).toMatch(/Note: ignored unknown fields: task_progress, random_string\.$/);
      expect(answer.isError, tool).toBe(false);
      expect(answer.data['ignored_fields'], tool).toEqual(['task_progress', 'random_string']);
      // What was filled with nothing has emptied nothing.
      if (tool === 'memory_update') {
        expect(answer.data['memory']).toMatchObject({ source: 'standup', tags: ['drinks'] });
      }
    }
    const failed = await call('memory_add', { content: 'Ada likes tea' });
    expect(failed.text).toMatch(/text is missing.* Note: ignored unknown field: content\.$/);
  });

  test('may have names that are special to JavaScript', async () => {
    const { call } = await connectV1(temporaryFolder());
    const metadata = JSON.parse('{"__proto__": {"a": 1}, "constructor": "b", "toString": "c"}') as object;
    const added = await call('memory_add', {
      text: 'odd names',
      metadata,
      tags: ['__proto__', 'constructor'],
    });
    const [{ id }] = added.data['results'] as [{ id: string }];
    const [memory] = (await call('memory_get', { ids: [id] })).data['memories'] as [Record<string, unknown>];
    expect(JSON.stringify(memory['metadata'])).toBe(JSON.stringify(metadata));
    const stats = await call('memory_stats');
    expect(Object.keys(stats.data['tags'] as object).sort()).toEqual(['__proto__', 'constructor']);
  });
});
