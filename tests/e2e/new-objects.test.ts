import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { text } from 'node:stream/consumers';
import { expect, onTestFinished, test } from 'vitest';
import { PROGRAM, serverEnvironment, temporaryFolder } from '../helpers/mcp/server-environment.ts';

const MEBIBYTE = 1024 * 1024;

/** Makes many objects that live for a while when it is asked to, and prints how large the heap's part for new objects is then. */
const MANY_OBJECTS = `
  import { getHeapSpaceStatistics } from 'node:v8';
  process.once('SIGUSR2', async () => {
    const kept = [];
    for (let round = 0; round < 2000; round += 1) {
      for (let i = 0; i < 2000; i += 1) kept[(round * 2000 + i) % 100000] = { round, i };
      await new Promise(setImmediate);
    }
    const { space_size } = getHeapSpaceStatistics().find(({ space_name }) => space_name === 'new_space');
    process.stderr.write('new objects: ' + space_size + '\\n', () => process.exit());
  });
`;

// Windows has no such signal.
test.runIf(process.platform !== 'win32')(
  'the part of the heap for new objects stays small in a server',
  async () => {
    const preload = `data:text/javascript,${encodeURIComponent(MANY_OBJECTS)}`;
    const server = spawn(process.execPath, ['--import', preload, PROGRAM], {
      env: serverEnvironment(temporaryFolder()),
    });
    onTestFinished(() => void server.kill('SIGKILL'));
    const printed = text(server.stderr);
    const clientInfo = { name: 'test', version: '1' };
    const params = { protocolVersion: '2025-06-18', capabilities: {}, clientInfo };
    server.stdin.write(`${JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'initialize', params })}\n`);
    await once(server.stdout, 'data');
    server.kill('SIGUSR2');
    const size = Number(/new objects: (\d+)/.exec(await printed)?.[1]);
    // V8 may let it grow once more before the program hears of the collection.
    expect(size).toBeLessThanOrEqual(8 * MEBIBYTE);
  },
);
