import { encode } from 'gpt-tokenizer/encoding/o200k_base';
import { describe, expect, test } from 'vitest';
import { connectV1 } from '../helpers/mcp/clients.ts';
import { temporaryFolder } from '../helpers/mcp/server-environment.ts';

const LIMIT = 10_000;

interface Answer {
  readonly text: string;
  readonly data: Record<string, unknown>;
  readonly isError: boolean;
}

type Call = (tool: string, values?: Record<string, unknown>) => Promise<Answer>;

/** A server whose every answer is measured. */
async function measured(): Promise<{ call: Call; readText: (uri: string) => Promise<string> }> {
  const { call: send, readText } = await connectV1(temporaryFolder());
  const call: Call = async (tool, values = {}) => {
    const answer = await send(tool, values);
    const tokens = encode(answer.text).length + encode(JSON.stringify(answer.data)).length;
    expect(tokens, `${tool} ${JSON.stringify(values).slice(0, 80)}`).toBeLessThanOrEqual(LIMIT);
    return answer;
  };
  return { call, readText };
}

async function add(call: Call, memories: readonly object[]): Promise<string[]> {
  const { data } = await call('memory_add', { memories });
  return (data['results'] as { id: string }[]).map(({ id }) => id);
}

type Memories = { id: string; text: string; versions?: { text: string }[] }[];

/** Reads on as the answers say until nothing is left. */
async function readAll(call: Call, tool: string, values: Record<string, unknown>): Promise<Memories> {
  const all: Memories = [];
  let cursor: string | undefined;
  do {
    const answer = await call(tool, cursor === undefined ? values : { ...values, cursor });
    expect(answer.isError, answer.text).toBe(false);
    all.push(...(answer.data['memories'] as Memories));
    cursor = answer.data['next_cursor'] as string | undefined;
    if (cursor !== undefined) expect(answer.text).toContain(`cursor ${cursor}`);
  } while (cursor !== undefined);
  return all;
}

const LONG =
  'The staging server moves to another cluster next week, since certificates renew there.\n'.repeat(1_140);

describe('no answer is longer than clients take', () => {
  test('one long text, many long texts, and all versions can be read to the end', async () => {
    const { call, readText } = await measured();
    const ids = await add(
      call,
      [1, 2, 3, 4, 5].map((number) => ({ text: `${number} ${LONG}`.slice(0, 100_000) })),
    );
    const [id = ''] = ids;
    const whole = await readAll(call, 'memory_get', { ids: [id] });
    expect(whole.map(({ text }) => text).join('')).toBe(`1 ${LONG}`.slice(0, 100_000));
    const several = await readAll(call, 'memory_get', { ids });
    for (const [index, one] of ids.entries()) {
      const text = several.filter((part) => part.id === one).map((part) => part.text);
      expect(text.join('')).toBe(`${index + 1} ${LONG}`.slice(0, 100_000));
    }
    for (const number of [6, 7])
      await call('memory_update', { id, text: `${number} ${LONG.slice(0, 60_000)}` });
    const versions = (await readAll(call, 'memory_get', { ids: [id] })).flatMap(
      (part) => part.versions ?? [],
    );
    const older = `6 ${LONG.slice(0, 60_000)}${`1 ${LONG}`.slice(0, 100_000)}`;
    expect(versions.map(({ text }) => text).join('')).toBe(older);
    const resource = await readText(`memory://item/${id}`);
    expect(encode(resource).length).toBeLessThanOrEqual(LIMIT);
    const [, next] = /the same ids and cursor (\S+)$/.exec(resource) ?? [];
    expect((await call('memory_get', { ids: [id], cursor: next })).isError).toBe(false);
    expect((await call('memory_get', { ids: [id], cursor: 'x' })).text).toMatch(/cursor is "x".*start again/);
  });

  test('a list of a thousand and a search of a hundred can be read to the end', async () => {
    const { call, readText } = await measured();
    const ids: string[] = [];
    for (let batch = 0; batch < 4; batch++) {
      const memories = Array.from({ length: 100 }, (_, index) => ({
        text: `harbour note ${batch * 100 + index}: ${'the ferry leaves at noon and returns late '.repeat(8)}`,
        tags: ['ferry', 'harbour'],
        source: 'the log of the harbour master',
        metadata: { page: index },
      }));
      ids.push(...(await add(call, memories)));
    }
    const listed = await readAll(call, 'memory_list', { limit: 1_000 });
    expect(listed.map(({ id }) => id).sort()).toEqual([...ids].sort());
    const found: string[] = [];
    const values = { query: 'harbour ferry', limit: 100, mode: 'keyword' };
    let offset: number | undefined = 0;
    do {
      const { data, text } = await call('memory_search', { ...values, offset });
      found.push(...(data['hits'] as { id: string }[]).map(({ id }) => id));
      offset = data['next_offset'] as number | undefined;
      if (offset !== undefined) expect(text).toContain(`offset ${offset}`);
    } while (offset !== undefined);
    expect(new Set(found).size).toBe(100);
    expect(found).toHaveLength(100);
    expect(encode(await readText('memory://recent')).length).toBeLessThanOrEqual(LIMIT);
  });

  test('names that are long everywhere are cut in lists, and whole in the memory', async () => {
    const { call, readText } = await measured();
    const tags = Array.from({ length: 64 }, (_, index) => `${index} ${'🎉'.repeat(60)}`);
    const metadata = { note: '漢'.repeat(16_000) };
    const memories = Array.from({ length: 30 }, (_, index) => ({
      text: `note ${index} ${'ж'.repeat(300)}`,
      tags,
      source: 'ß'.repeat(1_000),
      metadata,
    }));
    const ids = await add(call, memories);
    expect(await readAll(call, 'memory_list', { limit: 30 })).toHaveLength(30);
    await call('memory_search', { query: 'note', limit: 30, mode: 'keyword' });
    await call('memory_stats', { limit: 100 });
    await call('memory_delete', { ids: ids.slice(0, 20), dry_run: true });
    await call('memory_update', { id: ids[0], add_tags: ['a'] }).catch(() => undefined);
    await call('memory_get', { ids: Array.from({ length: 100 }, () => 'x'.repeat(1_000)) });
    const parts = (await readAll(call, 'memory_get', { ids: ids.slice(0, 1) })) as unknown as {
      details?: string;
    }[];
    const details = JSON.parse(parts.map(({ details: part = '' }) => part).join('')) as { metadata: unknown };
    expect(details.metadata).toEqual(metadata);
    expect(encode(await readText('memory://stats')).length).toBeLessThanOrEqual(LIMIT);
  });
});
