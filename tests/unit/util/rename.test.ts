import { existsSync, renameSync, writeFileSync } from 'node:fs';
import { rename } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { removeUnlessInUse, renamePatiently, renamePatientlyBlocking } from '../../../src/util/rename.ts';
import { temporaryFolder } from '../../helpers/mcp/server-environment.ts';

/** A file that a scanner holds open for some attempts. */
function heldFile(
  attempts: number,
  code: string,
): { from: string; to: string; hold: () => void; tried: () => number } {
  const folder = temporaryFolder();
  const from = join(folder, 'from');
  writeFileSync(from, 'x');
  let tried = 0;
  const hold = (): void => {
    tried += 1;
    if (tried <= attempts) throw Object.assign(new Error(code), { code });
  };
  return { from, to: join(folder, 'to'), hold, tried: () => tried };
}

describe.each(['EPERM', 'EACCES', 'EBUSY'])('a file that answers %s', (code) => {
  test('is renamed on Windows when it is free', async () => {
    const { from, to, hold } = heldFile(2, code);
    const attempt = async (source: string, target: string): Promise<void> => {
      hold();
      await rename(source, target);
    };
    await renamePatiently(from, to, { platform: 'win32', attempt });
    expect(existsSync(to)).toBe(true);
  });

  test('is renamed on Windows when it is free, also where the thread waits', () => {
    const { from, to, hold } = heldFile(2, code);
    const attempt = (source: string, target: string): void => {
      hold();
      renameSync(source, target);
    };
    renamePatientlyBlocking(from, to, { platform: 'win32', attempt });
    expect(existsSync(to)).toBe(true);
  });

  test.each(['linux', 'darwin'] as const)('is not tried again on %s', async (platform) => {
    const { from, to, hold, tried } = heldFile(1, code);
    const attempt = (): Promise<void> => Promise.resolve().then(hold);
    await expect(renamePatiently(from, to, { platform, attempt })).rejects.toThrow(code);
    expect(tried()).toBe(1);
  });
});

test('another failure is final on Windows too', async () => {
  const { from, to, hold, tried } = heldFile(1, 'ENOENT');
  const attempt = (): Promise<void> => Promise.resolve().then(hold);
  await expect(renamePatiently(from, to, { platform: 'win32', attempt })).rejects.toThrow('ENOENT');
  expect(() => {
    renamePatientlyBlocking(join(from, 'none'), to, { platform: 'win32' });
  }).toThrow(/ENOTDIR|ENOENT/);
  expect(tried()).toBe(1);
});

describe('a file of no more use', () => {
  test('is removed, if it is there', () => {
    const { from } = heldFile(0, '');
    for (const platform of ['win32', 'linux'] as const) removeUnlessInUse(from, { platform });
    expect(existsSync(from)).toBe(false);
  });

  test.each(['EPERM', 'EACCES', 'EBUSY'])('stays on Windows while it answers %s', (code) => {
    const { from, hold } = heldFile(1, code);
    removeUnlessInUse(from, { platform: 'win32', attempt: hold });
    expect(existsSync(from)).toBe(true);
  });

  test.each([
    ['linux', 'EPERM'],
    ['darwin', 'EBUSY'],
    ['win32', 'EIO'],
  ] as const)('fails on %s with %s', (platform, code) => {
    const { from, hold } = heldFile(1, code);
    expect(() => {
      removeUnlessInUse(from, { platform, attempt: hold });
    }).toThrow(code);
  });
});
