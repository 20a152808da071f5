import { describe, expect, test } from 'vitest';
import { connectV1, type ConnectedClient } from '../helpers/mcp/clients.ts';
import { temporaryFolder } from '../helpers/mcp/server-environment.ts';

async function addThree({ call }: ConnectedClient): Promise<string[]> {
  const memories = ['one', 'two', 'three'].map((text) => ({ text: `draft ${text}`, tags: ['draft'] }));
  const added = await call('memory_add', { memories });
  await call('memory_add', { text: 'keep me' });
  return (added.data['results'] as { id: string }[]).map(({ id }) => id);
}

describe('deletion by filter', () => {
  test('takes a dry run and its token, deletes exactly what was shown, and can be undone', async () => {
    const connected = await connectV1(temporaryFolder());
    const { call } = connected;
    const ids = await addThree(connected);
    const dryRun = await call('memory_delete', { tags: ['draft'], dry_run: true });
    expect(dryRun.data).toMatchObject({ dry_run: true, count: 3, confirm: expect.any(String) as string });
    expect([...(dryRun.data['examples'] as string[])].sort()).toEqual([...ids].sort());
    expect(dryRun.text).toContain(String(dryRun.data['confirm']));
    expect((await call('memory_stats')).data).toMatchObject({ live: 4, trash: 0 });

    const done = await call('memory_delete', { tags: ['draft'], confirm: dryRun.data['confirm'] });
    expect(done.data).toMatchObject({ dry_run: false, count: 3 });
    expect((await call('memory_list')).data).toMatchObject({ total: 1, memories: [{ text: 'keep me' }] });

    for (const id of ids) expect((await call('memory_update', { id, restore: true })).isError).toBe(false);
    expect((await call('memory_stats')).data).toMatchObject({ live: 4, trash: 0 });
  });

  test('refuses a token when the filter or its matches are no longer those of the dry run', async () => {
    const connected = await connectV1(temporaryFolder());
    const { call } = connected;
    await addThree(connected);
    const { data } = await call('memory_delete', { tags: ['draft'], dry_run: true });
    const confirm = data['confirm'];
    const otherFilter = await call('memory_delete', { after: '1d', confirm });
    expect(otherFilter.text).toMatch(/changed since the dry run/);
    await call('memory_add', { text: 'a fourth draft', tags: ['draft'] });
    const moreMatches = await call('memory_delete', { tags: ['draft'], confirm });
    expect(moreMatches.text).toMatch(/changed since the dry run/);
    expect((await call('memory_stats')).data).toMatchObject({ live: 5, trash: 0 });
  });

  test('shows what ids would delete without deleting', async () => {
    const connected = await connectV1(temporaryFolder());
    const { call } = connected;
    const ids = await addThree(connected);
    const shown = await call('memory_delete', { ids, dry_run: true });
    expect(shown.text).toMatch(/^Would move 3 memories to the trash\./);
    expect((await call('memory_stats')).data).toMatchObject({ live: 4, trash: 0 });
  });
});

describe('a list', () => {
  test('goes page by page through all memories, each once', async () => {
    const { call } = await connectV1(temporaryFolder());
    const memories = Array.from({ length: 25 }, (_, index) => ({ text: `fact ${index}` }));
    await call('memory_add', { memories });
    const seen: string[] = [];
    let cursor: string | undefined;
    do {
      const { data, text } = await call('memory_list', {
        limit: 10,
        ...(cursor === undefined ? {} : { cursor }),
      });
      expect(data['total']).toBe(25);
      seen.push(...(data['memories'] as { text: string }[]).map((memory) => memory.text));
      cursor = data['next_cursor'] as string | undefined;
      expect(text.includes('More with cursor')).toBe(cursor !== undefined);
    } while (cursor !== undefined);
    expect(seen).toHaveLength(25);
    expect(new Set(seen).size).toBe(25);
  });
});
