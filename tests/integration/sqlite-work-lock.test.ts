import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { statSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { BackupBusyError } from '../../src/errors/backup-errors.ts';
import { StoreUnavailableError } from '../../src/errors/store-errors.ts';
import { SqliteWorkLock } from '../../src/store/sqlite/sqlite-work-lock.ts';
import { bundleProgram } from '../helpers/bundle.ts';
import { temporaryFolder } from '../helpers/sqlite-store.ts';

describe('the lock of backup work', () => {
  test('lets one at a time work, also inside one process, and passes results and errors on', async () => {
    const dataDir = join(temporaryFolder(), 'new');
    const [first, second] = [new SqliteWorkLock({ dataDir }), new SqliteWorkLock({ dataDir })];
    await first.run(async () => {
      for (const lock of [first, second]) {
        await expect(lock.run(() => Promise.resolve('too early'), 0)).rejects.toBeInstanceOf(BackupBusyError);
      }
    }, 0);
    expect(statSync(join(dataDir, 'backup.lock')).mode & 0o777).toBe(0o600);
    expect(await second.run(() => Promise.resolve('done'), 0)).toBe('done');
    await expect(first.run(() => Promise.reject(new Error('failed')), 0)).rejects.toThrow('failed');
    expect(await second.run(() => Promise.resolve('again'), 0)).toBe('again');
  });

  test('makes the others wait for their turn', async () => {
    const dataDir = temporaryFolder();
    const running = { now: 0, most: 0, done: 0 };
    const work = async (): Promise<void> => {
      running.most = Math.max(running.most, (running.now += 1));
      await new Promise(setImmediate);
      running.now -= 1;
      running.done += 1;
    };
    await Promise.all(Array.from({ length: 5 }, () => new SqliteWorkLock({ dataDir }).run(work, 20_000)));
    expect(running).toEqual({ now: 0, most: 1, done: 5 });
  });

  test('is held against other processes and dies with its process', async () => {
    const dataDir = temporaryFolder();
    const program = await bundleProgram('helpers/lock-holder.ts');
    const holder = spawn(process.execPath, [program, dataDir], { stdio: ['pipe', 'pipe', 'inherit'] });
    await once(holder.stdout, 'data');
    const lock = new SqliteWorkLock({ dataDir });
    await expect(lock.run(() => Promise.resolve(), 0)).rejects.toBeInstanceOf(BackupBusyError);
    const exited = once(holder, 'exit');
    holder.kill('SIGKILL');
    await exited;
    expect(await lock.run(() => Promise.resolve('free'), 0)).toBe('free');
  });

  test('says what is wrong with a data folder that it cannot use', async () => {
    const { pathname } = new URL(import.meta.url);
    const lock = new SqliteWorkLock({ dataDir: join(pathname, 'inside-a-file') });
    await expect(lock.run(() => Promise.resolve(), 0)).rejects.toBeInstanceOf(StoreUnavailableError);
  });
});
