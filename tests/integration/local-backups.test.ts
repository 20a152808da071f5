import { randomBytes } from 'node:crypto';
import { cpSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, onTestFinished, test } from 'vitest';
import type { RestoreResult } from '../../src/backup/backup-api.ts';
import { BackupService } from '../../src/backup/backup-service.ts';
import { DEFAULT_RETENTION } from '../../src/backup/repository/retention.ts';
import { FolderBlobStore } from '../../src/blob/folder/folder-blob-store.ts';
import { StateChangedError } from '../../src/errors/input-errors.ts';
import { startWorkerStore } from '../../src/store/worker/client.ts';
import type { MemoryStore } from '../../src/store/memory-store.ts';
import type { ReplicaStore } from '../../src/store/replica-store.ts';
import { SqliteWorkLock } from '../../src/store/sqlite/sqlite-work-lock.ts';
import { draft } from '../helpers/drafts.ts';
import { temporaryFolder } from '../helpers/sqlite-store.ts';

/** The real database, its worker, its lock, and a real folder of backups; closed after the test. */
class LocalMachine {
  readonly dataDir: string;
  readonly backupFolder: string;
  readonly memory: MemoryStore;
  readonly replica: ReplicaStore;
  readonly backup: BackupService;

  constructor(dataDir = temporaryFolder(), backupFolder = join(dataDir, 'backups')) {
    this.dataDir = dataDir;
    this.backupFolder = backupFolder;
    const { memory, replica } = startWorkerStore({ dataDir, vectorIndex: 'exact' });
    this.memory = memory;
    this.replica = replica;
    this.backup = new BackupService({
      replica,
      store: new FolderBlobStore(backupFolder),
      keyring: null,
      lock: new SqliteWorkLock({ dataDir }),
      retention: DEFAULT_RETENTION,
      now: () => Date.now(),
      random: randomBytes,
      createScratch: () => {
        const scratch = startWorkerStore({ dataDir: temporaryFolder(), vectorIndex: 'exact' });
        return Promise.resolve({ replica: scratch.replica, close: () => scratch.memory.close() });
      },
    });
    onTestFinished(() => memory.close());
  }

  /** @returns the ids */
  async add(...texts: readonly string[]): Promise<string[]> {
    const outcomes = await this.memory.add(texts.map((text) => draft(text)));
    return outcomes.map(({ memory }) => memory.id);
  }

  /** Live texts, sorted. */
  async texts(): Promise<string[]> {
    const page = await this.memory.list({ filter: {}, which: 'live', order: 'oldest', limit: 1000 });
    return page.memories.map(({ text }) => text).toSorted();
  }

  /** A dry run, then its token. */
  async replaceBy(snapshot: string): Promise<RestoreResult> {
    const request = { snapshot, mode: 'replace' } as const;
    const { confirm } = await this.backup.restore({ ...request, dryRun: true });
    return this.backup.restore({ ...request, confirm });
  }
}

/** Files of one kind of object in the folder of backups. */
function objects({ backupFolder }: LocalMachine, kind: 'segments' | 'snapshots' | 'head'): string[] {
  const paths = readdirSync(backupFolder, { recursive: true, encoding: 'utf8' });
  return paths
    .filter((path) => path.split(/[/\\]/).includes(kind))
    .map((path) => join(backupFolder, path))
    .filter((path) => statSync(path).isFile());
}

function flipLastByte(path: string): void {
  const bytes = readFileSync(path);
  bytes[bytes.length - 1] = (bytes.at(-1) ?? 0) ^ 1;
  writeFileSync(path, bytes);
}

/** Two machines that keep their backups in one folder. */
function twoMachines(): { a: LocalMachine; b: LocalMachine } {
  const folder = join(temporaryFolder(), 'backups');
  return { a: new LocalMachine(undefined, folder), b: new LocalMachine(undefined, folder) };
}

