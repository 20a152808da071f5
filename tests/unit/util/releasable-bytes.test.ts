import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { readReleasable, releaseBytes } from '../../../src/util/releasable-bytes.ts';

let folder = '';
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'releasable-'));
});
afterAll(() => rm(folder, { recursive: true }));

test('reads the bytes of the file', async () => {
  for (const size of [0, 1, 3_000_000]) {
    const path = join(folder, `of-${size}`);
    await writeFile(path, Buffer.alloc(size, 'some bytes'));
    expect(Buffer.compare(await readReleasable(path), await readFile(path))).toBe(0);
  }
});

test('released bytes are empty and take no memory any more, although they are still referred to', async () => {
  const path = join(folder, 'large');
  const size = 64 * 1024 * 1024;
  await writeFile(path, Buffer.alloc(size, 1));
  const bytes = await readReleasable(path);
  const before = process.memoryUsage.rss();
  releaseBytes(bytes);
  expect(bytes.length).toBe(0);
  expect(before - process.memoryUsage.rss()).toBeGreaterThan(size / 2);
});

test('a file that is not there is an error', async () => {
  await expect(readReleasable(join(folder, 'absent'))).rejects.toThrow('ENOENT');
});
