import { existsSync, mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { rename } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { composeApp } from '../../src/app/app.ts';
import { OpenSpaces } from '../../src/app/open-spaces.ts';
import { FolderHome } from '../../src/app/space-homes.ts';
import { resolveConfig } from '../../src/config/resolve.ts';
import { createLogger } from '../../src/logger.ts';
import { temporaryFolder } from '../helpers/sqlite-store.ts';

/** Spaces as a server has them, in folders. */
function openSpaces(): { readonly spaces: OpenSpaces; readonly home: FolderHome; readonly folder: string } {
  const folder = temporaryFolder();
  const env = { MEMORY_EMBEDDING_PROVIDER: 'none', MEMORY_DATA_DIR: folder };
  const places = { homeDirectory: folder, workingDirectory: folder };
  const { settings } = resolveConfig({ env, platform: 'linux', ...places });
  const logger = createLogger({ level: 'error' });
  const main = composeApp(settings, { logger });
  const home = new FolderHome(folder);
  const spaces = new OpenSpaces({
    ...{ settings, home, main, logger },
    ...{ limit: 10, idleMs: 60_000, background: false },
  });
  onTestFinished(async () => {
    await spaces.close();
    await main.close();
  });
  return { spaces, home, folder };
}

test('a space that is kept closed is opened by nobody before the work is over, and afterwards whatever its outcome', async () => {
  const { spaces } = openSpaces();
  await spaces.create('kitchen');
  const order: string[] = [];
  let end = (): void => undefined;
  let begin = (): void => undefined;
  const begun = new Promise<void>((resolve) => (begin = resolve));
  const working = spaces.whileClosed('kitchen', async () => {
    begin();
    await new Promise<void>((resolve) => (end = resolve));
    order.push('the work ended');
    throw new Error('it failed');
  });
  await begun;
  const entering = spaces.use('kitchen', async ({ memory }) => {
    order.push('it was entered');
    expect((await memory.stats()).live).toBe(0);
  });
  await new Promise((resolve) => setImmediate(resolve));
  end();
  await expect(working).rejects.toThrow('it failed');
  await entering;
  expect(order).toEqual(['the work ended', 'it was entered']);
});

test('a space in use is not closed', async () => {
  const { spaces } = openSpaces();
  await spaces.create('kitchen');
  const { leave } = await spaces.enter('kitchen');
  let isDone = false;
  const work = (): Promise<void> => {
    isDone = true;
    return Promise.resolve();
  };
  await spaces.whileClosed('kitchen', work);
  expect(isDone).toBe(false);
  leave();
  await spaces.whileClosed('kitchen', work);
  expect(isDone).toBe(true);
});

test('the rest of a removed space is cleared away, and a space that was taken back meanwhile is kept', async () => {
  const { spaces, home, folder } = openSpaces();
  const at = (...names: string[]): string => join(folder, 'spaces', ...names);
  for (const id of ['removed', 'back']) {
    await spaces.create(id);
    await home.moveToTrash(id);
    mkdirSync(at(id));
    writeFileSync(at(id, 'late.txt'), 'written late');
  }
  await home.sweep(new Set(['removed', 'back']), async (space, work) => {
    if (space === 'back') {
      await rename(at('back'), join(folder, 'aside'));
      await home.bringBack('back');
    }
    await work();
  });
  expect([existsSync(at('removed')), home.isThere('back')]).toEqual([false, true]);
});

test('a space that is taken back while it is being erased keeps its memories, and one that is not leaves nothing', async () => {
  const { spaces, home, folder } = openSpaces();
  const removed = { id: 'kitchen', removed: 5 };
  await spaces.create('kitchen');
  const files = (): string[] => readdirSync(join(folder, 'spaces-trash'));
  // Once in the trash, and once where a killed process left it.
  for (const isMoved of [true, false]) {
    if (isMoved) await home.moveToTrash('kitchen');
    await expect(spaces.erase(removed, () => Promise.resolve(false))).rejects.toThrow(/changed/);
    await home.bringBack('kitchen');
    expect([home.isThere('kitchen'), files()]).toEqual([true, []]);
  }
  await home.moveToTrash('kitchen');
  await rename(join(folder, 'spaces-trash', 'kitchen'), join(folder, 'spaces-trash', 'kitchen.killed'));
  await spaces.create('kitchen');
  await spaces.erase(removed, () => Promise.resolve(true));
  expect([home.isThere('kitchen'), files()]).toEqual([false, []]);
});