describe('a backup of the database', () => {
  test('is restored exactly, and undo brings back what was replaced', async () => {
    const a = new LocalMachine();
    const [changed = '', removed = ''] = await a.add('before the change', 'removed later', 'stays');
    const { snapshot } = await a.backup.backup({ kind: 'before upgrade', pinned: true });
    const backedUp = await a.replica.identity();
    await a.memory.update(changed, { text: 'after the change' });
    await a.memory.delete([removed]);
    await a.add('added later');
    const later = await a.replica.identity();

    const { changes, undo } = await a.replaceBy(snapshot.name);

    expect(changes).toMatchObject({
      applied: true,
      added: { count: 1 },
      changed: { count: 1 },
      removed: { count: 1 },
    });
    expect(await a.texts()).toEqual(['before the change', 'removed later', 'stays']);
    expect((await a.replica.identity()).contentDigest).toBe(backedUp.contentDigest);
    await a.replaceBy(undo?.id ?? '');
    expect(await a.texts()).toEqual(['added later', 'after the change', 'stays']);
    expect((await a.replica.identity()).contentDigest).toBe(later.contentDigest);
    expect((await a.memory.checkIntegrity()).problems).toEqual([]);
  });

  test('gives an empty data folder the same state, version for version', async () => {
    const { a, b } = twoMachines();
    const ids = await a.add('one', 'two', 'three');
    await a.memory.delete(ids.slice(0, 1));
    await a.memory.purge(ids.slice(1, 2));
    await a.backup.backup();

    await b.backup.restore({ mode: 'merge' });

    const [from, to] = [await a.replica.identity(), await b.replica.identity()];
    expect([to.stateDigest, to.contentDigest]).toEqual([from.stateDigest, from.contentDigest]);
    expect((await b.memory.checkIntegrity()).problems).toEqual([]);
    await expect(a.backup.verify({ level: 'drill' })).resolves.toMatchObject({ problems: [] });
  });

  test.each(['segments', 'snapshots'] as const)(
    'with damaged %s is refused, changes nothing, and is found by a check',
    async (kind) => {
      const a = new LocalMachine();
      await a.add('one');
      const { snapshot } = await a.backup.backup();
      await a.add('two');
      const before = await a.replica.identity();
      const request = { snapshot: snapshot.id, mode: 'replace' } as const;
      const { confirm } = await a.backup.restore({ ...request, dryRun: true });
      objects(a, kind).forEach(flipLastByte);

      await expect(a.backup.restore({ ...request, confirm })).rejects.toMatchObject({
        code: 'REPOSITORY_DAMAGED',
      });

      expect(await a.replica.identity()).toEqual(before);
      await expect(a.backup.list()).resolves.toHaveLength(1);
      const { problems } = await a.backup.verify({ heal: false });
      expect(problems.length).toBeGreaterThan(0);
    },
  );

  test('is not restored on a confirmation that a write of another process has overtaken', async () => {
    const a = new LocalMachine();
    await a.add('one');
    const { snapshot } = await a.backup.backup();
    await a.add('two');
    const request = { snapshot: snapshot.id, mode: 'replace' } as const;
    const { confirm } = await a.backup.restore({ ...request, dryRun: true });
    const other = new LocalMachine(a.dataDir);
    await other.add('three');

    await expect(a.backup.restore({ ...request, confirm })).rejects.toThrow(StateChangedError);
    expect(await a.texts()).toEqual(['one', 'three', 'two']);
  });

  test('that shows what is there already needs an undo only for the conflicts that it settles', async () => {
    const { a, b } = twoMachines();
    const [id = ''] = await a.add('one');
    await a.backup.backup();
    await b.backup.restore({ mode: 'merge' });
    await b.memory.update(id, { text: 'by b' });
    await b.backup.backup();
    await a.memory.update(id, { text: 'by a, later' });
    const { snapshot } = await a.backup.backup();
    expect(await a.replaceBy(snapshot.id)).not.toHaveProperty('undo');
    await a.backup.restore({ mode: 'merge' });
    expect(await a.replica.identity()).toMatchObject({ conflicts: 1 });
    expect(await a.texts()).toEqual(['by a, later']);

    const { undo } = await a.replaceBy(snapshot.id);

    expect(undo).toMatchObject({ kind: 'pre_restore' });
    expect(await a.replica.identity()).toMatchObject({ conflicts: 0 });
    expect(await a.texts()).toEqual(['by a, later']);
  });
});

describe('several stores over one data folder', () => {
  test('back up at once while others write, and every backup is complete', async () => {
    const first = new LocalMachine();
    await first.add('before');
    const machines = [first, new LocalMachine(first.dataDir), new LocalMachine(first.dataDir)];

    const work = machines.map(async (machine, index) => {
      for (const round of [1, 2, 3]) {
        await machine.add(`${index} in round ${round}`);
        await machine.backup.backup();
      }
    });
    await Promise.all(work);

    const snapshots = await first.backup.list();
    expect(snapshots).toHaveLength(9);
    expect(new Set(snapshots.map(({ machine }) => machine)).size).toBe(1);
    expect(snapshots.at(-1)).toMatchObject({ live: 10, order: 'equal' });
    await expect(first.backup.verify({ level: 'drill' })).resolves.toMatchObject({ problems: [] });
    const { snapshot } = await new LocalMachine(first.dataDir).backup.backup({ kind: 'auto' });
    expect(snapshot.id).toBe(snapshots.at(-1)?.id);
  });
});

describe('an older copy of the database beside newer backups', () => {
  test('goes on under an id of its own, and gets back what only the backups hold', async () => {
    const folder = join(temporaryFolder(), 'backups');
    const lost = new LocalMachine(undefined, folder);
    await lost.add('in the copy');
    await lost.backup.backup();
    await lost.memory.close();
    const copied = temporaryFolder();
    cpSync(lost.dataDir, copied, { recursive: true });
    const later = new LocalMachine(lost.dataDir, folder);
    await later.add('only in the backups');
    const { snapshot } = await later.backup.backup();
    await later.memory.close();
    const machine = new LocalMachine(copied, folder);
    await machine.add('written after the copy was put back');

    const written = await machine.backup.backup();

    expect(written.snapshot.machine).not.toBe(snapshot.machine);
    expect(await machine.texts()).toEqual(['in the copy', 'written after the copy was put back']);
    await machine.backup.restore({ mode: 'merge' });
    expect(await machine.texts()).toEqual([
      'in the copy',
      'only in the backups',
      'written after the copy was put back',
    ]);
    expect((await machine.memory.checkIntegrity()).problems).toEqual([]);
    await expect(machine.backup.verify({ level: 'drill' })).resolves.toMatchObject({ problems: [] });
  });
});
