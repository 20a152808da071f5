import { expect, test } from 'vitest';
import { continues, rememberCommit, type Commit } from '../../../src/backup/format/head.ts';
import { idOf } from '../../helpers/model-store.ts';
import { changeHead } from '../../helpers/sync/hostile-snapshot.ts';
import { MemoryBucket, MemoryMachine } from '../../helpers/sync/memory-machine.ts';

interface Scene {
  readonly bucket: MemoryBucket;
  readonly a: MemoryMachine;
  readonly b: MemoryMachine;
  /** Id of `a` before it was rolled back. */
  readonly machine: string;
}

/** `a` made two writes that `b` has; then its folder was set back to before them, and its head is not there. */
async function rolledBack({ third = true } = {}): Promise<Scene> {
  const bucket = new MemoryBucket();
  const a = new MemoryMachine(bucket);
  const b = new MemoryMachine(bucket);
  const { machine } = a.replica;
  a.replica.write(idOf(1), 'one');
  await a.sync.push();
  await b.sync.pull();
  await b.sync.push();
  const copy = a.copy();
  a.replica.write(idOf(2), 'two');
  a.replica.write(idOf(1), 'one, changed');
  await a.sync.push();
  await b.sync.pull();
  if (third) b.replica.write(idOf(3), 'three');
  await b.sync.push();
  bucket.objects.delete(`v1/${machine}/head`);
  return { bucket, a: copy, b, machine };
}

async function settle({ a, b }: Pick<Scene, 'a' | 'b'>): Promise<void> {
  for (const one of [a, b, a, b]) {
    await one.sync.push();
    await one.sync.pull();
  }
}

const EVERYTHING = ['one, changed', 'one, changed again', 'three', 'two', 'two again'];

function allTexts({ replica: { table } }: MemoryMachine): string[] {
  return table
    .states()
    .flatMap(({ siblings }) => siblings.map(({ text }) => text))
    .sort();
}

test.each([0, 1, 2])(
  'as many new writes as were undone, and %i more, end in a new id and one state',
  async (more) => {
    const scene = await rolledBack();
    const { a, b, machine } = scene;
    a.replica.write(idOf(4), 'two again');
    a.replica.write(idOf(1), 'one, changed again');
    for (let count = 0; count < more; count += 1) a.replica.write(idOf(5 + count), `more ${count}`);

    await settle(scene);

    expect(a.replica.machine).not.toBe(machine);
    expect(await a.stateDigest()).toBe(await b.stateDigest());
    const more1 = Array.from({ length: more }, (_, count) => `more ${count}`);
    expect([...new Set(allTexts(b))]).toEqual([...more1, ...EVERYTHING].sort());
    await expect(b.sync.status()).resolves.toMatchObject({ relation: 'in-sync', problem: null });
  },
);

/** Heads as programs wrote them that did not name what they have seen. */
function forgetWitnesses(bucket: MemoryBucket): void {
  for (const key of bucket.keys(/\/head$/)) {
    const machine = key.split('/')[1] ?? '';
    changeHead(bucket.objects, machine, (head) => ({ ...head, witnesses: undefined }));
  }
}

test('equal version vectors with other content are said at every status, and both are kept by the next pull', async () => {
  const scene = await rolledBack({ third: false });
  const { bucket, a, b } = scene;
  forgetWitnesses(bucket);
  a.replica.write(idOf(4), 'two again');
  a.replica.write(idOf(5), 'four');
  const reads: string[] = [];
  bucket.onCall = ({ key }) => reads.push(key);
  for (let round = 0; round < 2; round += 1) {
    const { relation, warnings } = await a.sync.status();
    expect(relation).toBe('diverged');
    expect(warnings.join()).toContain(`Machine ${b.replica.machine} includes the same writes as this one`);
  }
  expect(reads.filter((key) => key.includes('/snapshots/'))).toHaveLength(1);
  await settle(scene);
  expect(await a.stateDigest()).toBe(await b.stateDigest());
  expect(new Set(allTexts(b))).toEqual(new Set(['four', 'one', 'one, changed', 'two', 'two again']));
});

test('the first push of a process finds out by itself', async () => {
  const { a, b, machine } = await rolledBack();
  a.replica.write(idOf(4), 'two again');
  await a.sync.push();
  expect(a.replica.machine).not.toBe(machine);
  await b.sync.pull();
  expect(b.texts()).toContain('two again');
});

test('a head that does not continue what was seen before is not merged, and says where to look', async () => {
  const { bucket, a, b, machine } = await rolledBack();
  a.replica.write(idOf(1), 'one, changed again');
  a.replica.write(idOf(4), 'two again');
  a.replica.write(idOf(5), 'more');
  const before = b.replica.table;
  const hidden = await withoutOthers(a);

  await expect(b.sync.pull()).rejects.toMatchObject({
    message: expect.stringContaining(`does not continue the earlier backups of machine ${machine}`) as string,
    fix: expect.stringContaining(`on machine ${machine}: it takes a new id`) as string,
  });
  expect(b.replica.table).toBe(before);
  expect((await b.sync.status()).warnings.join()).toContain('does not continue');

  hidden();
  await a.sync.pull();
  await a.sync.push();
  await b.sync.pull();
  expect(b.texts()).toContain('more');

  /** Pushes while the heads of the others cannot be seen. */
  async function withoutOthers(one: MemoryMachine): Promise<() => void> {
    const kept = [...bucket.objects].filter(([key]) => key.endsWith('/head') && !key.includes(machine));
    for (const [key] of kept) bucket.objects.delete(key);
    await one.sync.push();
    return () => {
      for (const [key, blob] of kept) bucket.objects.set(key, blob);
    };
  }
});

test('a head continues every one of its own past ones, however long ago, and none of another timeline', () => {
  const commits: Commit[] = [];
  const heads: { seq: number; commitId: string; pastCommits: Commit[] }[] = [];
  let past: Commit[] = [];
  for (let seq = 1; seq <= 400; seq += 1) {
    const commit = { seq, commitId: seq.toString(16).padStart(16, '0'), ownWrites: seq };
    const latest = commits.at(-1);
    past = latest === undefined ? [] : rememberCommit(latest, past);
    commits.push(commit);
    heads.push({ ...commit, pastCommits: past });
  }
  const fromTo = heads.flatMap((later, index) =>
    heads.slice(0, index).map((earlier) => ({ later, earlier })),
  );
  const unseen = fromTo.filter(({ later, earlier }) => {
    return !continues(later, [{ ...earlier, ownWrites: 0 }, ...earlier.pastCommits]);
  });
  expect(unseen).toEqual([]);
  const foreign = { seq: 380, commitId: 'f'.repeat(16), ownWrites: 1 };
  expect(heads.slice(379).some((head) => continues(head, [foreign]))).toBe(false);
});
