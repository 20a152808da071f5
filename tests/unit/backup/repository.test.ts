import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  createTestRepository,
  encodeStates,
  MACHINE_A,
  newestOf,
  quickKeyring,
  rowsOf,
} from '../../helpers/test-repository.ts';
import { idOf, ModelStore, SAMPLE_STAMP } from '../../helpers/model-store.ts';

const modes = [
  { mode: 'plain', keyring: null },
  { mode: 'encrypted', keyring: quickKeyring() },
] as const;

describe.each(modes)('a $mode repository', ({ mode, keyring }) => {
  test('gives back what was written', async () => {
    const { repository } = createTestRepository({ keyring });
    const model = new ModelStore(MACHINE_A);
    model.write(idOf(1), {
      text: 'Grüße, 世界 🌍\n"quoted"',
      tags: ['a', 'ü'],
      metadata: { n: 1.5, list: [null, true] },
    });
    model.write(idOf(2), { text: 'second' });
    model.delete(idOf(2));
    model.write(idOf(3), { text: 'third' });
    model.purge(idOf(3));
    const result = await repository.writeSnapshot(model.view(), { kind: 'manual' });
    expect(result).toMatchObject({ outcome: 'written', full: true, wentBack: false });

    const snapshot = await newestOf(repository);
    expect(snapshot).toMatchObject({
      machine: MACHINE_A,
      name: 'manual_20260131_120000',
      sealed: mode === 'encrypted',
      facts: { memories: 3, live: 1, trash: 2 },
    });
    expect(await rowsOf(repository, snapshot)).toEqual(encodeStates(model.states()));
    const manifest = await repository.readManifest(snapshot);
    expect(await repository.verifyContent(manifest)).toMatchObject({ problems: [] });
    expect(await repository.verifySizes(MACHINE_A)).toMatchObject({ problems: [] });
  });

  test('holds no text of a memory outside of what is encrypted', async () => {
    const { repository, objects } = createTestRepository({ keyring });
    const model = new ModelStore(MACHINE_A);
    model.write(idOf(1), { text: 'unmistakable secret text' });
    await repository.writeSnapshot(model.view(), { kind: 'auto' });
    const stored = [...objects.values()].map(({ bytes }) => Buffer.from(bytes).toString('latin1')).join('');
    expect(stored.includes('unmistakable')).toBe(false);
    expect([...objects.values()].some(({ bytes }) => bytes[0] === 0x1f)).toBe(mode === 'plain');
  });

  test('writes nothing when nothing changed', async () => {
    const { repository, objects } = createTestRepository({ keyring });
    const model = new ModelStore(MACHINE_A);
    model.write(idOf(1), { text: 'one' });
    await repository.writeSnapshot(model.view(), { kind: 'auto' });
    const before = new Map(objects);
    expect(await repository.writeSnapshot(model.view(), { kind: 'auto' })).toMatchObject({
      outcome: 'unchanged',
    });
    expect(objects).toEqual(before);
    await repository.writeSnapshot(model.view(), { kind: 'manual', evenIfUnchanged: true });
    const { snapshots } = await repository.listSnapshots();
    expect(snapshots.map(({ kind }) => kind)).toEqual(['auto', 'manual']);
  });

  test('writes a few KiB for one more memory, whatever the size of the store', async () => {
    const { repository } = createTestRepository({ keyring });
    const model = new ModelStore(MACHINE_A);
    for (let number = 1; number <= 3_000; number += 1) {
      model.write(idOf(number), { text: `memory number ${number} ${'words '.repeat(20)}` });
    }
    await repository.writeSnapshot(model.view(), { kind: 'auto' });
    model.write(idOf(9_999), { text: 'one more' });
    const { bytesWritten, full } = await repository.writeSnapshot(model.view(), { kind: 'auto' });
    expect(full).toBe(false);
    expect(bytesWritten).toBeLessThan(2_048);
    expect(await rowsOf(repository, await newestOf(repository))).toHaveLength(3_001);
  });

  test('keeps every snapshot as it was while compaction goes on', async () => {
    const created = createTestRepository({ keyring });
    const { repository } = created;
    const model = new ModelStore(MACHINE_A);
    const expected: string[][] = [];
    for (let round = 0; round < 40; round += 1) {
      model.write(idOf(round % 7), { text: `round ${round}` });
      model.write(idOf(100 + round), { text: 'stays' });
      if (round % 5 === 4) model.delete(idOf(100 + round));
      await repository.writeSnapshot(model.view(), { kind: 'auto' });
      expected.push(encodeStates(model.states()));
      created.advance(60_000);
    }
    const { snapshots } = await repository.listSnapshots();
    expect(snapshots).toHaveLength(40);
    for (const [index, snapshot] of snapshots.entries()) {
      expect(await rowsOf(repository, snapshot)).toEqual(expected[index]);
    }
    const manifest = await repository.readManifest(await newestOf(repository));
    expect(manifest.segments.length).toBeLessThanOrEqual(14);
  });

  test('drops superseded rows once they are most of all rows', async () => {
    const { repository } = createTestRepository({ keyring });
    const model = new ModelStore(MACHINE_A);
    for (let round = 0; round < 30; round += 1) {
      for (let number = 0; number < 50; number += 1) model.write(idOf(number), { text: `round ${round}` });
      await repository.writeSnapshot(model.view(), { kind: 'auto' });
      const { segments } = await repository.readManifest(await newestOf(repository));
      const rows = segments.reduce((sum, segment) => sum + segment.rows, 0);
      expect(rows).toBeLessThanOrEqual(2 * 50);
    }
    expect(await rowsOf(repository, await newestOf(repository))).toEqual(encodeStates(model.states()));
  });

  test('can store the same rows again after a change that left no trace', async () => {
    const { repository } = createTestRepository({ keyring });
    const model = new ModelStore(MACHINE_A);
    model.write(idOf(1), { text: 'one' });
    await repository.writeSnapshot(model.view(), { kind: 'auto' });
    const vectors = model.states()[0]?.siblings[0]?.vectors ?? [];
    model.embed(idOf(1), [{ modelId: SAMPLE_STAMP, chunks: [] }]);
    await repository.writeSnapshot(model.view(), { kind: 'auto' });
    model.embed(idOf(1), vectors);
    await repository.writeSnapshot(model.view(), { kind: 'auto' });
    expect(await rowsOf(repository, await newestOf(repository))).toEqual(encodeStates(model.states()));
  });

  test('random histories come back exactly', async () => {
    const step = fc.record({
      id: fc.integer({ min: 0, max: 12 }),
      action: fc.constantFrom('write', 'delete', 'purge', 'snapshot', 'snapshot'),
      text: fc.string({ unit: 'grapheme', minLength: 1, maxLength: 40 }),
    });
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 60 }), async (steps) => {
        const { repository } = createTestRepository({ keyring });
        const model = new ModelStore(MACHINE_A);
        const expected: string[][] = [];
        for (const { id, action, text } of steps) {
          if (action === 'snapshot') {
            const { outcome } = await repository.writeSnapshot(model.view(), { kind: 'auto' });
            if (outcome === 'written') expected.push(encodeStates(model.states()));
          } else if (action === 'write') model.write(idOf(id), { text: text.replaceAll('\0', '') });
          else if (model.memories.has(idOf(id))) model[action](idOf(id));
        }
        const { snapshots } = await repository.listSnapshots();
        const found = await Promise.all(snapshots.map((snapshot) => rowsOf(repository, snapshot)));
        expect(found).toEqual(expected);
      }),
      { numRuns: 40 },
    );
  });
});

