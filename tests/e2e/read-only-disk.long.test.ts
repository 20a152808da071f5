import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { temporaryFolder } from '../helpers/mcp/server-environment.ts';
import { type ProgramRun, runProgram } from '../helpers/run-program.ts';
import { readOnlyView } from '../helpers/small-disk.ts';

const ID = '0198c0de-0000-7000-8000-000000000001';
const WARNING =
  /WARN the data folder is on a read-only disk: its memories can be read and exported, not changed/;

/** A machine with one memory and a backup, whose data folder is on a read-only disk from then on. */
async function readOnlyMachine(): Promise<(...args: string[]) => Promise<ProgramRun>> {
  const dataDir = temporaryFolder();
  await runProgram(['import', '-'], { dataDir, input: JSON.stringify({ id: ID, text: 'herons nest here' }) });
  await runProgram(['backup'], { dataDir });
  const env = { MEMORY_DATA_DIR: readOnlyView(join(dataDir, 'memories')) };
  return (...args) => runProgram(args, { dataDir: temporaryFolder(), env });
}

describe('a data folder on a read-only disk', () => {
  test('is read, with a warning', { timeout: 60_000 }, async () => {
    const run = await readOnlyMachine();
    for (const command of [['list'], ['search', 'herons'], ['export'], ['get', ID]]) {
      const { code, stdout, stderr } = await run(...command);
      expect(stdout).toContain('herons nest here');
      expect(stderr).toMatch(WARNING);
      expect(code).toBe(0);
    }
    expect(JSON.parse((await run('stats', '--json')).stdout)).toMatchObject({ live: 1 });
  });

  test('refuses every change, with the fix', { timeout: 60_000 }, async () => {
    const run = await readOnlyMachine();
    for (const command of [['add', 'new'], ['update', ID, 'other'], ['delete', '--yes', ID], ['backup']]) {
      const { code, stdout } = await run(...command, '--json');
      expect(JSON.parse(stdout)).toMatchObject({
        error: {
          code: 'STORE_READ_ONLY',
          message: expect.stringContaining(
            'memory.sqlite cannot be written: its disk is mounted read-only',
          ) as string,
          fix: expect.stringContaining('Mount the disk for writing') as string,
        },
      });
      expect(code).toBe(4);
    }
  });
});
