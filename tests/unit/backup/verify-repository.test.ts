import { describe, expect, test } from 'vitest';
import type { VerifyLevel } from '../../../src/backup/backup-api.ts';
import { MemoryBucket, MemoryMachine } from '../../helpers/sync/memory-machine.ts';

const LEVELS: readonly VerifyLevel[] = ['sizes', 'hashes', 'content', 'drill'];

async function backedUp(): Promise<{ bucket: MemoryBucket; a: MemoryMachine }> {
  const bucket = new MemoryBucket();
  const a = new MemoryMachine(bucket, { enabled: false });
  a.add('one');
  await a.backup.backup({ kind: 'auto' });
  return { bucket, a };
}

/** Changes every object of a kind, keeping its size unless told otherwise. */
function damage(a: MemoryMachine, pattern: RegExp, size = Infinity): void {
  for (const [key, blob] of a.folder) {
    if (!pattern.test(key)) continue;
    a.folder.set(key, { ...blob, bytes: blob.bytes.map((byte) => byte ^ 1).slice(0, size) });
  }
}

describe('verify', () => {
  test.each(LEVELS)('finds nothing in what is sound, and changes nothing: %s', async (level) => {
    const { a } = await backedUp();
    const before = new Map(a.folder);
    const state = await a.stateDigest();

    const result = await a.backup.verify({ level });

    expect(result).toEqual({ level, checked: 2, problems: [], healed: false });
    expect(a.folder).toEqual(before);
    expect(await a.stateDigest()).toBe(state);
  });

  test('of nothing finds nothing', async () => {
    const a = new MemoryMachine(new MemoryBucket(), { enabled: false });
    await expect(a.backup.verify({ level: 'drill' })).resolves.toMatchObject({ checked: 0, problems: [] });
  });

  test.each([
    ['sizes', 5],
    ['hashes', Infinity],
    ['content', Infinity],
    ['drill', Infinity],
  ] as const)('finds a damaged segment by %s, and writes it anew', async (level, size) => {
    const { a } = await backedUp();
    damage(a, /\/segments\//, size);
    const found = await a.backup.verify({ level, heal: false });
    expect(found.healed).toBe(false);
    expect(found.problems.length).toBeGreaterThan(0);

    await expect(a.backup.verify({ level })).resolves.toMatchObject({ ...found, healed: true, checked: 3 });
    await expect(a.backup.verify({ level: 'drill', heal: false })).resolves.toMatchObject({ problems: [] });
  });

  test('sizes alone do not see other bytes of the same size', async () => {
    const { a } = await backedUp();
    damage(a, /\/segments\//);
    await expect(a.backup.verify({ level: 'sizes' })).resolves.toMatchObject({ problems: [] });
  });

  test('does not claim to have healed what only an old snapshot held', async () => {
    const { bucket, a } = await backedUp();
    const [segment = ''] = [...a.folder.keys()].filter((key) => key.includes('/segments/'));
    bucket.time += 1_000;
    a.replica.write(a.replica.table.ids()[0] ?? '', 'changed');
    await a.backup.backup({ kind: 'auto' });
    damage(a, new RegExp(segment));

    const { healed, problems } = await a.backup.verify();

    expect(healed).toBe(false);
    expect(problems.map(({ key }) => key)).toEqual([segment]);
    const newest = (await a.backup.list()).at(-1);
    await expect(
      a.backup.restore({ snapshot: newest?.id, mode: 'replace', dryRun: true }),
    ).resolves.toMatchObject({ changes: { changed: { count: 0 } } });
  });

  test.each(['sizes', 'hashes', 'content', 'drill'] as const)(
    'reports a damaged head as damage, and writes it anew: %s',
    async (level) => {
      const { a } = await backedUp();
      damage(a, /\/head$/);
      const found = await a.backup.verify({ level, heal: false });
      expect(found.problems.map(({ key }) => key)).toEqual([`v1/${a.replica.machine}/head`]);

      await expect(a.backup.verify({ level })).resolves.toMatchObject({ ...found, healed: true, checked: 2 });
      expect(await a.backup.list()).toMatchObject([{ live: 1 }]);
    },
  );

  test('names the last check', async () => {
    const { bucket, a } = await backedUp();
    damage(a, /\/segments\//);
    await a.backup.verify({ heal: false });
    await expect(a.replica.readNote(`verified:local:${a.replica.machine}`)).resolves.toEqual({
      at: bucket.time,
      objects: 1,
      problems: 1,
    });
  });
});

describe('a check of many objects', () => {
  test('tells how far it is, and ends between two objects when it is cancelled', async () => {
    const { a } = await backedUp();
    for (const text of ['two', 'three', 'four']) {
      a.add(text);
      await a.backup.backup({ kind: 'manual' });
    }
    const told: string[] = [];
    const onProgress = ({ step, done, total }: { step: string; done: number; total?: number }): void => {
      told.push(`${step} ${done} of ${total ?? '?'}`);
    };
    const { checked } = await a.backup.verify({ level: 'hashes' }, { onProgress });
    expect(told).toEqual(
      expect.arrayContaining(['reading snapshots 3 of 4', `comparing objects ${checked - 1} of ${checked}`]),
    );

    const stop = new AbortController();
    const seen: string[] = [];
    const cancelled = a.backup.verify(
      { level: 'hashes' },
      {
        signal: stop.signal,
        onProgress: ({ step, done }) => {
          seen.push(step);
          if (step === 'comparing objects' && done === 1) stop.abort();
        },
      },
    );
    await expect(cancelled).rejects.toThrow();
    expect(seen.filter((step) => step === 'comparing objects').length).toBe(2);
  });
});
