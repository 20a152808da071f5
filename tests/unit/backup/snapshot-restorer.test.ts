import { describe, expect, test } from 'vitest';
import type { SnapshotSummary } from '../../../src/backup/backup-api.ts';
import { StateChangedError } from '../../../src/errors/input-errors.ts';
import { MemoryBucket, MemoryMachine } from '../../helpers/sync/memory-machine.ts';

function machines(): { bucket: MemoryBucket; a: MemoryMachine; b: MemoryMachine; c: MemoryMachine } {
  const bucket = new MemoryBucket();
  const [a, b, c] = [new MemoryMachine(bucket), new MemoryMachine(bucket), new MemoryMachine(bucket)];
  return { bucket, a, b, c };
}

/** Restores as users do: a dry run, then its token. */
async function replaceBy(machine: MemoryMachine, { id }: Pick<SnapshotSummary, 'id'>) {
  const request = { snapshot: id, mode: 'replace' } as const;
  const { confirm } = await machine.backup.restore({ ...request, dryRun: true });
  return machine.backup.restore({ ...request, confirm });
}

function kindsOf(snapshots: readonly SnapshotSummary[]): string[] {
  return snapshots.map(({ kind }) => kind);
}

describe('replace', () => {
  test('brings back what users saw, and undo brings back what was replaced', async () => {
    const { bucket, a } = machines();
    const [kept, removed] = [a.add('kept'), a.add('removed later')];
    const { snapshot } = await a.backup.backup();
    const { contentDigest } = await a.replica.identity();
    bucket.time += 1_000;
    a.replica.write(kept, 'changed');
    a.replica.delete(removed);
    a.add('added');
    const later = await a.replica.identity();

    const { changes, undo } = await replaceBy(a, snapshot);

    expect(changes).toMatchObject({
      applied: true,
      added: { count: 1 },
      changed: { count: 1 },
      removed: { count: 1 },
    });
    expect((await a.replica.identity()).contentDigest).toBe(contentDigest);
    expect(undo).toMatchObject({ kind: 'pre_restore', live: 2 });
    await replaceBy(a, { id: undo?.id ?? '' });
    expect((await a.replica.identity()).contentDigest).toBe(later.contentDigest);
  });

  test('a dry run changes nothing and backs up nothing', async () => {
    const { a } = machines();
    a.add('one');
    const { snapshot } = await a.backup.backup();
    a.add('two');
    const before = await a.stateDigest();

    const result = await a.backup.restore({ snapshot: snapshot.name, mode: 'replace', dryRun: true });

    expect(result.confirm).toMatch(/^[0-9a-f]{16}$/);
    expect(result.changes).toMatchObject({ applied: false, removed: { count: 1 } });
    expect(result).not.toHaveProperty('undo');
    expect(await a.stateDigest()).toBe(before);
    await expect(a.backup.list()).resolves.toHaveLength(1);
  });

  test('of what is there already needs no copy to undo it', async () => {
    const { a } = machines();
    a.add('one');
    const { snapshot } = await a.backup.backup();
    const before = await a.replica.identity();

    const result = await replaceBy(a, snapshot);

    expect(result).not.toHaveProperty('undo');
    expect(await a.replica.identity()).toEqual(before);
    expect(kindsOf(await a.backup.list())).toEqual(['manual']);
  });

  test.each(['a write', 'another snapshot', 'the restore itself', 'nobody'])(
    'does nothing on a confirmation that was overtaken by %s',
    async (what) => {
      const { bucket, a } = machines();
      a.add('one');
      const { snapshot } = await a.backup.backup();
      bucket.time += 1_000;
      a.add('two');
      const other = await a.backup.backup();
      a.add('three');
      const request = { snapshot: snapshot.id, mode: 'replace' } as const;
      const { confirm = '' } = await a.backup.restore({ ...request, dryRun: true });
      if (what === 'a write') a.add('four');
      if (what === 'the restore itself') await a.backup.restore({ ...request, confirm });
      const before = await a.stateDigest();
      const snapshots = await a.backup.list();
      const asked = what === 'another snapshot' ? { ...request, snapshot: other.snapshot.id } : request;
      const token = what === 'nobody' ? '0'.repeat(16) : confirm;

      await expect(a.backup.restore({ ...asked, confirm: token })).rejects.toThrow(StateChangedError);

      expect(await a.stateDigest()).toBe(before);
      expect(await a.backup.list()).toEqual(snapshots);
    },
  );

  test('does nothing without a confirmation, or without a snapshot', async () => {
    const { a } = machines();
    a.add('one');
    const { snapshot } = await a.backup.backup();
    a.add('two');
    await expect(a.backup.restore({ snapshot: snapshot.id, mode: 'replace' })).rejects.toMatchObject({
      code: 'INVALID_INPUT',
      field: 'confirm',
    });
    await expect(a.backup.restore({ mode: 'replace', dryRun: true })).rejects.toMatchObject({
      code: 'INVALID_INPUT',
      field: 'snapshot',
    });
    expect(a.texts()).toEqual(['one', 'two']);
  });

  test.each(['segments', 'snapshots'])('changes nothing when one of its %s is damaged', async (kind) => {
    const { a } = machines();
    a.add('one');
    const { snapshot } = await a.backup.backup();
    a.add('two');
    const before = await a.stateDigest();
    for (const [key, blob] of a.folder) {
      if (key.includes(`/${kind}/`))
        a.folder.set(key, { ...blob, bytes: blob.bytes.map((byte) => byte ^ 1) });
    }

    const request = { snapshot: snapshot.id, mode: 'replace', dryRun: true } as const;
    await expect(a.backup.restore(request)).rejects.toMatchObject({ code: 'REPOSITORY_DAMAGED' });
    expect(await a.stateDigest()).toBe(before);
  });

  test('that is cancelled while it reads changes nothing', async () => {
    const { a } = machines();
    a.add('one');
    const { snapshot } = await a.backup.backup();
    a.add('two');
    const before = await a.stateDigest();
    const request = { snapshot: snapshot.id, mode: 'replace', dryRun: true } as const;
    const { confirm } = await a.backup.restore(request);
    const cancelled = { signal: AbortSignal.abort() };
    await expect(a.backup.restore({ ...request, dryRun: false, confirm }, cancelled)).rejects.toThrow(
      'aborted',
    );
    expect(await a.stateDigest()).toBe(before);
    await expect(a.backup.list()).resolves.toHaveLength(1);
  });
});

