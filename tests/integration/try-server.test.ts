import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { tryServer } from '../../src/cli/install/try-server.ts';
import { temporaryFolder } from '../helpers/mcp/server-environment.ts';

/** A server that ends some time after it was asked to, as one with a store to close does. */
const SLOW_TO_END = `
const { createInterface } = require('node:readline');
require('node:fs').writeFileSync(process.argv[2], String(process.pid));
process.on('SIGTERM', () => setTimeout(() => process.exit(0), 200));
createInterface({ input: process.stdin }).on('line', (line) => {
  const { id, method } = JSON.parse(line);
  const result = method === 'initialize' ? { serverInfo: { name: 'faiss-memory', version: '9.9.9' } } : { tools: [1, 2] };
  if (id !== undefined) console.log(JSON.stringify({ jsonrpc: '2.0', id, result }));
});
setInterval(() => undefined, 1000);
`;

test('a trial is over when its process has ended, so that its folder can be renamed on every system', async () => {
  const folder = temporaryFolder();
  const [script, pid] = [join(folder, 'server.cjs'), join(folder, 'pid')];
  writeFileSync(script, SLOW_TO_END);
  const { env, platform } = process;
  const launch = { command: process.execPath, args: [script, pid] };
  const trial = await tryServer(launch, { env, platform, workingDirectory: folder });
  expect(trial).toMatchObject({ version: '9.9.9', tools: 2 });
  expect(() => process.kill(Number(readFileSync(pid, 'utf8')), 0)).toThrow('ESRCH');
});

test('a command that is not there is named with the reason', async () => {
  const { env, platform } = process;
  const launch = { command: join(temporaryFolder(), 'none'), args: [] };
  await expect(tryServer(launch, { env, platform, workingDirectory: '/' })).rejects.toThrow('ENOENT');
});