describe('damage in the local repository', () => {
  test.each(['segments', 'snapshots'])('a lost object of %s is healed by a full snapshot', async (folder) => {
    const { repository, objects } = createTestRepository();
    const model = new ModelStore(MACHINE_A);
    model.write(idOf(1), { text: 'one' });
    await repository.writeSnapshot(model.view(), { kind: 'auto' });
    for (const key of objects.keys()) if (key.includes(folder)) objects.delete(key);
    model.write(idOf(2), { text: 'two' });
    expect(await repository.writeSnapshot(model.view(), { kind: 'auto' })).toMatchObject({ full: true });
    expect(await rowsOf(repository, await newestOf(repository))).toEqual(encodeStates(model.states()));
  });

  test('a change that the sequence does not account for leads to a full snapshot', async () => {
    const { repository } = createTestRepository();
    const model = new ModelStore(MACHINE_A);
    model.write(idOf(1), { text: 'one' });
    await repository.writeSnapshot(model.view(), { kind: 'auto' });
    const other = new ModelStore(MACHINE_A);
    other.write(idOf(7), { text: 'a different past' });
    expect(await repository.writeSnapshot(other.view(), { kind: 'auto' })).toMatchObject({ full: true });
    expect(await rowsOf(repository, await newestOf(repository))).toEqual(encodeStates(other.states()));
  });
});
