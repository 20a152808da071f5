import { execFile, spawnSync } from 'node:child_process';
import { cp, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { FolderBlobStore } from '../../src/blob/folder/folder-blob-store.ts';
import { InMemoryHeadJournal } from '../helpers/in-memory-head-journal.ts';
import { Repository } from '../../src/backup/repository/repository.ts';
import type { Metadata } from '../../src/memory/version.ts';
import { idOf, ModelStore } from '../helpers/model-store.ts';
import { encodeStates, MACHINE_A } from '../helpers/test-repository.ts';

const run = promisify(execFile);
const root = join(import.meta.dirname, '../..');
const program = join(root, 'examples/python-reader/read_repository.py');
const fixtures = join(root, 'tests/fixtures/repository');
const hasPython = spawnSync('python3', ['--version']).status === 0;

async function python(...args: string[]): Promise<string> {
  const { stdout } = await run('python3', [program, ...args], { maxBuffer: 2 ** 28 });
  return stdout;
}

describe.runIf(hasPython)('the reader in Python', () => {
  let folder = '';
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'python-reader-'));
  });
  afterAll(() => rm(folder, { recursive: true }));

  test('reads the released fixture', async () => {
    const rows = await python('read', join(fixtures, 'plain'), 'pre_restore_20260201_000001');
    expect(rows.trimEnd().split('\n').sort().join('\n')).toBe(
      (await readFile(join(fixtures, 'newest.jsonl'), 'utf8')).trimEnd(),
    );
    expect((await python('verify', join(fixtures, 'plain'))).trimEnd().split('\n')).toHaveLength(3);
  });

  test('agrees with this program on everything that it writes', async () => {
    const target = join(folder, 'written');
    const store = new FolderBlobStore(target);
    await store.createBucket();
    const repository = new Repository({
      store,
      repositoryId: 'folder',
      machine: MACHINE_A,
      keyring: null,
      journal: new InMemoryHeadJournal(),
    });
    const model = new ModelStore(MACHINE_A);
    const metadata = fc.dictionary(
      fc.string({ unit: 'grapheme', maxLength: 5 }),
      fc.oneof(fc.double({ noNaN: true, noDefaultInfinity: true }), fc.jsonValue()),
    );
    for (const [index, value] of fc.sample(metadata, { numRuns: 200, seed: 7 }).entries()) {
      // JSON as a store would give it back: no negative zero, no NUL.
      const stored = JSON.parse(JSON.stringify(value).replaceAll(String.raw`\u0000`, '')) as Metadata;
      model.write(idOf(index % 150), { text: `text ${index}`, metadata: stored });
      if (index % 50 === 49) await repository.writeSnapshot(model.view(), { kind: 'auto' });
    }
    const { snapshots } = await repository.listSnapshots();
    expect((await python('verify', target)).trimEnd().split('\n')).toHaveLength(snapshots.length);
    const listed = (await python('list', target)).trimEnd().split('\n');
    expect(listed.map((line) => line.split('  ')[0])).toEqual(
      snapshots.map(({ machine, snapshotId }) => `${machine}/${snapshotId}`),
    );
    const rows = await python('read', target, snapshots.at(-1)?.snapshotId ?? '');
    expect(rows.trimEnd().split('\n').sort()).toEqual(encodeStates(model.states()));
    await store.close();
  });

  test('tells damage and encryption apart by its exit code', async () => {
    const damaged = join(folder, 'damaged');
    await cp(join(fixtures, 'plain'), damaged, { recursive: true });
    const segments = join(damaged, 'v1/0123456789abcdef/segments');
    const [name = ''] = await readdir(segments);
    const bytes = await readFile(join(segments, name));
    await writeFile(join(segments, name), bytes.subarray(1));
    await expect(python('verify', damaged)).rejects.toMatchObject({ code: 1 });
    await expect(python('verify', join(fixtures, 'encrypted'))).rejects.toMatchObject({ code: 2 });
    await expect(python('read', join(fixtures, 'plain'), '../../etc/passwd')).rejects.toMatchObject({
      code: 2,
    });
  });
});
