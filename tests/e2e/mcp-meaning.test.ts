import { describe, expect, it } from 'vitest';
import { connectV1, type ConnectedClient } from '../helpers/mcp/clients.ts';
import { temporaryFolder, WITH_MODEL } from '../helpers/mcp/server-environment.ts';

/** A first search by meaning loads the model and waits for it. */
async function connectWithModel(): Promise<ConnectedClient> {
  const connected = await connectV1(temporaryFolder(), WITH_MODEL);
  await connected.call('memory_search', { query: 'warm up', mode: 'vector' });
  return connected;
}

function firstResult(data: Readonly<Record<string, unknown>>): Record<string, unknown> {
  return (data['results'] as Record<string, unknown>[])[0] ?? {};
}

describe('with the bundled model', () => {
  it('finds by meaning what shares no word, and says how near it is', async () => {
    const { call } = await connectWithModel();
    for (const text of [
      'Ada drinks no coffee, only tea',
      'The invoice goes to Berlin',
      'Deploys are on Tuesday',
    ])
      await call('memory_add', { text });
    const { data, text } = await call('memory_search', { query: 'favourite hot beverage', limit: 3 });
    expect(data['mode']).toBe('hybrid');
    const [first] = data['hits'] as Record<string, unknown>[];
    expect(first).toMatchObject({ text: 'Ada drinks no coffee, only tea', vector_rank: 1 });
    expect(first?.['similarity']).toBeGreaterThan(0);
    expect(first?.['similarity']).toBeLessThanOrEqual(1);
    expect(text).toMatch(/similarity 0\.\d\d/);
  });

  it('returns the existing memory for an exact duplicate', async () => {
    const { call } = await connectWithModel();
    const added = firstResult((await call('memory_add', { text: 'Deploys are on Tuesday' })).data);
    const again = await call('memory_add', { text: 'Deploys are on Tuesday' });
    expect(firstResult(again.data)).toMatchObject({ id: added['id'], outcome: 'existing' });
    const forced = await call('memory_add', { text: 'Deploys are on Tuesday', on_duplicate: 'add' });
    expect(firstResult(forced.data)).toMatchObject({ outcome: 'added' });
    expect((await call('memory_stats')).data).toMatchObject({ live: 2 });
  });

  it('stores a near-duplicate and reports what it resembles', async () => {
    const { call } = await connectWithModel();
    const first = firstResult((await call('memory_add', { text: 'The staging server is at 10.0.0.5' })).data);
    const second = await call('memory_add', { text: 'The staging server is at 10.0.0.6' });
    expect(firstResult(second.data)).toMatchObject({
      outcome: 'added',
      similar: [{ id: first['id'], text: 'The staging server is at 10.0.0.5' }],
    });
    expect(second.text).toMatch(/similar [01](\.\d+)? \[.*\]\n> The staging server is at 10\.0\.0\.5/);
  });

  it('skips or supersedes a near-duplicate when asked to', async () => {
    const { call } = await connectWithModel();
    const first = firstResult((await call('memory_add', { text: 'The staging server is at 10.0.0.5' })).data);
    const next = 'The staging server is at 10.0.0.6';
    const skipped = await call('memory_add', { text: next, on_duplicate: 'skip' });
    expect(firstResult(skipped.data)).toMatchObject({ id: first['id'], outcome: 'skipped' });
    const superseded = await call('memory_add', { text: next, on_duplicate: 'supersede' });
    expect(firstResult(superseded.data)).toMatchObject({ id: first['id'], outcome: 'superseded' });
    expect((await call('memory_get', { ids: [first['id']] })).data['memories']).toMatchObject([
      { text: next, versions: [{ text: 'The staging server is at 10.0.0.5' }] },
    ]);
  });
});
