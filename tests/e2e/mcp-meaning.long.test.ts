import { describe, expect, test } from 'vitest';
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
  test('finds by meaning what shares no word, and says how near it is', async () => {
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

  test('returns the existing memory for an exact duplicate', async () => {
    const { call } = await connectWithModel();
    const added = firstResult((await call('memory_add', { text: 'Deploys are on Tuesday' })).data);
    const again = await call('memory_add', { text: 'Deploys are on Tuesday' });
    expect(firstResult(again.data)).toMatchObject({ id: added['id'], outcome: 'existing' });
    const forced = await call('memory_add', { text: 'Deploys are on Tuesday', on_duplicate: 'add' });
    expect(firstResult(forced.data)).toMatchObject({ outcome: 'added' });
    expect((await call('memory_stats')).data).toMatchObject({ live: 2 });
  });

  test('stores a near-duplicate and reports what it resembles', async () => {
    const { call } = await connectWithModel();
    const first = firstResult((await call('memory_add', { text: 'The staging server is at 10.0.0.5' })).data);
    const second = await call('memory_add', { text: 'The staging server is at 10.0.0.6' });
    expect(firstResult(second.data)).toMatchObject({
      outcome: 'added',
      similar: [{ id: first['id'], text: 'The staging server is at 10.0.0.5' }],
    });
    expect(second.text).toMatch(/similar [01](\.\d+)? \[.*\]\n> The staging server is at 10\.0\.0\.5/);
  });

  test('skips or supersedes the same statement when asked to', async () => {
    const { call } = await connectWithModel();
    const first = firstResult((await call('memory_add', { text: 'The office is not open on Sunday.' })).data);
    const next = "The office isn't open on Sunday";
    const skipped = await call('memory_add', { text: next, on_duplicate: 'skip', tags: ['hours'] });
    expect(firstResult(skipped.data)).toMatchObject({
      id: first['id'],
      outcome: 'skipped',
      gained: ['tags'],
    });
    const superseded = await call('memory_add', { text: next, on_duplicate: 'supersede' });
    expect(firstResult(superseded.data)).toMatchObject({ id: first['id'], outcome: 'superseded' });
    const [memory] = (await call('memory_get', { ids: [first['id']] })).data['memories'] as object[];
    expect(memory).toMatchObject({ text: next, tags: ['hours'] });
  });

  test.each([
    ['The gateway is at 10.4.0.17', 'The gateway is at 10.4.0.18', 'numbers'],
    ['The order costs 4,120 EUR', 'The order costs 4,210 EUR', 'numbers'],
    ['Ann reports to Ben', 'Ben reports to Ann', 'order'],
    ['return x ? y : z', 'return x ? z : y', 'order'],
    ['Ada drinks no coffee, only tea', 'Ada drinks no tea, only coffee', 'order'],
    [
      `${'The plan lists all regions. '.repeat(90)}Sales rose.`,
      `${'The plan lists all regions. '.repeat(90)}Sales fell.`,
      'words',
    ],
  ])('never replaces %j by %j, and says how to', async (there, text, differs) => {
    const { call } = await connectWithModel();
    const first = firstResult((await call('memory_add', { text: there })).data);
    const answer = await call('memory_add', { text, on_duplicate: 'supersede' });
    const second = firstResult(answer.data);
    expect(second).toMatchObject({ outcome: 'added', similar: [{ id: first['id'], differs }] });
    expect(answer.text).toContain(`not the same: other ${differs}`);
    // The advice, followed.
    const advice = /memory_update (\S+) with metadata (\{"supersedes": that id\})/.exec(answer.text);
    expect(advice?.[1]).toBe(second['id']);
    await call('memory_update', { id: second['id'], metadata: { supersedes: first['id'] } });
    const { memories } = (await call('memory_get', { ids: [first['id'], second['id']] })).data;
    expect(memories).toMatchObject([{ text: there, superseded_by: second['id'] }, { text }]);
  });

  test.each([
    ['할머니 생신은 오월 삼일이다.', '주차장 차단기는 밤 열 시에 닫힌다.'],
    ['วันเกิดของคุณยายคือวันที่สาม', 'ประตูที่จอดรถปิดตอนสี่ทุ่ม'],
    ['День рождения бабушки третьего мая', 'Шлагбаум парковки закрывается в десять'],
    ['Τα γενέθλια της γιαγιάς είναι στις τρεις', 'Η μπάρα του πάρκινγκ κλείνει στις δέκα'],
    ['वह दुकान सोमवार को बंद है', 'मेरी बहन को चाय पसंद है'],
  ])('says no similarity for %j, which the model does not read', async (there, other) => {
    const { call } = await connectWithModel();
    await call('memory_add', { text: there });
    const added = await call('memory_add', { text: other, on_duplicate: 'supersede' });
    expect(firstResult(added.data)).toEqual({ id: expect.any(String) as string, outcome: 'added' });
    const found = await call('memory_search', { query: other, limit: 2 });
    const hits = found.data['hits'] as object[];
    expect(hits[0]).toMatchObject({ text: other });
    for (const hit of hits) expect(hit).not.toHaveProperty('similarity');
    expect(found.text).not.toMatch(/similarity [01]\./);
    expect(found.data['note']).toMatch(/does not read the language/);
  });

  test('says that a match is weak when nothing stands out, and never because words are missing', async () => {
    const { call } = await connectWithModel();
    const texts = [
      'Caroline is allergic to peanuts and carries an EpiPen.',
      'The spare key is under the blue flowerpot on the balcony.',
      'We deploy on Tuesdays only, because support is fully staffed that day.',
      'The staging database is wiped every night at two.',
      'Priya reviews every pull request that touches payments.',
      'Use tabs in Makefiles and two spaces everywhere else.',
      'The customer in Oslo pays by invoice, thirty days net.',
      'Grandpa keeps his pocket watch in the safe deposit box, number 212.',
      'Never restart the mail server during office hours.',
      'The API returns at most 200 items a page and then a cursor.',
      'We picked Postgres over Mongo because reports need joins.',
      'The printer on the third floor jams with recycled paper.',
    ];
    await call('memory_add', { memories: texts.map((text) => ({ text })) });
    await expect
      .poll(async () => JSON.stringify((await call('memory_stats')).data), { timeout: 60_000 })
      .toContain('"done":12');
    const strange = await call('memory_search', {
      query: 'What did the teacher say about the moon?',
    });
    expect(strange.data['note']).toMatch(/^Weak match/);
    expect(strange.text).toMatch(/^Weak match/);
    expect(strange.data['hits']).toHaveLength(5);
    const paraphrased = await call('memory_search', { query: 'Which SQL engine did the team choose?' });
    expect((paraphrased.data['hits'] as object[])[0]).toMatchObject({ text: texts[10] });
    expect(paraphrased.data).not.toHaveProperty('note');
  });

  test('unites the tags and metadata of one text, and keeps another project or source apart', async () => {
    const { call } = await connectWithModel();
    const text = 'The door code changes on Monday';
    const answer = await call('memory_add', {
      memories: [
        { text, tags: ['a'], project: 'x', source: 'Ann' },
        { text, tags: ['b'], project: 'x', metadata: { kind: 'door' } },
        { text, project: 'y' },
        { text, project: 'x', source: 'Ben' },
      ],
    });
    const [first, again, ...others] = answer.data['results'] as Record<string, unknown>[];
    expect(again).toMatchObject({
      id: first?.['id'],
      outcome: 'existing',
      gained: ['tags', 'metadata.kind'],
    });
    expect(answer.text).toContain('It took over: tags, metadata.kind.');
    expect(others).toMatchObject([
      { outcome: 'added', twin: { id: first?.['id'], differs: ['project'] } },
      { outcome: 'added', twin: { differs: ['source'] } },
    ]);
    expect(answer.text).toContain('kept apart: project differs.');
  });
});