describe('merge', () => {
  test('takes the newest of every other machine, oldest first, once', async () => {
    const { bucket, a, b, c } = machines();
    for (const [machine, text] of [
      [b, 'of b'],
      [c, 'of c'],
      [b, 'of b again'],
    ] as const) {
      machine.add(text);
      await machine.sync.push();
      bucket.time += 1_000;
    }

    const { snapshots, changes } = await a.sync.pull();

    expect(snapshots.map(({ machine }) => machine)).toEqual([c.replica.machine, b.replica.machine]);
    expect(changes).toMatchObject({ applied: true, added: { count: 3 } });
    expect(a.texts()).toEqual(['of b', 'of b again', 'of c']);
    await expect(a.sync.pull()).resolves.toMatchObject({ snapshots: [], changes: null });
  });

  test('can be undone', async () => {
    const { bucket, a, b } = machines();
    const id = b.add('of b');
    await b.sync.push();
    await a.sync.pull();
    bucket.time += 1_000;
    b.replica.write(id, 'changed by b');
    await b.sync.push();

    const { undo } = await a.sync.pull();

    expect(a.texts()).toEqual(['changed by b']);
    expect(undo).toMatchObject({ kind: 'pre_merge' });
    await replaceBy(a, { id: undo?.id ?? '' });
    expect(a.texts()).toEqual(['of b']);
  });

  test('of one that is included already changes nothing and offers no undo', async () => {
    const { a, b } = machines();
    b.add('of b');
    const { snapshot } = await b.sync.push();
    await a.sync.pull();
    const before = await a.replica.identity();

    const result = await a.sync.restore({ mode: 'merge', snapshot: snapshot.id });

    expect(result).not.toHaveProperty('undo');
    expect(await a.replica.identity()).toEqual(before);
  });

  test('reads only segments that were not merged before', async () => {
    const { bucket, a, b } = machines();
    for (const text of ['one', 'two', 'three']) {
      b.add(text);
      await b.sync.push();
      await a.sync.pull();
      bucket.time += 1_000;
    }
    b.add('four');
    await b.sync.push();
    const read: string[] = [];
    bucket.onCall = ({ operation, key }) => {
      if (operation === 'get' && key.includes('/segments/')) read.push(key);
    };

    await a.sync.pull();

    expect(read).toHaveLength(1);
    expect(a.texts()).toEqual(['four', 'one', 'three', 'two']);
    expect(await a.stateDigest()).toBe(await b.stateDigest());
  });

  test('reads everything when what was left out is not what it should be', async () => {
    const { a, b } = machines();
    b.add('one');
    const { snapshot } = await b.sync.push();
    const note = `merged:remote:test:${a.replica.machine}:${b.replica.machine}`;
    const name =
      [...b.folder.keys()]
        .find((key) => key.includes('/segments/'))
        ?.split('/')
        .at(-1) ?? '';
    await a.replica.writeNote(note, { snapshotId: snapshot.id, segments: [name] });

    const { warnings } = await a.sync.pull();

    expect(warnings).toBeUndefined();
    expect(a.texts()).toEqual(['one']);
    expect(await a.stateDigest()).toBe(await b.stateDigest());
  });

  test('plans again when somebody pruned meanwhile', async () => {
    const { bucket, a, b } = machines();
    b.add('one');
    await b.sync.push();
    const early = new Map(bucket.objects);
    bucket.time += 1_000;
    b.add('two');
    await b.sync.push();
    const late = new Map(bucket.objects);
    const show = (objects: typeof early): void => {
      bucket.objects.clear();
      for (const [key, blob] of objects) bucket.objects.set(key, blob);
    };
    for (const key of early.keys()) if (key.includes('/snapshots/')) late.delete(key);
    show(early);
    let reads = 0;
    bucket.onCall = ({ operation, key }) => {
      if (operation !== 'get' || !key.includes('/snapshots/')) return;
      reads += 1;
      show(late);
    };

    await a.sync.pull();

    expect(reads).toBe(2);
    expect(a.texts()).toEqual(['one', 'two']);
    expect(await a.stateDigest()).toBe(await b.stateDigest());
  });

  test('gives up when an object is missing for good', async () => {
    const { bucket, a, b } = machines();
    b.add('one');
    await b.sync.push();
    for (const key of bucket.keys(/\/segments\//)) bucket.objects.delete(key);
    await expect(a.sync.pull()).rejects.toMatchObject({ code: 'OBJECT_MISSING' });
    expect(a.texts()).toEqual([]);
  });

  test('keeps what was merged of one machine when an object of the next is missing', async () => {
    const { bucket, a, b, c } = machines();
    b.add('of b');
    await b.sync.push();
    bucket.time += 1_000;
    c.add('of c');
    await c.sync.push();
    for (const key of bucket.keys(new RegExp(`${c.replica.machine}/segments/`))) bucket.objects.delete(key);

    const { changes, warnings } = await a.sync.pull();

    expect(changes).toMatchObject({ applied: true, added: { count: 1 } });
    expect(warnings).toEqual([expect.stringContaining('Not merged')]);
    expect(a.texts()).toEqual(['of b']);
  });
});
