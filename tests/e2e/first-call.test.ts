import { existsSync, readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { RawServer } from '../helpers/mcp/raw-server.ts';
import { temporaryFolder } from '../helpers/mcp/server-environment.ts';
import { runProgram } from '../helpers/run-program.ts';

/** SQLite makes it when it opens the database. */
const openMark = (dataDir: string): string => join(dataDir, 'memories', 'memory.sqlite-shm');

/** Below the time after which a server looks without a handshake. */
const SOON = { timeout: 8_000 };

test('a store that is there is opened by the handshake, before any call', async () => {
  const dataDir = temporaryFolder();
  await runProgram(['add', 'Ada likes tea'], { dataDir });
  rmSync(openMark(dataDir), { force: true });
  const server = new RawServer(dataDir);
  await server.initialize();
  await expect.poll(() => existsSync(openMark(dataDir)), SOON).toBe(true);
  const { text } = await server.call('memory_search', { query: 'tea', mode: 'keyword' });
  expect(text).toContain('Ada likes tea');
});

test('a handshake and a list leave an empty data folder empty', async () => {
  const dataDir = temporaryFolder();
  const server = new RawServer(dataDir);
  await server.initialize();
  await server.request('tools/list');
  expect(readdirSync(dataDir)).toEqual([]);
});
