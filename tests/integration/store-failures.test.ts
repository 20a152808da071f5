import {
  chmodSync,
  closeSync,
  copyFileSync,
  existsSync,
  mkdirSync,
  openSync,
  readFileSync,
  readdirSync,
  renameSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { join } from 'node:path';
import { openDatabase } from '../../src/store/sqlite/engine.ts';
import { describe, expect, test } from 'vitest';
import {
  StoreBusyError,
  StoreDamagedError,
  StoreFullError,
  StoreReadOnlyError,
  StoreTooNewError,
  StoreUnavailableError,
} from '../../src/errors/store-errors.ts';
import { MIGRATIONS } from '../../src/store/sqlite/migrations.ts';
import { readOnlyView, smallDisk } from '../helpers/small-disk.ts';
import { draft } from '../helpers/drafts.ts';
import { databasePath, openSqliteStore, temporaryFolder } from '../helpers/sqlite-store.ts';

const NEWEST = MIGRATIONS.at(-1)?.version ?? 0;

/** A closed store with some memories in it. */
async function filledStore(dataDir: string, count = 50): Promise<void> {
  const store = openSqliteStore(dataDir);
  await store.add(Array.from({ length: count }, (_, index) => draft(`memory ${index} ${'x'.repeat(500)}`)));
  await store.close();
}

describe('a file that is no store', () => {
  test.each([
    ['an empty file', Buffer.alloc(0)],
    ['a short text', Buffer.from('hello')],
    ['a long text', Buffer.from('hello '.repeat(10_000))],
    ['zeros', Buffer.alloc(65_536)],
  ])('%s is reported as damaged and left alone', async (_, bytes) => {
    const folder = temporaryFolder();
    writeFileSync(databasePath(folder), bytes);
    const store = openSqliteStore(folder);
    for (const attempt of [() => store.stats(), () => store.add([draft('a')])]) {
      const failure = attempt();
      await expect(failure).rejects.toThrow(StoreDamagedError);
      await expect(failure).rejects.toMatchObject({ code: 'STORE_DAMAGED', path: databasePath(folder) });
    }
    expect(readFileSync(databasePath(folder))).toEqual(bytes);
    expect(readdirSync(folder)).toEqual(['memory.sqlite']);
  });

  test('a database of another program is reported and left alone', async () => {
    const folder = temporaryFolder();
    const other = openDatabase(databasePath(folder));
    other.exec('CREATE TABLE photo (id INTEGER)');
    other.close();
    const before = readFileSync(databasePath(folder));
    await expect(openSqliteStore(folder).stats()).rejects.toThrow(/another program/);
    expect(readFileSync(databasePath(folder))).toEqual(before);
  });

  test('a folder of that name is reported', async () => {
    const folder = temporaryFolder();
    mkdirSync(databasePath(folder));
    const failure = openSqliteStore(folder).stats();
    await expect(failure).rejects.toThrow(StoreUnavailableError);
    await expect(failure).rejects.toThrow(/it is a folder/);
  });

  test('a file in the place of the data folder is reported', async () => {
    const folder = join(temporaryFolder(), 'data');
    writeFileSync(folder, 'x');
    await expect(openSqliteStore(folder).stats()).rejects.toThrow(StoreUnavailableError);
    expect(readFileSync(folder, 'utf8')).toBe('x');
  });

  test('works again as soon as the file is moved away', async () => {
    const folder = temporaryFolder();
    writeFileSync(databasePath(folder), 'garbage');
    const store = openSqliteStore(folder);
    await expect(store.stats()).rejects.toThrow(StoreDamagedError);
    renameSync(databasePath(folder), join(folder, 'old'));
    await store.add([draft('a')]);
    expect((await store.stats()).live).toBe(1);
  });
});

describe('a damaged store', () => {
  test('that was cut short is reported with its path and what to do', async () => {
    const folder = temporaryFolder();
    await filledStore(folder);
    truncateSync(databasePath(folder), 40_960);
    const store = openSqliteStore(folder);
    const failure = store.list({ filter: {}, which: 'live', order: 'newest', limit: 1_000 });
    await expect(failure).rejects.toThrow(StoreDamagedError);
    await expect(failure).rejects.toMatchObject({
      fix: expect.stringContaining(databasePath(folder)) as string,
    });
    expect(statSync(databasePath(folder)).size).toBe(40_960);
  });

  test('never gives a wrong text when a page was overwritten', async () => {
    const folder = temporaryFolder();
    await filledStore(folder);
    const size = statSync(databasePath(folder)).size;
    const pristine = join(folder, 'pristine');
    copyFileSync(databasePath(folder), pristine);
    for (let offset = 0; offset < size; offset += 4_096) {
      copyFileSync(pristine, databasePath(folder));
      const handle = openSync(databasePath(folder), 'r+');
      writeSync(handle, Buffer.alloc(2_048, 0x41), 0, 2_048, offset + 1_024);
      closeSync(handle);
      const store = openSqliteStore(folder);
      const report = await store.checkIntegrity().catch((error: unknown) => error);
      if (report instanceof Error) expect(report).toBeInstanceOf(StoreDamagedError);
      const seen = await readAll(folder);
      const intact = seen instanceof Error || seen.every((text) => /^memory \d+ x{500}$/.test(text));
      if (!intact) expect(report).toMatchObject({ ok: false });
      await store.close();
    }
  });

  test('that a newer program changed is refused and left alone', async () => {
    const folder = temporaryFolder();
    await filledStore(folder);
    setVersion(folder, 99);
    const failure = openSqliteStore(folder).stats();
    await expect(failure).rejects.toThrow(StoreTooNewError);
    await expect(failure).rejects.toMatchObject({
      found: 99,
      supported: NEWEST,
      fix: expect.stringMatching(/Update/) as string,
    });
    setVersion(folder, NEWEST);
    expect((await openSqliteStore(folder).stats()).live).toBe(50);
  });

  test('is not written to by a program that was running while a newer one changed it', async () => {
    const folder = temporaryFolder();
    const store = openSqliteStore(folder);
    await store.add([draft('before')]);
    setVersion(folder, NEWEST + 1);
    await expect(store.add([draft('after')])).rejects.toThrow(StoreTooNewError);
    await expect(store.stats()).rejects.toThrow(StoreTooNewError);
  });
});

async function readAll(folder: string): Promise<string[] | Error> {
  const store = openSqliteStore(folder);
  try {
    const page = await store.list({ filter: {}, which: 'live', order: 'newest', limit: 1_000 });
    return page.memories.map(({ text }) => text);
  } catch (error) {
    return error instanceof Error ? error : new Error(String(error));
  } finally {
    await store.close();
  }
}

function setVersion(folder: string, version: number): void {
  const database = openDatabase(databasePath(folder));
  database.exec(`PRAGMA user_version = ${version}`);
  database.close();
}

describe('a read-only disk', () => {
  test('is reported', async () => {
    const folder = temporaryFolder();
    await filledStore(folder, 5);
    const view = readOnlyView(folder);
    const failure = openSqliteStore(view).add([draft('a')]);
    await expect(failure).rejects.toThrow(StoreReadOnlyError);
    await expect(failure).rejects.toMatchObject({ code: 'STORE_READ_ONLY', path: databasePath(view) });
    await expect(openSqliteStore(join(view, 'new')).stats()).rejects.toThrow(StoreReadOnlyError);
    expect((await openSqliteStore(folder).stats()).live).toBe(5);
  });
});

describe('a folder on a read-only disk', () => {
  test.each(['closed', 'in use through another path'])('that is %s can be read', async (how) => {
    const folder = temporaryFolder();
    const writer = openSqliteStore(folder);
    await writer.add([draft('an apricot tree'), draft('a blueberry')]);
    if (how === 'closed') await writer.close();
    const reader = openSqliteStore(readOnlyView(folder));
    expect(
      (await reader.list({ filter: {}, which: 'live', order: 'newest', limit: 10 })).memories.length,
    ).toBe(2);
    const find = async (): Promise<number> =>
      (await reader.candidates({ filter: {}, limit: 5, words: 'apricot' })).words.length;
    expect(await find()).toBe(1);
    expect((await reader.checkIntegrity()).problems).toEqual([]);
    await expect(reader.add([draft('another')])).rejects.toThrow(StoreReadOnlyError);
    expect(await find()).toBe(1);
    if (how === 'closed') return;
    await writer.add([draft('a second apricot')]);
    expect(await find()).toBe(2);
  });
});

describe('a write-ahead log that another program deletes', () => {
  test('is noticed before a write is acknowledged, and nothing is lost', async () => {
    const folder = temporaryFolder();
    const [store, other] = [openSqliteStore(folder), openSqliteStore(folder)];
    await store.add([draft('first')]);
    await other.add([draft('second')]);
    const log = `${databasePath(folder)}-wal`;
    const stored = ['first', 'second'];
    let refused = 0;
    for (const text of ['third', 'fourth', 'fifth']) {
      rmSync(log);
      for (const each of [store, other]) {
        await each.add([draft(text)]).then(
          () => stored.push(text),
          (error: unknown) => {
            refused += 1;
            expect(error).toMatchObject({ code: 'STORE_UNAVAILABLE', retryable: true });
            expect(String(error)).toContain(`${log} of the memory store was deleted`);
          },
        );
      }
      await store.add([draft(`${text} again`)]);
      stored.push(`${text} again`);
    }
    await Promise.all([store.close(), other.close()]);
    const { memories } = await openSqliteStore(folder).list({
      filter: {},
      which: 'live',
      order: 'newest',
      limit: 100,
    });
    expect(memories.map(({ text }) => text).sort()).toEqual([...stored].sort());
    expect(refused).toBe(5);
    expect((await openSqliteStore(folder).checkIntegrity()).problems).toEqual([]);
  });
});

describe('a full disk', () => {
  test('refuses the write, loses nothing, and goes on when there is space', async () => {
    const disk = smallDisk(4_096);
    const store = openSqliteStore(join(disk, 'data'));
    const ballast = join(disk, 'ballast');
    const stored: string[] = [];
    await store.add([draft('the first')]).then(([outcome]) => stored.push(outcome?.memory.id ?? ''));
    writeFileSync(ballast, Buffer.alloc(1_500_000));
    const failure = await fillUp(async (index) => {
      const [outcome] = await store.add([draft(`${index} ${randomText(20_000)}`)]);
      stored.push(outcome?.memory.id ?? '');
    });
    expect(failure).toBeInstanceOf(StoreFullError);
    expect(failure).toMatchObject({ code: 'STORE_FULL', retryable: true });
    expect((await store.getCurrent(stored)).length).toBe(stored.length);
    expect((await store.stats()).live).toBe(stored.length);
    await expect(store.add([draft(randomText(200_000))])).rejects.toThrow(StoreFullError);
    rmSync(ballast);
    await store.add([draft('the last')]);
    expect((await store.stats()).live).toBe(stored.length + 1);
    expect((await store.checkIntegrity()).problems).toEqual([]);
  });

  test('is reported when the store cannot even be created, and leaves no rubbish', async () => {
    const disk = smallDisk(256);
    const ballast = join(disk, 'ballast');
    writeFileSync(ballast, Buffer.alloc(200_000));
    const store = openSqliteStore(join(disk, 'data'));
    await expect(store.stats()).rejects.toThrow(StoreFullError);
    expect(readdirSync(join(disk, 'data'))).toEqual([]);
  });
});

/** Calls until it fails. */
async function fillUp(call: (index: number) => Promise<void>): Promise<unknown> {
  for (let index = 0; index < 10_000; index += 1) {
    try {
      await call(index);
    } catch (error) {
      return error;
    }
  }
  return null;
}

function randomText(length: number): string {
  return Array.from({ length: length / 8 }, () => Math.random().toString(36).slice(2, 9)).join(' ');
}

describe('a file that is moved while in use', () => {
  test('is noticed before anything is written to it', async () => {
    const folder = temporaryFolder();
    const store = openSqliteStore(folder);
    await store.add([draft('before')]);
    renameSync(folder, `${folder}-moved`);
    const failure = store.add([draft('after')]);
    await expect(failure).rejects.toThrow(StoreUnavailableError);
    await expect(failure).rejects.toMatchObject({ retryable: true });
    renameSync(`${folder}-moved`, folder);
    await store.add([draft('back again')]);
    expect((await store.stats()).live).toBe(2);
  });

  test('is not replaced by an empty one, however often one tries', async () => {
    const folder = temporaryFolder();
    const store = openSqliteStore(folder);
    await store.add([draft('before')]);
    renameSync(folder, `${folder}-moved`);
    for (let count = 0; count < 3; count += 1) {
      await expect(store.add([draft('after')])).rejects.toThrow(StoreUnavailableError);
      await expect(store.stats()).rejects.toThrow('moved, replaced or deleted');
    }
    expect(existsSync(folder)).toBe(false);
    renameSync(`${folder}-moved`, folder);
    expect((await store.stats()).live).toBe(1);
  });

  test('is followed when another file takes its place', async () => {
    const [folder, other] = [temporaryFolder(), temporaryFolder()];
    const store = openSqliteStore(folder);
    await store.add([draft('mine')]);
    await filledStore(other, 3);
    for (const name of readdirSync(folder)) rmSync(join(folder, name));
    copyFileSync(databasePath(other), databasePath(folder));
    await expect(store.stats()).rejects.toThrow(StoreUnavailableError);
    expect((await store.stats()).live).toBe(3);
  });
});

describe('locks', () => {
  test('are waited for', async () => {
    const folder = temporaryFolder();
    const store = openSqliteStore(folder);
    await store.add([draft('first')]);
    const other = openDatabase(databasePath(folder));
    other.exec('BEGIN IMMEDIATE');
    const waiting = store.add([draft('second')]);
    // Reading does not wait for a writer.
    expect((await store.stats()).live).toBe(1);
    other.exec('COMMIT');
    other.close();
    await waiting;
    expect((await store.stats()).live).toBe(2);
  });

  test('that never end are reported after the limit', async () => {
    const folder = temporaryFolder();
    const store = openSqliteStore(folder, { busyLimitMs: 100 });
    await store.stats();
    const other = openDatabase(databasePath(folder));
    other.exec('BEGIN IMMEDIATE');
    const failure = store.add([draft('a')]);
    await expect(failure).rejects.toThrow(StoreBusyError);
    await expect(failure).rejects.toMatchObject({ code: 'STORE_BUSY', retryable: true });
    other.close();
    await store.add([draft('a')]);
  });

  test('keep writes of one store in their order', async () => {
    const store = openSqliteStore(temporaryFolder());
    const [outcome] = await store.add([draft('text 0')]);
    const id = outcome?.memory.id ?? '';
    const updates = Array.from({ length: 20 }, (_, index) => store.update(id, { text: `text ${index + 1}` }));
    await Promise.all([...updates, store.delete([id])]);
    expect((await store.getCurrent([id]))[0]).toMatchObject({ state: 'deleted', text: 'text 20' });
  });
});

describe('file modes', () => {
  test('keep the store to its user, whatever the umask', async () => {
    const folder = join(temporaryFolder(), 'a', 'b');
    const store = openSqliteStore(folder);
    await store.add([draft('secret')]);
    expect(statSync(folder).mode & 0o777).toBe(0o700);
    for (const name of readdirSync(folder)) expect(statSync(join(folder, name)).mode & 0o777).toBe(0o600);
    expect(existsSync(`${databasePath(folder)}-wal`)).toBe(true);
  });

  test('of an existing folder are left as they are', async () => {
    const folder = temporaryFolder();
    chmodSync(folder, 0o750);
    await openSqliteStore(folder).stats();
    expect(statSync(folder).mode & 0o777).toBe(0o750);
  });
});
